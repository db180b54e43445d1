import { longestRow, tapsPerCiphertext } from './program.ts';
import type { StagePrimes } from './program.ts';
import type { StageChoice, StageLayout } from './placement.ts';
import type { NetworkSpec } from './spec.ts';

/**
 * Milliseconds of node-seal's operations at N = 8192 with k data primes, measured on one core of an EPYC. A key switch
 * transforms k digits under k + 1 primes, and 2 (k + 1) sums back; a square transforms between q and a base of as many
 * primes and one; the rest goes prime by prime. Doubling N takes a little more than twice the time.
 */
const PER_8192 = {
  switch: 0.25,
  square: 4.4,
  squareFixed: 1.5,
  ntt: 0.42,
  product: 0.15,
  drop: 0.12,
  load: 0.3,
} as const;

function switchMilliseconds(primes: number): number {
  return PER_8192.switch * (primes + 1) * (primes + 2);
}

function perDegree(degree: number): number {
  return (degree / 8192) ** 1.1;
}

/** Milliseconds of the first products: ciphertexts of the upload, which come transformed, and what reads them. */
function firstMilliseconds(inputs: number, primes: number): number {
  const { load, ntt, product } = PER_8192;
  return inputs * (load + product) * primes + ntt * primes;
}

/** Milliseconds of the products of a later stage. @param rotated data primes at the rotations of its source */
function productMilliseconds(offsets: number, babies: number, rotated: number, primes: StagePrimes): number {
  const { ntt, product, drop } = PER_8192;
  const sources = Math.min(babies, offsets);
  const giants = Math.ceil(offsets / babies);
  const at = primes.products;
  return (
    (sources - 1) * switchMilliseconds(rotated) +
    sources * ((rotated - at) * drop * rotated + ntt * at) +
    offsets * product * at +
    giants * (ntt * at + (at - primes.sums) * drop * at) +
    (giants - 1) * switchMilliseconds(primes.sums)
  );
}

function squareMilliseconds(primes: number): number {
  return PER_8192.squareFixed + PER_8192.square * primes + switchMilliseconds(primes);
}

/** Milliseconds of one run under one plain modulus. */
export function networkMilliseconds(
  spec: NetworkSpec,
  layouts: readonly StageLayout[],
  choices: readonly StageChoice[],
  primes: readonly StagePrimes[],
  degree: number,
): number {
  const total = layouts.reduce((sum, layout, index) => {
    const left = primes[index]!;
    const before = primes[index - 1];
    const choice = choices[index - 1];
    // The last sums are the client's.
    const folds = index === spec.stages.length - 1 ? 0 : layout.folds.length;
    const folded = sum + folds * switchMilliseconds(left.sums);
    if (before === undefined || choice === undefined) {
      const inputs = Math.ceil(longestRow(spec.stages[index]!) / tapsPerCiphertext(layout));
      return folded + firstMilliseconds(Math.max(1, inputs), left.products);
    }
    const products = productMilliseconds(layout.offsets, choice.babies, before.sums, left);
    return folded + squareMilliseconds(before.sums) + products;
  }, 0);
  return total * perDegree(degree);
}
