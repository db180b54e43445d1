/**
 * How one polynomial's coefficients travel under one prime: cut to the bits that the noise bound leaves, c >> dropped,
 * and restored to the middle of what that may have been, (c >> dropped) * 2^dropped + 2^(dropped - 1), minus the prime
 * where that reaches it. The error is at most 2^(dropped - 1); with nothing dropped there is none.
 *
 * Uploads of plans with hints are rounded instead, k = ((c + 2^(dropped - 1)) mod p) >> dropped, and k 2^dropped is what k
 * stands for, the upper half of k for negative numbers: 2^dropped (k - (p - 1) / 2^dropped) = k 2^dropped + 1 modulo p,
 * where 2^dropped divides p - 1. So the low bits of every number are 0, and the direct kernel need not look at them. The
 * error is at most 2^(dropped - 1) + 1.
 */
export interface CoefficientCode {
  readonly prime: bigint;
  readonly dropped: number;
  /** Bits of c >> dropped. */
  readonly bits: number;
  /** Largest c >> dropped. */
  readonly largest: bigint;
  /** What restoring adds: 2^(dropped - 1), or 0 where nothing is dropped or numbers are rounded. */
  readonly half: bigint;
  /** What is added before cutting: 2^(dropped - 1) where numbers are rounded. */
  readonly rounding: bigint;
  /** What restoring adds to the upper half: 1 where numbers are rounded. */
  readonly upper: bigint;
}

/** What becomes of the bits that are dropped. */
export type Dropping = 'cut' | 'rounded';

export function coefficientCode(prime: bigint, dropped: number, dropping: Dropping = 'cut'): CoefficientCode {
  const half = dropped === 0 ? 0n : 1n << BigInt(dropped - 1);
  const isRounded = dropping === 'rounded' && dropped > 0;
  return {
    prime,
    dropped,
    bits: (prime - 1n).toString(2).length - dropped,
    largest: (prime - 1n) >> BigInt(dropped),
    half: isRounded ? 0n : half,
    rounding: isRounded ? half : 0n,
    upper: isRounded ? 1n : 0n,
  };
}

/** Which of a ciphertext's polynomials: c0 or c1. */
export type Polynomial = 0 | 1;

/** Which coefficients travel, ascending; null: all. */
export type Positions = Int32Array | null;

export function positionCount(positions: Positions, degree: number): number {
  return positions === null ? degree : positions.length;
}

/** Bytes that `bits` bits take. */
export function packedBytes(bits: number): number {
  return Math.ceil(bits / 8);
}
