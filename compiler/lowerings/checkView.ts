import { axisShapes, pitches, toeplitzLayout } from '../toeplitz/packing.ts';
import type { AxisShape } from '../toeplitz/packing.ts';
import { slotGeometry } from '../diagonals/packing.ts';
import { allPrimes, dataModulus, isToeplitzView } from './plan.ts';
import type { ClientView, DiagonalsView, Parameters, ToeplitzView } from './plan.ts';
import { checkShape, outputShape } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';
import { verifyParameters, verifySlots, verifyWire } from '../lowering/checkParameters.ts';
import { reject } from '../base/reject.ts';
import { polynomialBytes, SEED_BYTES } from '../bfv/wireBytes.ts';

/**
 * Checks a client view that may come from anyone. What a client must not believe is not that the plan computes what it
 * says (a server can return wrong results whatever its plan says) but that its parameters are secure, and that following
 * it takes neither forever nor all the memory: every size is bounded by arithmetic before anything of that size is made.
 */

/**
 * The largest client views that are followed: a picture of 2048 x 2048 pixels, seconds of work. A plan past them compiles,
 * and runs in one process.
 */
export const CLIENT_LIMITS = Object.freeze({
  /** Of the input tensor, and of the output tensor. */
  elements: 2 ** 22,
  /** Of all input ciphertexts together, and of all results. */
  coefficients: 2 ** 24,
  /** N times the square of the number of primes, the special one included: setting SEAL up grows like that. */
  setup: 2 ** 21,
  /** Bytes of one upload or response, at most: as if every coefficient of both polynomials travelled whole. */
  messageBytes: 2 ** 28,
  /** Taps of all products of one block group. */
  taps: 2 ** 22,
  /** Steps of working out which coefficients are read. */
  reads: 2 ** 30,
  /** Of the evaluation keys together. */
  keyBytes: 2 ** 28,
});

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
  const rotates = !isToeplitzView(view) && view.keys.steps.length > 0;
  verifyParameters(parameters, view.packing.degree, rotates);
  if (BigInt(parameters.plainModulus) >= dataModulus(parameters))
    reject(
      'parameters.plainModulus',
      'not below q',
      `below ${dataModulus(parameters)}`,
      String(parameters.plainModulus),
    );
  verifyWire(parameters, wire, view.packing.lowering);
  checkWindows(view);
  if (isToeplitzView(view)) checkToeplitz(view);
  else checkDiagonals(view);
}

function atMost(where: string, found: number, limit: number, unit: string): void {
  if (found <= limit) return;
  reject(where, 'too large for a client', `at most ${limit} ${unit}`, String(found));
}

function checkCiphertexts(which: 'input' | 'result', count: number, parameters: Parameters): void {
  const { degree, dataPrimes } = parameters;
  atMost('packing', count * degree, CLIENT_LIMITS.coefficients, `${which} coefficients`);
  const bytes = count * (2 * polynomialBytes(dataPrimes, degree, 0) + SEED_BYTES);
  atMost('packing', bytes, CLIENT_LIMITS.messageBytes, `${which} bytes`);
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

/** Numbers of ciphertexts: ascending, each once, all below `count`. */
function checkIndices(where: string, indices: readonly number[], count: number): void {
  const wrong = indices.findIndex(
    (index, at) =>
      !Number.isInteger(index) || index >= count || index < (at === 0 ? 0 : indices[at - 1]! + 1),
  );
  if (wrong < 0) return;
  reject(`${where}[${wrong}]`, 'not ascending numbers in range', `below ${count}`, String(indices[wrong]));
}

function checkToeplitz({ shape, packing, parameters, transfer }: ToeplitzView): void {
  const { kernelHeight, kernelWidth, channelsPerGroup, outChannels } = shape.weights;
  const { outputsPerProduct, blocksPerCiphertext, channelsPerCiphertext, degree, tile } = packing;
  const perOutput = shape.input.channels * kernelHeight * kernelWidth;
  atMost('weights.shape', channelsPerGroup * kernelHeight * kernelWidth, CLIENT_LIMITS.taps, 'taps');
  atMost('packing.outputsPerProduct', outputsPerProduct, Math.min(degree, outChannels), 'outputs');
  atMost('packing', perOutput * outputsPerProduct, CLIENT_LIMITS.taps, 'taps');
  const axes = axisShapes(shape);
  checkAxis('height', axes.rows, packing.phaseFactors.rows, tile.height);
  checkAxis('width', axes.columns, packing.phaseFactors.columns, tile.width);
  const layout = toeplitzLayout(shape, packing);
  checkPitches(layout);
  const { blockGroups, chunks, resultRows } = layout;
  checkCiphertexts('input', blockGroups * chunks, parameters);
  checkCiphertexts('result', blockGroups * resultRows, parameters);
  const outputs = Math.min(degree, outputsPerProduct * blocksPerCiphertext * tile.height * tile.width);
  const taps = outputsPerProduct * layout.phaseChannels * kernelHeight * kernelWidth;
  atMost('packing', blockGroups * taps * outputs, CLIENT_LIMITS.reads, 'steps of layout');
  atMost(
    'packing',
    blockGroups * chunks * blocksPerCiphertext * channelsPerCiphertext,
    CLIENT_LIMITS.coefficients,
    'blocks',
  );
  checkIndices('transfer.usedChunks', transfer.usedChunks, chunks);
  checkIndices('transfer.emptyRows', transfer.emptyRows, resultRows);
}

function checkAxis(axis: 'height' | 'width', shape: AxisShape, factor: number, tileSize: number): void {
  if (factor !== 1 && factor !== shape.stride)
    reject('packing.phaseFactors', 'not 1 or the stride', `1 or ${shape.stride}`, String(factor));
  if (!Number.isInteger(tileSize) || tileSize < 1 || tileSize > shape.outputSize)
    reject(`packing.tile.${axis}`, 'out of range', `1 to ${shape.outputSize}`, String(tileSize));
  const phases = Math.min(factor, shape.kernel);
  atMost('packing.tile', Math.ceil(shape.outputSize / tileSize) * phases, 2 ** 22, 'tiles and phases');
}

/** The condition of packing.ts under which no element meets another, in coefficients. */
function checkPitches({ packing, rows, columns }: ReturnType<typeof toeplitzLayout>): void {
  const { rowPitch, channelPitch, degree } = packing;
  const least = pitches(rows, columns);
  if (rowPitch < least.rowPitch)
    reject('packing.rowPitch', 'too small', `at least ${least.rowPitch}`, String(rowPitch));
  const block = rows.span * rowPitch + columns.span + 1;
  if (channelPitch < block)
    reject('packing.channelPitch', 'too small', `at least ${block}`, String(channelPitch));
  const slots = packing.blocksPerCiphertext * packing.channelsPerCiphertext * packing.outputsPerProduct;
  const end = (slots - 1) * channelPitch + block;
  if (end > degree) reject('packing', 'does not fit into the ring', `within ${degree}`, String(end));
}

function checkDiagonals({ shape, packing, parameters, transfer, keys }: DiagonalsView): void {
  const { degree, plainModulus } = parameters;
  verifySlots(degree, plainModulus);
  const geometry = slotGeometry(shape, packing);
  const { inputCiphertexts, resultCiphertexts } = geometry;
  checkCiphertexts('input', inputCiphertexts, parameters);
  checkCiphertexts('result', resultCiphertexts, parameters);
  checkIndices('transfer.usedChunks', transfer.usedChunks, inputCiphertexts);
  checkIndices('transfer.emptyRows', transfer.emptyRows, resultCiphertexts);
  checkIndices('keys.steps', keys.steps, degree / 2);
  const primes = allPrimes(parameters).map(String);
  const half = polynomialBytes(primes, degree, 0) + SEED_BYTES;
  const bytes = keys.steps.length * parameters.dataPrimes.length * half;
  if (keys.bytes !== bytes)
    reject('keys.bytes', 'not what the steps take', String(bytes), String(keys.bytes));
  atMost('keys', bytes, CLIENT_LIMITS.keyBytes, 'bytes');
}
