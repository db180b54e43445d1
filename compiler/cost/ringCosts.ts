/**
 * What the client's ring arithmetic takes, nanoseconds: minimum times on a 2-core EPYC (Zen 5, one thread, Node 26),
 * measured with other programs running, at N = 2048 and 4096 under primes of 26, 31, 43 and 52 bits. Products and draws
 * agree within a tenth of what stands here; `expand` and `coefficient` are less sure. Plans depend on them: they change on purpose only.
 */
export const RING_NANOSECONDS = Object.freeze({
  /** A product with the secret whose other factor is transformed already, for each of N log2 N: 6 microseconds at 2048. */
  butterfly: 0.26,
  /** Recombining a coefficient of two auxiliary primes, or of three. */
  recombine: Object.freeze({ 2: 6.3, 3: 15 }),
  /** Drawing one coefficient of an error; of a secret it is half. */
  draw: 5,
  /** Expanding one coefficient of c1 from its seed, and under a prime above 31 bits. */
  expand: 4,
  expandWide: 6.8,
  /** Masking, scaling or rounding one coefficient, besides packing it. */
  coefficient: 2.7,
});

/**
 * Lane primes, each just below 2^31, that sums under a prime take: one where the prime is so small itself.
 * @param norm largest L1 norm of what one sum multiplies by
 */
export function lanePrimes(primeBits: number, norm: number): 1 | 2 | 3 {
  if (primeBits <= 31) return 1;
  return primeBits + Math.log2(norm) < 62 ? 2 : 3;
}

/**
 * Nanoseconds of one product of a public polynomial with the secret.
 * @param factor whether the public polynomial's transforms are kept; making them takes as long as the rest
 * @param norm L1 norm of the other factor; that of a ternary secret is N at most
 */
export function ringProduct(
  degree: number,
  primeBits: number,
  factor: 'kept' | 'fresh',
  norm = degree,
): number {
  const primes = lanePrimes(primeBits, norm);
  const recombining = primes === 1 ? 0 : degree * RING_NANOSECONDS.recombine[primes];
  const product = primes * degree * Math.log2(degree) * RING_NANOSECONDS.butterfly + recombining;
  return factor === 'kept' ? product : 2 * product;
}
