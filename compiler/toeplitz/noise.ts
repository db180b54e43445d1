import type { DropSteps } from '../bfv/dropStep.ts';
import type { Failure, NoiseStages } from '../bfv/noise.ts';
import type { Protocol } from '../lowering/plan.ts';
import {
  freshSymmetric,
  droppedFromC0,
  messageRounding,
  timesPlaintext,
  ERROR_BOUND,
  errorTail,
  sum,
  droppedFromC1,
  droppedFromHintUpload,
} from '../bfv/noise.ts';

/** What the noise of a toeplitz result depends on. */
export interface ResultNoiseInput {
  readonly degree: number;
  readonly plainModulus: number;
  readonly failure: Failure;
  /** Largest L1 norm, and largest squared L2 norm, of the weight polynomials of a row (centred lift). */
  readonly rowL1: number;
  readonly rowL2Squared: number;
  /** Output coefficients that one run reveals. */
  readonly coefficients: number;
  readonly steps: DropSteps;
  /** With hints what is dropped of an upload is restored otherwise, and nothing of c1 is rounded. */
  readonly protocol: Protocol;
}

/**
 * Noise of a toeplitz result: a fresh symmetric encryption, its low bits dropped, times the weights of the row, low bits
 * of the response dropped. With `2^-128` the errors' worst case 21 * L1 is replaced by their tail where that is less; the
 * roundings stay at their worst case, because nothing says that they are independent. A row without weights is never
 * encrypted; what is then measured is a fresh ciphertext, so L1 and L2 count as 1 at least.
 */
export function resultNoise(input: ResultNoiseInput): NoiseStages {
  const { degree, plainModulus, failure, steps } = input;
  const l1 = Math.max(1, input.rowL1);
  const l2Squared = Math.max(1, input.rowL2Squared);
  const fresh = freshSymmetric(plainModulus);
  const dropping =
    input.protocol === 'hint' ? droppedFromHintUpload(steps.uploadC0) : droppedFromC0(steps.uploadC0);
  const upload = fresh + dropping;
  // The roundings of all terms in one sum: rounded up once, not once a term.
  const rounding = messageRounding(plainModulus, l1) + timesPlaintext(dropping, l1);
  const worst = timesPlaintext(2n * ERROR_BOUND, l1) + rounding;
  const likely = errorTail(l2Squared, input.coefficients) + rounding;
  const products = failure === '2^-128' && likely < worst ? likely : worst;
  const response = sum(products, droppedFromC0(steps.responseC0), droppedFromC1(steps.responseC1, degree));
  return { fresh, upload, products, response };
}
