/**
 * What the client's ring arithmetic takes, nanoseconds: minimum times on the machine of the cost table (2-core EPYC,
 * Zen 5, one thread, Node 26), 8 microseconds for a product at N = 2048 and 18 at 4096.
 */
export const RING_NANOSECONDS = Object.freeze({
  /** A product with the secret under a prime below 2^31, for each of N log2 N butterflies. */
  butterfly: 0.36,
  /** Recombining a coefficient of several auxiliary primes. */
  recombine: 3,
  /** Drawing one coefficient of an error or a secret. */
  draw: 6,
  /** Expanding one coefficient of c1 from its seed. */
  expand: 3,
  /** Masking, scaling or rounding one coefficient. */
  coefficient: 2,
});

/** Auxiliary primes, each just below 2^31, that a product under a prime takes: one where the prime is so small itself. */
function auxiliaryPrimes(degree: number, primeBits: number): 1 | 2 | 3 {
  if (primeBits <= 31) return 1;
  return primeBits + Math.log2(degree) < 62 ? 2 : 3;
}

/** Nanoseconds of one product of a public polynomial with the secret. */
export function ringProduct(degree: number, primeBits: number): number {
  const primes = auxiliaryPrimes(degree, primeBits);
  const recombining = primes === 1 ? 0 : degree * RING_NANOSECONDS.recombine;
  return primes * degree * Math.log2(degree) * RING_NANOSECONDS.butterfly + recombining;
}
