import { bitLength } from '../base/interval.ts';

/** Sizes of what travels, in bytes. */

/** The seed that stands for c1 in an upload that SEAL expands, and in a half of an evaluation key. */
export const SEAL_SEED_BYTES = 64;

/** The seed that stands for c1 in an upload of ours. */
export const SEED_BYTES = 32;

/** One polynomial, prime by prime, its coefficients cut by `dropped` bits; it fills up its last byte. */
export function polynomialBytes(primes: readonly string[], coefficients: number, dropped: number): number {
  const bits = primes.reduce(
    (total, prime) => total + coefficients * (bitLength(BigInt(prime)) - dropped),
    0,
  );
  return Math.ceil(bits / 8);
}
