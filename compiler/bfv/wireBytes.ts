import { bitLength } from '../base/interval.ts';

/** Sizes of what travels, in bytes. */

/** The seed that stands for c1 in an upload of SEAL's, and in a half of an evaluation key. */
export const SEED_BYTES = 64;

/** One polynomial, prime by prime, its coefficients cut by `dropped` bits; it fills up its last byte. */
export function polynomialBytes(primes: readonly string[], coefficients: number, dropped: number): number {
  const bits = primes.reduce(
    (total, prime) => total + coefficients * (bitLength(BigInt(prime)) - dropped),
    0,
  );
  return Math.ceil(bits / 8);
}
