import type { ClientView } from './plan.ts';
import { checkShape } from '../convolution/checkShape.ts';
import { outputShape } from '../convolution/shape.ts';
import { elementCount } from '../base/tensor.ts';
import { verifyParameters, verifyWire } from '../lowering/checkParameters.ts';
import { reject } from '../base/reject.ts';
import { CLIENT_LIMITS, atMost } from '../lowering/limits.ts';
import { viewRules } from './views.ts';
import { allPrimes, dataModulus } from '../bfv/parameters.ts';

/**
 * Checks a client view that may come from anyone. What a client must not believe is not that the plan computes what it
 * says (a server can return wrong results whatever its plan says) but that its parameters are secure, and that following
 * it takes neither forever nor all the memory: every size is bounded by arithmetic before anything of that size is made.
 */

/**
 * @throws CipherconvError `plan-rejected` naming the field; `shape-mismatch`, `out-of-range` or `unsupported` for a shape
 * that is no convolution.
 */
export function checkClientView(view: ClientView): void {
  const { shape, parameters, wire } = view;
  checkShape(shape);
  const output = outputShape(shape);
  const { batch, channels, height, width } = shape.input;
  atMost('input.shape', elementCount([batch, channels, height, width]), CLIENT_LIMITS.elements, 'elements');
  atMost(
    'output',
    elementCount([output.batch, output.channels, output.height, output.width]),
    CLIENT_LIMITS.elements,
    'elements',
  );
  checkPlainModulus(parameters.plainModulus);
  const setup = parameters.degree * allPrimes(parameters).length ** 2;
  atMost('parameters.dataPrimes', setup, CLIENT_LIMITS.setup, 'for N x primes^2');
  const rules = viewRules(view);
  verifyParameters(parameters, rules.rotates(view));
  if (BigInt(parameters.plainModulus) >= dataModulus(parameters))
    reject(
      'parameters.plainModulus',
      'not below q',
      `below ${dataModulus(parameters)}`,
      String(parameters.plainModulus),
    );
  verifyWire(parameters, wire);
  checkWindows(view);
  rules.checkParameters(parameters);
  rules.checkView(view);
}

/** Sums of two residues stay exact doubles up to 2^52. */
function checkPlainModulus(plainModulus: number): void {
  if (Number.isSafeInteger(plainModulus) && plainModulus >= 2 && plainModulus <= 2 ** 52) return;
  reject('parameters.plainModulus', 'out of range', 'an integer from 2 to 2^52', String(plainModulus));
}

/** One window a channel, and every decoded value an exact double. */
function checkWindows({ shape, windows, parameters }: ClientView): void {
  const { outChannels } = shape.weights;
  for (const name of ['low', 'residueLow'] as const) {
    const ends = windows[name];
    if (ends.length !== outChannels)
      reject(`windows.${name}`, 'not one a channel', String(outChannels), String(ends.length));
    const wrong = ends.findIndex(
      (end) => !Number.isSafeInteger(end) || !Number.isSafeInteger(end + parameters.plainModulus),
    );
    if (wrong >= 0) reject(`windows.${name}[${wrong}]`, 'out of range', 'below 2^53', String(ends[wrong]));
  }
}
