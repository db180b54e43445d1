import { datatypeRange } from '../../../../compiler/base/interval.ts';
import type { Interval } from '../../../../compiler/base/interval.ts';
import { floatAttribute, intAttribute } from '../graph/attributes.ts';
import { isQuantizedType } from '../proto/codes.ts';
import { constantSide, rangeOfType } from './linear.ts';
import { convolutionOf, INT32, layerInputOf, perOutput, productScales } from './makeLayer.ts';
import type { LayerParts } from './makeLayer.ts';
import {
  integerConstant,
  integerOperand,
  listOfParameter,
  NotALayer,
  OpenOperands,
  requiredName,
  scalarOf,
  shapeOfTensor,
  zeroPointOf,
} from './operands.ts';
import { convolutionGeometry, leftProductGeometry, rightProductGeometry } from './shapeLayer.ts';
import type { LayerGeometry } from './shapeLayer.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { ImportedLayer, LayerOutput, OpenLayer } from '../../imported/types.ts';

/** ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul, and QGemm of com.microsoft. */

/** Positions of an operand's inputs; null for operators without scales. */
interface Roles {
  readonly value: number;
  readonly scale: number | null;
  readonly zeroPoint: number;
}

interface Operands {
  readonly running: Roles;
  readonly constant: Roles;
  readonly side: 'left' | 'right';
  readonly isConvolution: boolean;
  /** Output scale and zero point. */
  readonly output: { readonly scale: number; readonly zeroPoint: number } | null;
  readonly bias: number | null;
}

function operandsOf(view: NodeView): Operands {
  const { op } = view.node;
  if (op === 'QGemm') return gemmOperands(view);
  const isConvolution = op.endsWith('Conv') || op === 'ConvInteger';
  const hasScales = op.startsWith('QLinear');
  const left: Roles = hasScales
    ? { value: 0, scale: 1, zeroPoint: 2 }
    : { value: 0, scale: null, zeroPoint: 2 };
  const right: Roles = hasScales
    ? { value: 3, scale: 4, zeroPoint: 5 }
    : { value: 1, scale: null, zeroPoint: 3 };
  const side = isConvolution ? 'right' : constantSide(view, left.value, right.value);
  const [running, constant] = side === 'left' ? [right, left] : [left, right];
  return {
    running,
    constant,
    side,
    isConvolution,
    output: hasScales ? { scale: 6, zeroPoint: 7 } : null,
    bias: op === 'QLinearConv' ? 8 : null,
  };
}

/** A, scale, zero point, B, scale, zero point, C, and scale and zero point of an output that is not float. */
function gemmOperands(view: NodeView): Operands {
  return {
    running: { value: 0, scale: 1, zeroPoint: 2 },
    constant: { value: 3, scale: 4, zeroPoint: 5 },
    side: 'right',
    isConvolution: false,
    output: inputName(view.node, 7) === null ? null : { scale: 7, zeroPoint: 8 },
    bias: 6,
  };
}

/** Graph inputs among the operands that must be constant. */
function openInputs(view: NodeView, { running, constant, output, bias }: Operands): string[] {
  const indices = [constant.value, constant.scale, constant.zeroPoint, running.scale, running.zeroPoint];
  const all = [...indices, output?.scale ?? null, output?.zeroPoint ?? null, bias];
  return all.flatMap((index) => {
    const name = index === null ? null : inputName(view.node, index);
    return name !== null && view.state.graphInputs.has(name) ? [name] : [];
  });
}

/** @throws NotALayer, or OpenOperands when weights or parameters are graph inputs. */
export function integerLayer(view: NodeView): ImportedLayer {
  const { node } = view;
  const operands = operandsOf(view);
  const open = openInputs(view, operands);
  if (open.length > 0) throw new OpenOperands(open);
  const { running, constant, bias } = operands;
  const parts = partsOf(view, operands);
  const integers = bias === null || inputName(node, bias) === null ? [0] : biasVector(view, bias, parts);
  return {
    name: node.name,
    op: node.op,
    ...convolutionOf(parts, integers),
    input: layerInputOf(parts),
    weightScales:
      constant.scale === null || running.scale === null
        ? null
        : perOutput(parts.constant.scales ?? [1], parts.constant, parts.geometry),
    output: outputOf(view, operands, parts),
  };
}

/** One integer for all outputs, or one for each. @throws NotALayer for one that varies over rows */
function biasVector(view: NodeView, index: number, { geometry }: LayerParts): readonly number[] {
  const values = listOfParameter(view, index, 'its bias');
  const extents = constantInput(view, index)?.shape ?? [];
  const { outputs } = geometry;
  const isVector = values.length === outputs && (outputs === 1 || extents.at(-1) === outputs);
  if (values.length === 1 || isVector) return values;
  throw new NotALayer('not supported yet: a bias that varies over rows');
}

function partsOf(view: NodeView, operands: Operands): LayerParts {
  const { running, constant } = operands;
  const value = requiredName(view.node, running.value);
  // First, because without it nothing else can be said of the input.
  shapeOfTensor(view, value);
  const centred = view.state.centred.get(view.node.name);
  const input = integerOperand(view, centred ?? value, {
    scale: running.scale === null ? null : Math.fround(scalarOf(view, running.scale, 'its input scale')),
    zeroPoint: centred === undefined ? zeroPointOf(view, running.zeroPoint, 'its input zero point') : 0,
  });
  const weights = integerConstant(view, constant.value, {
    scales:
      constant.scale === null
        ? null
        : listOfParameter(view, constant.scale, 'its weight scale').map(Math.fround),
    zeroPoints:
      inputName(view.node, constant.zeroPoint) === null
        ? [0]
        : listOfParameter(view, constant.zeroPoint, 'its weight zero point'),
    axis: null,
  });
  const geometry = geometryOf(view, operands, input.shape, weights.integers.shape);
  return { name: view.node.name, running: input, constant: weights, geometry, accumulator: INT32 };
}

function geometryOf(
  view: NodeView,
  { isConvolution, side }: Operands,
  input: readonly number[],
  weights: readonly number[],
): LayerGeometry {
  if (isConvolution) return convolutionGeometry(view.node, input, weights);
  return side === 'left'
    ? leftProductGeometry(weights, input)
    : rightProductGeometry(input, weights, {
        left: intAttribute(view.node, 'transA', 0) !== 0,
        right: intAttribute(view.node, 'transB', 0) !== 0,
      });
}

function outputOf(view: NodeView, { output }: Operands, parts: LayerParts): LayerOutput {
  const tensor = requiredOutput(view);
  const shape = shapeOfTensor(view, tensor);
  const type = view.state.values.get(tensor)?.type ?? null;
  const scales = factorsOf(view, parts);
  if (output === null && parts.running.scale !== null)
    return { kind: 'scaled', tensor, type: 'float32', shape, scales, bias: null, requantized: null };
  if (output === null) return { kind: 'accumulator', tensor, type: 'int32', shape, permutation: null };
  if (type === null || !isQuantizedType(type)) throw new NotALayer('its output is not of a quantized type');
  const scale = Math.fround(scalarOf(view, output.scale, 'its output scale'));
  if (!(scale > 0) || !Number.isFinite(scale))
    throw new NotALayer(`its output scale is ${scale}, not positive and finite`);
  const factors = scales.map((product) => Math.fround(product / scale));
  // A pruned channel may have scale 0: all its outputs are the zero point.
  const wrong = factors.find((factor) => !(factor >= 0) || !Number.isFinite(factor));
  if (wrong !== undefined || !factors.some((factor) => factor > 0))
    throw new NotALayer(`its scales, input x weights / output, make ${wrong ?? 0}: not positive and finite`);
  return {
    kind: 'requantized',
    tensor,
    type,
    shape,
    requantization: {
      kind: 'qlinear',
      scale: factors,
      outputZeroPoint: zeroPointOf(view, output.zeroPoint, 'its output zero point'),
      clamp: rangeOfType(type),
    },
  };
}

/** fround(input scale * weight scale) of each output channel; QGemm has a factor alpha besides, taken first. */
function factorsOf(view: NodeView, parts: LayerParts): readonly number[] {
  const alpha = view.node.op === 'QGemm' ? floatAttribute(view.node, 'alpha', 1) : 1;
  const { scale } = parts.running;
  if (alpha === 1 || scale === null) return productScales(parts);
  return productScales({ ...parts, running: { ...parts.running, scale: Math.fround(alpha * scale) } });
}

function requiredOutput({ node }: NodeView): string {
  const [tensor] = node.outputs;
  if (tensor === undefined || tensor === '') throw new NotALayer('it has no output');
  return tensor;
}

/** What the types alone say of a layer whose weights or parameters are graph inputs. @throws NotALayer. */
export function openLayer(view: NodeView, open: readonly string[]): OpenLayer {
  const { node, state } = view;
  const isFloat = node.op === 'Conv' || node.op === 'MatMul' || node.op === 'Gemm';
  if (isFloat) throw new NotALayer(`bind ${open.join(', ')} to make it constant`);
  const operands = operandsOf(view);
  const names = [operands.running, operands.constant].map(({ value }) => requiredName(node, value));
  const [input, weights] = names.map((name) => shapeOfTensor(view, name));
  const geometry = geometryOf(view, operands, input ?? [], weights ?? []);
  const range = ({ value, zeroPoint }: Roles): Interval => {
    const type = state.values.get(requiredName(node, value))?.type ?? null;
    if (type === null || !isQuantizedType(type))
      throw new NotALayer('its operands are not of a quantized type');
    return centredRange(view, rangeOfType(type), zeroPoint);
  };
  return {
    name: node.name,
    op: node.op,
    open,
    taps: geometry.taps,
    outputChannels: geometry.outputs,
    inputRange: range(operands.running),
    weightRange: range(operands.constant),
    biasRange: biasRange(view, operands.bias),
    isPadded: geometry.isPadded,
    accumulator: INT32,
  };
}

/** value - zeroPoint; over all zero points of the type where it is not constant. */
function centredRange(view: NodeView, whole: Interval, zeroPoint: number): Interval {
  if (inputName(view.node, zeroPoint) === null) return whole;
  const zeros = constantInput(view, zeroPoint)?.data;
  const { lo: least, hi: most } = zeros === undefined ? whole : extremes(zeros);
  return { lo: whole.lo - most, hi: whole.hi - least };
}

/** An int32 bias that is not constant may be anything of its type. */
function biasRange(view: NodeView, bias: number | null): Interval {
  if (bias === null || inputName(view.node, bias) === null) return { lo: 0, hi: 0 };
  const values = constantInput(view, bias)?.data;
  return values === undefined ? datatypeRange(32, true) : extremes(values);
}

function extremes(values: ArrayLike<number>): Interval {
  let [lo, hi] = [values[0] ?? 0, values[0] ?? 0];
  for (let index = 1; index < values.length; index++) {
    lo = Math.min(lo, values[index]!);
    hi = Math.max(hi, values[index]!);
  }
  return { lo, hi };
}
