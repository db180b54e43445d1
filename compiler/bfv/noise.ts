import { bitLength } from '../base/interval.ts';

/**
 * The noise model. Write v = c0 + c1 s - (q/t) m, taken modulo q around 0, for a ciphertext (c0, c1) of the message m
 * under the ternary secret s. SEAL encrypts q m / t rounded, so a plaintext times a ciphertext adds no term of its own
 * and sums that wrap modulo t cost nothing. Decryption is right exactly when |v| < q / (2t) in every coefficient read.
 *
 * Every bound is a worst case over honest randomness, exact: a bigint that counts halves, rounded up where a formula
 * is not an integer.
 */

/** A bound on |v|, in halves: 43 means 21.5. */
export type TwiceNoise = bigint;

/** SEAL's error: a centred binomial of 21 + 21 coins, so |e| <= 21 always; variance 42 / 4 = 10.5. */
export const ERROR_BOUND = 21n;

/** Smallest integer not below numerator / denominator, both positive. */
function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/**
 * Rounding of `terms` messages added up, each floor((q m + floor((t + 1) / 2)) / t) as SEAL computes it: off by at most
 * 1/2 for even t, and by (t + 1) / 2t = 1/2 + 1/2t for odd t, where the remainder (t - 1) / 2 is rounded up already.
 */
export function messageRounding(plainModulus: number, terms: number | bigint = 1): TwiceNoise {
  const count = BigInt(terms);
  return plainModulus % 2 === 0 ? count : count + ceilDivide(count, BigInt(plainModulus));
}

/**
 * Fresh symmetric encryption: c0 = -(a s + e) + rounded q m / t, so v = -e + rounding: 21.5, for odd t a little more.
 */
export function freshSymmetric(plainModulus: number): TwiceNoise {
  return 2n * ERROR_BOUND + messageRounding(plainModulus);
}

/**
 * Product with a plaintext polynomial w (centred lift): each coefficient of w v is a sum of coefficients of v times all
 * coefficients of w, so it grows by at most the L1 norm of w.
 */
export function timesPlaintext(noise: TwiceNoise, l1: number | bigint): TwiceNoise {
  return noise * BigInt(l1);
}

/** Sum of ciphertexts: v adds. */
export function sum(...noises: readonly TwiceNoise[]): TwiceNoise {
  return noises.reduce((total, noise) => total + noise, 0n);
}

/**
 * Dropping low bits of a coefficient, so that it travels in multiples of `step` (dropStep.ts), and restoring it to the middle
 * of what it may have been: an error of at most step / 2, or (step - 1) / 2 for odd steps. A step of 1 is no error. In c0 the
 * error enters v as it is.
 *
 * The low digits that are lost are a number L below their product P times q_i, of which 2^d multiples of P are one step: with
 * d > 0, L lies in [P 2^d k, P 2^d (k + 1)) and is restored to P (2^d k + 2^(d - 1)), at most step / 2 away. Where that digit
 * reaches its prime it is restored to q_i - 1 instead: L lies in [P (q_i - 2^(d - 1)), P q_i) then, no further from
 * P (q_i - 1). With d = 0, L in [0, P) is restored to (P - 1) / 2, which is (q - 1) / 2 in every digit.
 */
export function droppedFromC0(step: bigint): TwiceNoise {
  return step - (step & 1n);
}

/**
 * Dropping the low bits of a coefficient c of an upload with hints, in steps d that are powers of two. Because q = 1 modulo d, it
 * is restored to a multiple of d modulo q, so that the kernel splits only the rest into digits: k = floor((c + d/2 modulo q) / d)
 * travels and d u stands for it, u = k up to (q - 1) / 2d and k - (q - 1) / d above. d k is at most d/2 away from c, and
 * d u = d k + 1 modulo q in the upper half: an error of at most d/2 + 1.
 */
export function droppedFromHintUpload(step: bigint): TwiceNoise {
  return step === 1n ? 0n : droppedFromC0(step) + 2n;
}

/** The same as `droppedFromC0` in c1, where the errors of all N coefficients meet the ternary secret. */
export function droppedFromC1(step: bigint, degree: number): TwiceNoise {
  return droppedFromC0(step) * BigInt(degree);
}

/** Integer square root, rounded up. Newton's iteration on bigints. */
export function ceilSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (let next = root; ; root = next) {
    next = (root + value / root) >> 1n;
    if (next >= root) break;
  }
  return root * root === value ? root : root + 1n;
}

/** ceil(2 ln 2 * 10^16): rounded outward, so the tail is never underestimated. */
const TWICE_LN2 = 13862943611198907n;
const TWICE_LN2_SCALE = 10n ** 16n;

/**
 * Bound on a sum of fresh errors with weights w that fails with probability at most 2^-128 over `coefficients` read
 * coefficients. A centred binomial is a sum of 42 independent coins of +-1/2, each sub-Gaussian with proxy 1/4
 * (Hoeffding), so the sum has proxy 10.5 |w|^2 and P(|x| >= z sqrt(10.5) |w|) <= 2 exp(-z^2 / 2); the union over M
 * coefficients asks for z^2 = 2 ln 2 (128 + 1 + log2 M).
 */
export function errorTail(l2Squared: number | bigint, coefficients: number): TwiceNoise {
  const exponent = BigInt(129 + bitLength(Math.max(1, coefficients) - 1));
  // (2 z sqrt(10.5) |w|)^2 = 42 z^2 |w|^2
  const square = ceilDivide(42n * TWICE_LN2 * exponent * BigInt(l2Squared), TWICE_LN2_SCALE);
  return ceilSquareRoot(square);
}

/** When an honest result may decrypt wrong: never, or with probability at most 2^-128 a run. */
export type Failure = 'never' | '2^-128';

/** Low bits of coefficients modulo q that do not travel; dropStep.ts says which they are. */
export interface DroppedBits {
  /** Low bits dropped from each coefficient of c0 of an upload. */
  readonly uploadC0: number;
  /** Low bits dropped from each coefficient of c0 of a response. */
  readonly responseC0: number;
  /** Low bits dropped from each coefficient of c1 of a response. */
  readonly responseC1: number;
}

export const NOTHING_DROPPED: DroppedBits = Object.freeze({ uploadC0: 0, responseC0: 0, responseC1: 0 });

/** The noise after each step of a run; each bound in halves, the last one is what decryption meets. */
export interface NoiseStages {
  readonly fresh: TwiceNoise;
  readonly upload: TwiceNoise;
  readonly products: TwiceNoise;
  readonly response: TwiceNoise;
}

/**
 * Whether a result with this noise always decrypts right: v < q / (2t) * (1 - 2^-50). The relative margin covers the
 * rounding of SEAL's residue-number-system decryption. Exact.
 */
export function decryptionIsCertain(q: bigint, plainModulus: number, noise: TwiceNoise): boolean {
  const margin = 50n;
  return (noise * BigInt(plainModulus)) << margin < q * ((1n << margin) - 1n);
}

/** Largest noise (in halves) that the rule above lets through. */
export function largestNoise(q: bigint, plainModulus: number): TwiceNoise {
  const margin = 50n;
  return (q * ((1n << margin) - 1n) - 1n) / (BigInt(plainModulus) << margin);
}

/**
 * The budget that SEAL's invariantNoiseBudget reports at least: bits of q minus bits of t * |v| minus 1, integer
 * arithmetic throughout. t * v is an integer, at most floor(t * bound). Units: bits.
 */
export function predictedBudgetBits(q: bigint, plainModulus: number, noise: TwiceNoise): number {
  return bitLength(q) - bitLength((noise * BigInt(plainModulus)) / 2n) - 1;
}
