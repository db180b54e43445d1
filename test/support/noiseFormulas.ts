import type { TwiceNoise } from '../../compiler/bfv/noise.ts';
import { ERROR_BOUND, messageRounding } from '../../compiler/bfv/noise.ts';

/**
 * Noise formulas that no plan needs: public-key encryption, modulus switching and single rotations, and the standard
 * deviations beside the bounds. Tests measure SEAL against them; compiler/bfv/noise.ts says what v is.
 */

function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

const ERROR_VARIANCE = 10.5;

/** Its deviation: the error and a rounding uniform over an interval of length 1. */
export const FRESH_SYMMETRIC_DEVIATION = Math.sqrt(ERROR_VARIANCE + 1 / 12);

/**
 * Fresh public-key encryption with one prime: v = e u + e1 + e2 s + rounding with u and s ternary, N terms each:
 * 21 (2N + 1) and the rounding of the message.
 */
export function freshPublicKey(degree: number, plainModulus: number): TwiceNoise {
  return 2n * ERROR_BOUND * BigInt(2 * degree + 1) + messageRounding(plainModulus);
}

/** u and s have variance 2/3: sqrt(10.5 (4N/3 + 1)). */
export function freshPublicKeyDeviation(degree: number): number {
  return Math.sqrt(ERROR_VARIANCE * ((4 * degree) / 3 + 1));
}

/**
 * Fresh public-key encryption with a special prime P: SEAL encrypts zero modulo q P and switches down, which divides the
 * error by P and adds the rounding of both halves, 1/2 + N/2: (1 + N)/2 + 21 (2N + 1) / P, and the message's rounding.
 */
export function freshPublicKeySpecial(
  degree: number,
  specialPrime: bigint,
  plainModulus: number,
): TwiceNoise {
  const errors = 2n * ERROR_BOUND * BigInt(2 * degree + 1);
  return modulusSwitch(errors, specialPrime, degree) + messageRounding(plainModulus);
}

/** Rounding (1 + 2N/3) / 12, plus what is left of the error, plus the rounding of the message. */
export function freshPublicKeySpecialDeviation(degree: number, specialPrime: bigint): number {
  const left = freshPublicKeyDeviation(degree) / Number(specialPrime);
  return Math.sqrt(modulusSwitchDeviation(0, degree) ** 2 + left ** 2 + 1 / 12);
}

/** Independent coefficients: the L2 norm of w. */
export function timesPlaintextDeviation(deviation: number, l2: number): number {
  return deviation * l2;
}

/** Dropped low bits are uniform: d / sqrt(12). */
export function droppedFromC0Deviation(bits: number): number {
  return bits === 0 ? 0 : 2 ** bits / Math.sqrt(12);
}

/** N errors against a ternary secret of variance 2/3. */
export function droppedFromC1Deviation(bits: number, degree: number): number {
  return droppedFromC0Deviation(bits) * Math.sqrt((2 * degree) / 3);
}

/**
 * Modulus switch by a prime p: v / p, and rounding both halves, 1/2 + N/2 against the ternary secret: (1 + N)/2.
 */
export function modulusSwitch(noise: TwiceNoise, prime: bigint, degree: number): TwiceNoise {
  return ceilDivide(noise, prime) + BigInt(1 + degree);
}

export function modulusSwitchDeviation(deviationBefore: number, degree: number, prime = 1n): number {
  return Math.sqrt((deviationBefore / Number(prime)) ** 2 + (1 + (2 * degree) / 3) / 12);
}

/**
 * Rotation (key switching) with data primes q_i and special prime P: the digits of c1 modulo q_i are below q_i, each
 * meets an error of the key: 21 N sum(q_i) / P, and the switch down by P adds (1 + N)/2. The digits are not centred, so
 * the error is a key-fixed, correlated bias: for tails use the proxy variance 10.5 N sum((q_i / P)^2), not independence.
 */
export function rotation(
  noise: TwiceNoise,
  degree: number,
  dataPrimes: readonly bigint[],
  specialPrime: bigint,
): TwiceNoise {
  const digits = dataPrimes.reduce((total, prime) => total + prime, 0n);
  const keySwitch = ceilDivide(2n * ERROR_BOUND * BigInt(degree) * digits, specialPrime);
  return noise + keySwitch + BigInt(1 + degree);
}
