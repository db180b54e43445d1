import type { ToeplitzView } from './plan.ts';
import { atMost, CLIENT_LIMITS, checkCiphertexts, checkIndices } from '../lowering/limits.ts';
import { axisShapes, toeplitzLayout, pitches } from './packing.ts';
import type { AxisShape } from './packing.ts';
import { protocolOf } from '../lowering/plan.ts';
import { hintBytes, verifyHintWire } from './hint.ts';
import { reject } from '../base/reject.ts';

/**
 * Checks what only toeplitz views say, before anything is as large as they say.
 * @throws CipherconvError `plan-rejected`
 */
export function checkToeplitz(view: ToeplitzView): void {
  const { shape, packing, parameters, transfer, wire } = view;
  const { kernelHeight, kernelWidth, channelsPerGroup, outChannels } = shape.weights;
  const { outputsPerProduct, blocksPerCiphertext, channelsPerCiphertext, tile } = packing;
  const { degree } = parameters;
  const perOutput = shape.input.channels * kernelHeight * kernelWidth;
  atMost('weights.shape', channelsPerGroup * kernelHeight * kernelWidth, CLIENT_LIMITS.taps, 'taps');
  atMost('packing.outputsPerProduct', outputsPerProduct, Math.min(degree, outChannels), 'outputs');
  atMost('packing', perOutput * outputsPerProduct, CLIENT_LIMITS.taps, 'taps');
  const axes = axisShapes(shape);
  checkAxis('height', axes.rows, packing.phaseFactors.rows, tile.height);
  checkAxis('width', axes.columns, packing.phaseFactors.columns, tile.width);
  const layout = toeplitzLayout(shape, packing, degree);
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
  verifyHintWire(parameters, wire);
  if (protocolOf(wire) === 'hint') atMost('hint', hintBytes(view), CLIENT_LIMITS.hintBytes, 'bytes');
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
function checkPitches({ packing, degree, rows, columns }: ReturnType<typeof toeplitzLayout>): void {
  const { rowPitch, channelPitch } = packing;
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
