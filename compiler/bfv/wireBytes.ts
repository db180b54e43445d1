import { digitBits } from './dropStep.ts';

/** Sizes of what travels, in bytes. */

/** The seed that stands for c1 in an upload that SEAL expands, and in a half of an evaluation key. */
export const SEAL_SEED_BYTES = 64;

/** The seed that stands for c1 in an upload of ours. */
export const SEED_BYTES = 32;

/** One polynomial, `dropped` low bits of every coefficient left out; it fills up its last byte. */
export function polynomialBytes(primes: readonly string[], coefficients: number, dropped: number): number {
  return Math.ceil((coefficients * (digitBits(primes.map(BigInt)) - dropped)) / 8);
}
