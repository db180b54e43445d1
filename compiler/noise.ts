import { bitLength } from './interval.ts';

/**
 * The noise of a toeplitz program, worst case. Write v = c0 + c1 s - (q/t) m, taken modulo q around 0. SEAL encrypts
 * round(q m / t), so a plaintext times a ciphertext adds no term of its own and sums that wrap modulo t cost nothing.
 * Decryption is right exactly when |v| < q / (2t).
 *
 * Bounds are exact: bigints, in halves (the fresh bound is 21.5), no floating point.
 */

/**
 * Twice the bound of a fresh symmetric encryption: the error is a centred binomial of 21 + 21 coins, so |e| <= 21
 * always, and rounding q m / t adds at most 1/2: 21.5. Its standard deviation is sqrt(10.5), measured 3.25.
 */
export const FRESH_NOISE_TWICE = 43n;

/**
 * Twice the bound of a result row: sum over terms of w * c. Multiplying by a polynomial w grows the largest
 * coefficient of v by at most the L1 norm of w, and sums add: 21.5 * L1 over all polynomials of the row. A row without
 * terms is never encrypted; what is then measured is a fresh ciphertext, so the bound is never below that.
 */
export function rowNoiseTwice(rowL1: number): bigint {
  return FRESH_NOISE_TWICE * BigInt(Math.max(1, rowL1));
}

/**
 * Whether a result with this noise always decrypts right: v < q / (2t) * (1 - 2^-50). The relative margin covers the
 * rounding of SEAL's residue-number-system decryption. Exact.
 */
export function decryptionIsCertain(q: bigint, plainModulus: number, noiseTwice: bigint): boolean {
  const margin = 50n;
  return (noiseTwice * BigInt(plainModulus)) << margin < q * ((1n << margin) - 1n);
}

/**
 * The budget that SEAL's invariantNoiseBudget reports at least: bits of q minus bits of t * |v| minus 1, integer
 * arithmetic throughout. t * v is an integer, at most floor(t * bound). Units: bits.
 */
export function predictedBudgetBits(q: bigint, plainModulus: number, noiseTwice: bigint): number {
  return bitLength(q) - bitLength((noiseTwice * BigInt(plainModulus)) / 2n) - 1;
}
