/** How many bits of q a ring degree may carry at a security level, ternary secret, q with its special prime. */

/** Classical bits of security against the best known lattice attacks, by the table of eprint 2024/463. */
export type SecurityBits = 128 | 192 | 256;

/** A ring degree N: the number of coefficients of a polynomial, a power of two. */
export type Degree = 1024 | 2048 | 4096 | 8192 | 16384 | 32768;

/** The ring degrees N that plans may have, ascending. */
export const DEGREES = [1024, 2048, 4096, 8192, 16384, 32768] as const satisfies readonly Degree[];

/**
 * "Security Guidelines for Implementing Homomorphic Encryption" (Bossuat, Cammarota, Chillotti and others, 2024,
 * eprint 2024/463): classical attacks, ternary secret; its rows for 128, 192 and 256 bits from N = 2048 on, and for
 * N = 1024 at 128 bits. They are below SEAL's own table (homomorphicencryption.org standard, 2018) everywhere: by the
 * lattice estimator of today SEAL's rows for 192 and 256 bits give 180 to 188 and 242 bits.
 *
 * The guidelines have no 192-bit entry for N = 1024: 17 bits are our own figure, 201 bits by the lattice estimator.
 * At 256 bits N = 1024 carries nothing: the smallest prime there has 14 bits. Units: bits of q.
 */
const LARGEST_LOG2_Q: Readonly<Record<SecurityBits, Readonly<Record<Degree, number>>>> = Object.freeze({
  128: Object.freeze({ 1024: 26, 2048: 53, 4096: 106, 8192: 214, 16384: 430, 32768: 868 }),
  192: Object.freeze({ 1024: 17, 2048: 36, 4096: 73, 8192: 147, 16384: 297, 32768: 597 }),
  256: Object.freeze({ 1024: 0, 2048: 27, 4096: 56, 8192: 114, 16384: 230, 32768: 462 }),
});

/** Largest total number of bits of the coefficient modulus; 0 where the degree is too small for any. Units: bits. */
export function largestModulusBits(degree: Degree, security: SecurityBits): number {
  return LARGEST_LOG2_Q[security][degree];
}

export function isDegree(value: number): value is Degree {
  return (DEGREES as readonly number[]).includes(value);
}

export function isSecurityBits(value: number): value is SecurityBits {
  return value === 128 || value === 192 || value === 256;
}
