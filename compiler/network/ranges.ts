import { greatestCommonDivisor } from '../rings/primes.ts';
import type { LinearStage } from './spec.ts';

/**
 * What is known of one integer: lo <= value <= hi, and value = residue modulo `modulus`; both ends are of that class.
 * Modulus 0: the value is the constant lo = hi = residue. Otherwise 0 <= residue < modulus.
 *
 * The class matters: where every value of a layer is odd, squares are 1 modulo 8, so that a logit is c + 8 y and the
 * plain modulus needs room for y only.
 */
export interface Range {
  /** Smallest value. */
  readonly lo: bigint;
  /** Largest value. */
  readonly hi: bigint;
  /** Of every value, modulo `modulus`. */
  readonly residue: bigint;
  /** Of the class; 0 for a constant. */
  readonly modulus: bigint;
}

/** `value` in [0, modulus), or itself for modulus 0. */
function reduced(value: bigint, modulus: bigint): bigint {
  if (modulus === 0n) return value;
  const remainder = value % modulus;
  return remainder < 0n ? remainder + modulus : remainder;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** All integers from lo to hi. */
export function wholeRange(lo: bigint, hi: bigint): Range {
  return lo === hi ? { lo, hi, residue: lo, modulus: 0n } : { lo, hi, residue: 0n, modulus: 1n };
}

/** The range of one row over inputs of these ranges, which vary independently: both ends are reached. */
export function rowRange(stage: LinearStage, row: number, inputs: readonly Range[]): Range {
  let lo = BigInt(stage.bias[row]!);
  let hi = lo;
  let residue = lo;
  let modulus = 0n;
  for (let entry = stage.starts[row]!; entry < stage.starts[row + 1]!; entry++) {
    const weight = BigInt(stage.weights[entry]!);
    if (weight === 0n) continue;
    const input = inputs[stage.columns[entry]!]!;
    const [low, high] = [weight * input.lo, weight * input.hi];
    lo += weight > 0n ? low : high;
    hi += weight > 0n ? high : low;
    residue += weight * input.residue;
    const step = weight * input.modulus;
    if (modulus === 0n || step % modulus !== 0n) modulus = greatestCommonDivisor(absolute(step), modulus);
  }
  return { lo, hi, residue: reduced(residue, modulus), modulus };
}

/** The value of the class nearest to 0 within the range. */
function nearestToZero({ lo, hi, residue, modulus }: Range): bigint {
  if (lo >= 0n) return lo;
  if (hi <= 0n) return hi;
  const below = residue - modulus;
  if (residue > hi) return below;
  return below < lo || residue <= -below ? residue : below;
}

/**
 * The range of the square. With value = r + m u, value^2 - r^2 = 2 r m u + m^2 u^2 = f(u); every f(u) is a sum of
 * multiples of f(1) = 2 r m + m^2 and of f(2) - 2 f(1) = 2 m^2 (Newton's form), so their divisor is the modulus.
 */
export function squareRange(range: Range): Range {
  const { lo, hi, residue, modulus } = range;
  const smallest = nearestToZero(range);
  const [low, high] = [lo * lo, hi * hi];
  const step = greatestCommonDivisor(2n * residue * modulus + modulus * modulus, 2n * modulus * modulus);
  return {
    lo: smallest * smallest,
    hi: low > high ? low : high,
    residue: reduced(residue * residue, step),
    modulus: step,
  };
}

/** How many values of its class a range holds. */
export function valueCount({ lo, hi, modulus }: Range): bigint {
  return modulus === 0n ? 1n : (hi - lo) / modulus + 1n;
}

/** log2 of a positive bigint of any size. */
export function log2(value: bigint): number {
  const digits = value.toString(2);
  const head = digits.slice(0, 52);
  return Math.log2(Number.parseInt(head, 2)) + (digits.length - head.length);
}
