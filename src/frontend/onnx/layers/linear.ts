import { datatypeRange } from '../../../../compiler/base/interval.ts';
import type { Interval } from '../../../../compiler/base/interval.ts';
import { intAttribute } from '../graph/attributes.ts';
import { layerBias } from './bias.ts';
import type { LayerBias } from './bias.ts';
import { ELEMENTS, isQuantizedType } from '../proto/codes.ts';
import { requantizedAfter } from './followUp.ts';
import type { Readers } from './followUp.ts';
import { convolutionOf, layerInputOf, perOutput, productScales } from './makeLayer.ts';
import { INT32 } from './makeLayer.ts';
import type { LayerParts } from './makeLayer.ts';
import { floatConstant, floatOperand, NotALayer, requiredName, shapeOfTensor } from './operands.ts';
import type { ConstantOperand, RunningOperand } from './operands.ts';
import {
  convolutionGeometry,
  leftProductGeometry,
  rightProductGeometry,
  transposedGeometry,
} from './shapeLayer.ts';
import type { LayerGeometry } from './shapeLayer.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { ImportedLayer, LayerOutput, RequantizedOutput } from '../../imported/types.ts';

/** Float Conv, ConvTranspose, MatMul and Gemm whose operands are quantized (QDQ, QONNX) or whole (NEMO). */

/** Which operand of a product is the constant one. */
export function constantSide(view: NodeView, left: number, right: number): 'left' | 'right' {
  const { node, state } = view;
  const isConstant = (index: number): boolean => state.constants.has(inputName(node, index) ?? '');
  return isConstant(left) && !isConstant(right) ? 'left' : 'right';
}

/** @throws NotALayer, or OpenOperands when the weights are a graph input. */
export function floatLayer(view: NodeView, readers: Readers): ImportedLayer {
  const { node } = view;
  refuseTwoRunning(view);
  const side = node.op === 'MatMul' ? constantSide(view, 0, 1) : 'right';
  const [runningIndex, constantIndex] = side === 'left' ? [1, 0] : [0, 1];
  const running = floatOperand(view, runningIndex);
  const constant = floatConstant(view, constantIndex);
  const geometry = geometryFor(view, running, constant, side);
  return layerFrom(view, readers, { running, constant, geometry });
}

/** Products of two activations, as in attention: what their grids are is beside the point. */
function refuseTwoRunning({ node, state }: NodeView): void {
  if (node.op !== 'MatMul') return;
  const isComputed = (index: number): boolean => {
    const name = requiredName(node, index);
    const { source } = state.quantized.get(name) ?? { source: null };
    return !state.constants.has(name) && !state.graphInputs.has(name) && !state.graphInputs.has(source ?? '');
  };
  const isFloat = [0, 1].every((index) => !state.quantized.has(requiredName(node, index)));
  if (isComputed(0) && isComputed(1))
    throw new NotALayer('both operands are computed at run time', isFloat ? 'float' : 'other');
}

/** The layer of a node with a float output. @throws NotALayer. */
export function layerFrom(
  view: NodeView,
  readers: Readers,
  operands: Pick<LayerParts, 'running' | 'constant' | 'geometry'>,
): ImportedLayer {
  const { node } = view;
  const { running, constant, geometry } = operands;
  const parts: LayerParts = { ...operands, name: node.name, accumulator: widthOf(running, constant) };
  const scales = productScales(parts);
  const bias = biasOf(view, scales, constant.scales === null && running.scale === null);
  const parted = partBias(view, readers, scales, bias);
  return {
    name: node.name,
    op: node.op,
    ...convolutionOf(parts, parted.integers),
    input: layerInputOf(parts),
    weightScales: constant.scales === null ? null : perOutput(constant.scales, constant, geometry),
    output: outputOf(view, parts, scales, parted),
  };
}

/** onnxruntime sums such layers in int32; graphs that it runs in floats have no accumulator of their own. */
function widthOf(running: RunningOperand, { integers }: ConstantOperand): typeof INT32 | null {
  const isByte = (type: RunningOperand['type']): boolean =>
    isQuantizedType(type) && ELEMENTS[type].bits === 8;
  return running.kind === 'integer' && isByte(running.type) && isByte(integers.type) ? INT32 : null;
}

function geometryFor(
  view: NodeView,
  running: RunningOperand,
  { integers }: ConstantOperand,
  side: 'left' | 'right',
): LayerGeometry {
  const { node } = view;
  // The shape at the node: behind an Identity or Dropout it is that of the integers too.
  const shape = shapeOfTensor(view, requiredName(node, side === 'left' ? 1 : 0));
  if (shape.join() !== running.shape.join()) throw new NotALayer('its input changes shape on the way');
  if (node.op === 'Conv') return convolutionGeometry(node, shape, integers.shape);
  if (node.op === 'ConvTranspose') return transposedGeometry(node, shape, integers.shape);
  if (node.op === 'MatMul')
    return side === 'left'
      ? leftProductGeometry(integers.shape, shape)
      : rightProductGeometry(shape, integers.shape, { left: false, right: false });
  return rightProductGeometry(shape, integers.shape, {
    left: intAttribute(node, 'transA', 0) !== 0,
    right: intAttribute(node, 'transB', 0) !== 0,
  });
}

function biasOf(view: NodeView, scales: readonly number[], isWhole: boolean): LayerBias {
  const name = view.node.op === 'MatMul' ? null : inputName(view.node, 2);
  if (name === null) return { kind: 'whole', integers: [0] };
  const bias = constantInput(view, 2);
  if (bias === null) throw new NotALayer('its bias is computed at run time');
  const extents = bias.shape.filter((extent) => extent !== 1);
  const isVector = extents.length === 1 && extents[0] === scales.length && bias.shape.at(-1) !== 1;
  if (extents.length > 0 && !isVector) throw new NotALayer('not supported yet: a bias that varies over rows');
  const found = layerBias(bias, view.state.quantized.get(name), scales);
  if (isWhole && found.kind === 'fraction') throw new NotALayer('its bias is not whole');
  return found;
}

/** What of a bias goes into the accumulator, what is added in the clear, and the quantized tensor that follows. */
interface PartedBias {
  readonly integers: readonly number[];
  readonly floats: readonly number[] | null;
  readonly requantized: RequantizedOutput | null;
}

/** A bias of fractions is added in floats, and what quantizes behind it reads floats then. */
function partBias(view: NodeView, readers: Readers, scales: readonly number[], bias: LayerBias): PartedBias {
  if (bias.kind === 'fraction') return { integers: [0], floats: bias.values, requantized: null };
  const requantized = requantizedAfter(view.node.outputs[0] ?? '', scales, view.state, readers);
  return { integers: bias.integers, floats: null, requantized };
}

function outputOf(
  view: NodeView,
  { running, constant }: LayerParts,
  scales: readonly number[],
  { floats, requantized }: PartedBias,
): LayerOutput {
  const tensor = view.node.outputs[0] ?? '';
  const shape = shapeOfTensor(view, tensor);
  const type = view.state.values.get(tensor)?.type ?? 'float32';
  if (type !== 'float32') throw new NotALayer(`not supported yet: ${type} outputs`);
  if (running.scale === null && constant.scales === null)
    return { kind: 'accumulator', tensor, type, shape, permutation: null };
  return { kind: 'scaled', tensor, type, shape, scales, bias: floats, requantized };
}

/** Everything that an operand of a type can hold. */
export function rangeOfType(type: RunningOperand['type']): Interval {
  return datatypeRange(ELEMENTS[type].bits, ELEMENTS[type].kind === 'signed');
}
