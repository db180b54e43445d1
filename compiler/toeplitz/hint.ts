import { reject } from '../base/reject.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { polynomialBytes } from '../bfv/wireBytes.ts';
import type { ConvShape } from '../convolution/shape.ts';
import { protocolOf } from '../lowering/plan.ts';
import type { PlanWire, SentCiphertexts } from '../lowering/plan.ts';
import type { ToeplitzPacking } from './packing.ts';

/**
 * What the weights make of the public c1, fixed for a plan: of every computed row all N coefficients of W a under every
 * prime, packed at the bits of the prime. One row serves all block groups, because all of them share a; each has a secret of its own.
 */

interface HintSource {
  readonly shape: Pick<ConvShape, 'weights'>;
  readonly packing: Pick<ToeplitzPacking, 'outputsPerProduct'>;
  readonly parameters: Pick<Parameters, 'degree' | 'dataPrimes'>;
  readonly transfer: Pick<SentCiphertexts, 'emptyRows'>;
}

/** Rows of the hint: the result rows of one block group that are computed, in the order of the program. */
function hintRows({ shape, packing, transfer }: Omit<HintSource, 'parameters'>): number {
  return Math.ceil(shape.weights.outChannels / packing.outputsPerProduct) - transfer.emptyRows.length;
}

/** Bytes of the hint's payload: its rows back to back. N is a multiple of 8, so each of them fills its bytes. */
export function hintBytes(source: HintSource): number {
  const { dataPrimes, degree } = source.parameters;
  return hintRows(source) * polynomialBytes(dataPrimes, degree, 0);
}

/**
 * Most low bits that an upload may do without: q is 1 modulo 2N, and so modulo as many powers of two. Under several primes the
 * kernel takes residues, which are wide whatever is dropped of the coefficient.
 */
export function largestShift(degree: number, primeCount: number): number {
  return primeCount === 1 ? Math.log2(2 * degree) : 0;
}

/**
 * Nothing is dropped of a c1 that does not travel, and of c0 only as much as `droppedFromHintUpload` can restore.
 * @throws CipherconvError `plan-rejected`
 */
export function verifyHintWire(
  { degree, dataPrimes }: Pick<Parameters, 'degree' | 'dataPrimes'>,
  wire: PlanWire,
): void {
  if (protocolOf(wire) === 'standard') return;
  if (wire.responseC1 !== 0)
    reject('wire.responseC1', 'with hints no c1 comes back', '0', String(wire.responseC1));
  const most = largestShift(degree, dataPrimes.length);
  if (wire.uploadC0 > most)
    reject('wire.uploadC0', 'too many bits dropped for hints', `at most ${most}`, String(wire.uploadC0));
}
