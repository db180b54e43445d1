/** How many bits of q a ring degree may carry at a security level, ternary secret, q with its special prime. */

export type SecurityBits = 128 | 192 | 256;

export const DEGREES = [1024, 2048, 4096, 8192, 16384, 32768] as const;
export type Degree = (typeof DEGREES)[number];

/**
 * 128 bits: "Security Guidelines for Implementing Homomorphic Encryption" (2024), classical, ternary secret; at every
 * degree below SEAL's own older table. 192 and 256 bits: SEAL's table (homomorphicencryption.org standard, 2018).
 */
const LARGEST_LOG2_Q: Readonly<Record<SecurityBits, Readonly<Record<Degree, number>>>> = Object.freeze({
  128: Object.freeze({ 1024: 26, 2048: 53, 4096: 106, 8192: 214, 16384: 430, 32768: 868 }),
  192: Object.freeze({ 1024: 19, 2048: 37, 4096: 75, 8192: 152, 16384: 305, 32768: 611 }),
  256: Object.freeze({ 1024: 14, 2048: 29, 4096: 58, 8192: 118, 16384: 237, 32768: 476 }),
});

/** Largest total number of bits of the coefficient modulus. Units: bits. */
export function largestModulusBits(degree: Degree, security: SecurityBits): number {
  return LARGEST_LOG2_Q[security][degree];
}

export function isDegree(value: number): value is Degree {
  return (DEGREES as readonly number[]).includes(value);
}

export function isSecurityBits(value: number): value is SecurityBits {
  return value === 128 || value === 192 || value === 256;
}
