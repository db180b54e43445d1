import { scheduleSteps } from './steps.ts';
import type { StepSchedule } from './steps.ts';
import { limbsFor, largestLaneL1 } from '../../rings/digits.ts';
import type { DirectLanes } from '../plan.ts';
import type { Parameters } from '../../bfv/parameters.ts';
import type { ToeplitzProgram } from '../program.ts';

/**
 * The lane analysis of the direct kernel: the accumulator analysis once more, on the kernel's own sums.
 *
 * A residue c modulo a prime p is taken in [-(p-1)/2, (p-1)/2], for which negation (X^N = -1) is symmetric, and written
 * with L balanced digits of l bits, c = sum over k of d_k 2^(l k), -2^(l-1) <= d_k <= 2^(l-1) - 1. All digits at their
 * largest make (2^(l-1) - 1) (2^(l L) - 1) / (2^l - 1), the capacity; at their smallest they reach further. So every c
 * has digits exactly when (p-1)/2 <= capacity. A digit, l <= 16, is a signed 16-bit lane.
 *
 * The kernel computes for each limb k the sum S_k = sum over taps of w d_k in a 32-bit lane. Products of two 16-bit
 * lanes, their pairwise sums and all additions are taken modulo 2^32, a ring homomorphism, so wraps on the way are
 * harmless and the lane holds S_k as soon as |S_k| <= 2^31 - 1. From |d_k| <= 2^(l-1), |S_k| <= 2^(l-1) L1, hence the
 * rule 2^(l-1) L1 <= 2^31 - 1, L1 being the norm of the weights (SEAL's centred lift) summed in one lane. A row whose
 * norm is larger is summed in several folds, each reduced modulo p on its own. One step adds two weights of at most
 * 32767 = 2^15 - 1, and 2^(l-1) 2 (2^15 - 1) < 2^31 for l <= 16: a step always fits into a fold.
 *
 * Recombination: V = sum over k of S_k 2^(l k) = sum over taps of w c, so |V| <= L1 (p-1)/2, and V / p, below
 * 2^31 / 2^l, is a 32-bit quotient. The kernel takes V modulo 2^64 exactly and an approximation F in doubles: each
 * S_k 2^(l k) is exact (32 bits and a power of two), L - 1 additions err by at most 2^-53 of M = sum of 2^31 2^(l k)
 * each, and the product with the rounded inverse by 2^-52 of V / p. With 8 L M < 2^52 p the quotient round(F / p) is
 * less than 1/2 + 1/4 away from V / p, so V - quotient p lies strictly between -p and p, below 2^60, which 64 bits hold
 * exactly; adding p where it is negative gives the residue.
 *
 * With hints an input is 2^d u modulo p, where |u| <= (p - 1) / 2^(d+1) (bfv/noise.ts). The digits are those of u, of which
 * (p-1)/2^d + 1 takes the place of p above, and V = 2^d times the sum over k of S_k 2^(l k): every term 2^(l k) above has the
 * factor 2^d more, and |V| <= L1 (p-1)/2 as before. d = 0 elsewhere.
 *
 * Where L1 * sum of 2^(l k + l - 1 + d) + p <= 2^53, every S_k 2^(l k + d), every partial sum of them, V and quotient p are
 * integers of at most 2^53 and so exact in doubles: the kernel then needs no 64-bit arithmetic, with the same result.
 */

/** Weights are one signed lane of 16 bits. */
export const LARGEST_DIRECT_WEIGHT = 32767;

/** Whether the quotient of the recombination is exact enough; see above. */
function quotientIsCertain(prime: bigint, limbBits: number, limbs: number, shift: number): boolean {
  let reach = 0n;
  for (let limb = 0; limb < limbs; limb++) reach += 1n << BigInt(31 + limbBits * limb + shift);
  return 8n * BigInt(limbs) * reach < prime << 52n;
}

/**
 * Whether doubles hold every sum of the recombination, see above: a matter of speed only.
 * @param foldL1 largest L1 norm of weights that one lane sums
 * @param shift low bits that the digits do without
 */
export function sumsAreExact(
  primes: readonly bigint[],
  { limbBits, limbs }: DirectLanes,
  foldL1: number,
  shift: number,
): boolean {
  let reach = 0n;
  for (let limb = 0; limb < limbs; limb++) reach += 1n << BigInt(limbBits * (limb + 1) - 1 + shift);
  return primes.every((prime) => BigInt(foldL1) * reach + prime <= 1n << 53n);
}

export type LaneAnalysis =
  | { readonly kind: 'possible'; readonly lanes: DirectLanes; readonly schedule: StepSchedule }
  | { readonly kind: 'refused'; readonly expected: string; readonly found: string };

/** What the digits of residues modulo a prime must carry, when they do without `shift` low bits: as many values. */
export function digitModulus(prime: bigint, shift: number): bigint {
  return ((prime - 1n) >> BigInt(shift)) + 1n;
}

/**
 * Whether, and how, the direct kernel computes a program under these primes; the steps are made on the way. Exact.
 * @param shift low bits that the digits of inputs do without: `digitShift` of the plan
 */
export function analyzeLanes(
  parameters: Pick<Parameters, 'dataPrimes'>,
  program: ToeplitzProgram,
  shift: number,
): LaneAnalysis {
  const widest = largestWeight(program);
  if (widest > LARGEST_DIRECT_WEIGHT) {
    return {
      kind: 'refused',
      expected: `weights of at most ${LARGEST_DIRECT_WEIGHT} modulo t`,
      found: `a weight of size ${widest}`,
    };
  }
  const primes = parameters.dataPrimes.map(BigInt);
  const largest = primes.reduce((most, prime) => (prime > most ? prime : most), 0n);
  const { limbs, limbBits } = limbsFor(digitModulus(largest, shift));
  const uncertain = primes.find((prime) => !quotientIsCertain(prime, limbBits, limbs, shift));
  if (uncertain !== undefined) {
    return {
      kind: 'refused',
      expected: 'primes of about the same size',
      found: `${uncertain} beside ${largest}`,
    };
  }
  const laneL1 = largestLaneL1(limbBits);
  const schedule = scheduleSteps(program, laneL1);
  return { kind: 'possible', lanes: { limbBits, limbs, laneL1, folds: schedule.folds }, schedule };
}

/** Largest absolute value of a weight of the program. */
export function largestWeight(program: ToeplitzProgram): number {
  let largest = 0;
  for (const { values } of program.plaintexts) {
    // By index: iterators of typed arrays take several times as long, and these are all weights.
    const { length } = values;
    for (let index = 0; index < length; index++) largest = Math.max(largest, Math.abs(values[index]!));
  }
  return largest;
}
