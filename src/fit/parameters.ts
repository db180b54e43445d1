import type { MatrixExports } from '../../runtime/training/module.ts';
import type { Arena, Doubles, Floats } from './memory.ts';
import { padded } from './memory.ts';

/**
 * Weights that are learned as real numbers and used as integers. A row's integers are the real weights drawn towards 0, in
 * proportion to how far each input gets, by the smallest amount with which the row's sum stays within its budget: a
 * projection onto an L1 ball that is weighted by reach, after A2Q (Colbert et al. 2023, arXiv 2308.13504). So the bound holds
 * at every step, not only at the end.
 */

/** Integers are stored as int8, those of the first layer perhaps doubled. */
const LARGEST_WEIGHT = 63;
/** Halvings of the bracket around a row's last amount. */
const HALVINGS = 7;

/** Real numbers that Adam moves. */
export interface Learned {
  readonly values: Floats;
  readonly slopes: Floats;
  readonly means: Floats;
  readonly squares: Floats;
  readonly count: number;
}

export function learned(arena: Arena, count: number): Learned {
  const length = padded(count);
  const block = (): Floats => arena.floats(length);
  return { values: block(), slopes: block(), means: block(), squares: block(), count: length };
}

/** What a row of weights may add up to, over all inputs: upwards, downwards, and both together. */
export interface Budget {
  readonly up: number;
  readonly down: number;
  readonly both: number;
}

/** The weights of one layer. */
export interface Weights {
  readonly rows: number;
  /** Entries of a row, padding included. */
  readonly length: number;
  /** Entries of a row that stand for an input, where they come first: of a convolution. */
  readonly taps: number;
  readonly latent: Learned;
  /** What the forward pass uses: integers, row by row. */
  readonly integers: Floats;
  /** How far each entry's input gets from 0, and the same as a share of the furthest. */
  readonly reaches: Doubles;
  readonly shares: Floats;
  /** The two sums that `shrink` leaves. */
  readonly sums: Doubles;
  /** The amount of each row. */
  readonly amounts: Float64Array;
  /** How far each row's sum gets downwards and upwards, bias included. */
  readonly lows: Float64Array;
  readonly highs: Float64Array;
}

export function makeWeights(arena: Arena, rows: number, taps: number): Weights {
  const length = padded(taps);
  return {
    rows,
    length,
    taps,
    latent: learned(arena, rows * length),
    integers: arena.floats(rows * length),
    reaches: arena.doubles(length),
    shares: arena.floats(length),
    sums: arena.doubles(2),
    amounts: new Float64Array(rows),
    lows: new Float64Array(rows),
    highs: new Float64Array(rows),
  };
}

/** Takes over how far the inputs get. @param reaches one per entry of a row, 0 for padding */
export function setReaches({ reaches, shares }: Weights, found: Float64Array): void {
  reaches.numbers.set(found);
  const most = found.reduce((left, right) => Math.max(left, right), 0);
  for (let index = 0; index < found.length; index++)
    shares.numbers[index] = most === 0 ? 0 : found[index]! / most;
}

/**
 * Makes the integers of one row.
 * @returns how far its sum gets upwards and downwards, without bias
 */
export function roundRow(
  kernel: MatrixExports,
  weights: Weights,
  row: number,
  budget: Budget,
): readonly [up: number, down: number] {
  const fits = (amount: number): boolean => {
    const [up, down] = shrink(kernel, weights, row, amount);
    return up <= budget.up && down <= budget.down && up + down <= budget.both;
  };
  const amount = smallestFitting(fits, weights.amounts[row]!);
  weights.amounts[row] = amount;
  return shrink(kernel, weights, row, amount);
}

/** Bisection in a bracket around the last answer, which is nearly always still the right place. */
function smallestFitting(fits: (amount: number) => boolean, last: number): number {
  let low = last * 0.97 - 0.001;
  if (low <= 0 || fits(low)) {
    if (fits(0)) return 0;
    low = 0;
  }
  let high = Math.max(last * 1.03, 0.001);
  while (!fits(high)) {
    low = high;
    high = high * 1.2 + 0.01;
  }
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function shrink(
  kernel: MatrixExports,
  { latent, shares, reaches, integers, sums, length }: Weights,
  row: number,
  amount: number,
): readonly [up: number, down: number] {
  const offset = row * length * 4;
  kernel.shrink(
    latent.values.address + offset,
    shares.address,
    reaches.address,
    integers.address + offset,
    sums.address,
    length,
    amount,
    LARGEST_WEIGHT,
  );
  return [sums.numbers[0]!, sums.numbers[1]!];
}
