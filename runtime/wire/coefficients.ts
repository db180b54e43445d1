/**
 * How one polynomial's coefficients travel under one prime: cut to the bits that the noise bound leaves, c >> dropped,
 * and restored to the middle of what that may have been, (c >> dropped) * 2^dropped + 2^(dropped - 1), minus the prime
 * where that reaches it. The error is at most 2^(dropped - 1); with nothing dropped there is none.
 */
export interface CoefficientCode {
  readonly prime: bigint;
  readonly dropped: number;
  /** Bits of c >> dropped. */
  readonly bits: number;
  /** Largest c >> dropped. */
  readonly largest: bigint;
  /** What restoring adds: 2^(dropped - 1), or 0 where nothing is dropped. */
  readonly half: bigint;
}

export function coefficientCode(prime: bigint, dropped: number): CoefficientCode {
  return {
    prime,
    dropped,
    bits: (prime - 1n).toString(2).length - dropped,
    largest: (prime - 1n) >> BigInt(dropped),
    half: dropped === 0 ? 0n : 1n << BigInt(dropped - 1),
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
