import type { DropSteps } from '../bfv/dropStep.ts';
import {
  droppedFromC0,
  droppedFromC1,
  ERROR_BOUND,
  errorTail,
  freshSymmetric,
  messageRounding,
  sum,
  timesPlaintext,
} from '../bfv/noise.ts';
import type { Failure, NoiseStages, TwiceNoise } from '../bfv/noise.ts';

/**
 * The noise of a result of the diagonals lowering,
 *
 *     y = sum over giants g of rot_g( sum over inputs i and babies b of w_gib * rot_b(x_i) ),
 *
 * rot_0 being no rotation and the exchange of the slot rows a rotation like any other. `noise.ts` says what v is. Every
 * step is linear in v, and an automorphism only permutes the coefficients of v, with signs:
 *
 * - fresh: v_i = -e_i + rounding, |e_i| <= 21, |rounding| <= 1/2, plus what the upload drops from c0;
 * - key switching with digits D_j of c1 (D_j modulo q_j, in [0, q_j)), key errors e_kj and special prime P adds
 *   sum over j of D_j e_kj / P, and the rounding of both halves of the switch down: 1/2 + N/2;
 * - a product with w multiplies the bound on the coefficients by the L1 norm of w.
 *
 * Worst case: |e| <= 21 everywhere, so a key switch adds at most 21 N sum(q_j) / P + (1 + N)/2.
 *
 * Tail: fix all masks, that is the c1 of the uploads and the a of the keys. Key switching makes the new c1 from c1 and a
 * alone and products make it from c1 and w, so every c1 of the circuit, every digit D_j and every rounding r of a c1 is
 * then a constant: no error and no secret ever enters one. What is left of v is a linear form in the errors e_i and e_kj
 * and in the secret s (r s, from switching down), all independent of the masks and of each other, beside the roundings
 * of c0, 1/2 a switch, which stay at their worst case. A coefficient of an error is a sum of 42 coins, sub-Gaussian with
 * proxy 10.5 (see `errorTail`); one of s is uniform on -1, 0, 1, sub-Gaussian with proxy 2/3, because
 * (1 + 2 cosh x)/3 <= exp(x^2/3) term by term: 2 * 3^(k-1) k! <= (2k)!. The proxy of the form is the sum over all
 * independent coefficients of proxy times squared factor: by the triangle inequality within one polynomial and
 * Pythagoras between them at most 10.5 X + 2/3 Y with
 *
 *     X = sum over i (sum over g, b of |w_gib|_2)^2  +  N sum over j (q_j / P)^2 * sum over k S_k^2,
 *     Y = N/4 (sum over k S_k)^2,
 *
 * where S_k adds, for every use of key k, the L1 norm of what its noise is multiplied by afterwards: w for a baby, 1 for
 * a giant; |w D|_2 <= |w|_1 |D|_2, |D_j|_2 <= sqrt(N) q_j, |r|_2 <= sqrt(N)/2. The digits are not centred and one key's
 * error is shared by all its uses: nothing here needs them to be independent.
 */
export interface DiagonalsNorms {
  /** Sum of the L1 norms of all plaintexts of a row. */
  readonly rowL1: bigint;
  /** The part of it that multiplies rotated inputs. */
  readonly rotatedL1: bigint;
  /** sum over i of (sum over g, b of |w_gib|_2)^2, every L2 norm rounded up. */
  readonly freshSquare: bigint;
  /** sum over k of S_k^2. */
  readonly keySquare: bigint;
  /** Rotations after products of a row, exchanges of slot rows included. */
  readonly rotations: number;
}

export interface DiagonalsNoiseInput {
  readonly degree: number;
  /** t. */
  readonly plainModulus: number;
  readonly failure: Failure;
  readonly dataPrimes: readonly bigint[];
  /** null exactly when nothing is rotated. */
  readonly specialPrime: bigint | null;
  /** Each the largest over all rows. */
  readonly norms: DiagonalsNorms;
  /** Coefficients that decryption reads in one run: all N of every result, because each slot depends on all. */
  readonly coefficients: number;
  readonly steps: DropSteps;
}

function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** Key switches of a row, each by the L1 norm of what its noise is multiplied by: the sum of the S_k. */
function switches({ rotatedL1, rotations }: DiagonalsNorms): bigint {
  return rotatedL1 + BigInt(rotations);
}

/** Largest part of v that errors and switching down make, in halves. */
function worst({ degree, dataPrimes, specialPrime, norms }: DiagonalsNoiseInput): TwiceNoise {
  const fresh = 2n * ERROR_BOUND * norms.rowL1;
  if (specialPrime === null) return fresh;
  const digits = dataPrimes.reduce((total, prime) => total + prime, 0n);
  const errors = 2n * ERROR_BOUND * BigInt(degree) * digits * switches(norms);
  return fresh + ceilDivide(errors, specialPrime) + BigInt(1 + degree) * switches(norms);
}

/** The same part, passed with probability at most 2^-128. 10.5 X + 2/3 Y = 10.5 (X + N (sum of S_k)^2 / 63). */
function likely({ degree, dataPrimes, specialPrime, norms, coefficients }: DiagonalsNoiseInput): TwiceNoise {
  if (specialPrime === null) return errorTail(norms.freshSquare, coefficients);
  const squares = dataPrimes.reduce((total, prime) => total + prime * prime, 0n);
  const errors = ceilDivide(BigInt(degree) * squares * norms.keySquare, specialPrime * specialPrime);
  const secret = ceilDivide(BigInt(degree) * switches(norms) ** 2n, 63n);
  return errorTail(norms.freshSquare + errors + secret, coefficients) + switches(norms);
}

/** Noise after each step; the last is what decryption meets. See the top of the file for the argument. */
export function diagonalsNoise(input: DiagonalsNoiseInput): NoiseStages {
  const { degree, plainModulus, steps, norms, failure } = input;
  const fresh = freshSymmetric(plainModulus);
  const upload = fresh + droppedFromC0(steps.uploadC0);
  const roundings =
    messageRounding(plainModulus, norms.rowL1) + timesPlaintext(droppedFromC0(steps.uploadC0), norms.rowL1);
  const certain = worst(input);
  const tail = failure === 'never' ? certain : likely(input);
  const products = roundings + (tail < certain ? tail : certain);
  const response = sum(products, droppedFromC0(steps.responseC0), droppedFromC1(steps.responseC1, degree));
  return { fresh, upload, products, response };
}
