import { intAttribute, intsAttribute } from '../graph/attributes.ts';
import { elementTypeOf } from '../proto/codes.ts';
import type { ShapeRule } from './shapeRule.ts';
import { broadcastShape } from './moves.ts';
import { CONVOLUTION_SHAPES } from './shapesConv.ts';
import { MOVEMENT_SHAPES } from './shapesMove.ts';
import {
  constantInput,
  contradiction,
  inputName,
  inputShape,
  inputType,
  normalAxis,
  shapeText,
} from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';

const sameAsFirst: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];

/** The broadcast shape of all inputs from `first` on, each `step` apart. */
function broadcast(view: NodeView, indices: readonly number[]): readonly number[] | null {
  let shape: readonly number[] = [];
  for (const index of indices) {
    const next = inputShape(view, index);
    if (next === null) return null;
    const joined = broadcastShape(shape, next);
    if (joined === null)
      return contradiction(
        view.node,
        'the inputs do not broadcast',
        'extents that are equal or 1',
        `${shapeText(shape)} and ${shapeText(next)}`,
      );
    shape = joined;
  }
  return shape;
}

function allInputs({ node }: NodeView): number[] {
  return node.inputs.map((_, index) => index);
}

const elementwise: ShapeRule = (view) => [
  { type: inputType(view, 0), shape: broadcast(view, allInputs(view)) },
];

const comparison: ShapeRule = (view) => [{ type: 'bool', shape: broadcast(view, allInputs(view)) }];

const choice: ShapeRule = (view) => [{ type: inputType(view, 1), shape: broadcast(view, allInputs(view)) }];

const cast: ShapeRule = (view) => [
  { type: elementTypeOf(intAttribute(view.node, 'to', 0)), shape: inputShape(view, 0) },
];

/** The zero point's type; without one `output_dtype`, and uint8 without that. */
const quantizeLinear: ShapeRule = (view) => {
  const dtype = elementTypeOf(intAttribute(view.node, 'output_dtype', 0));
  return [{ type: inputType(view, 2) ?? dtype ?? 'uint8', shape: inputShape(view, 0) }];
};

const dequantizeLinear: ShapeRule = (view) => [
  { type: inputType(view, 1) ?? 'float32', shape: inputShape(view, 0) },
];

const dynamicQuantizeLinear: ShapeRule = (view) => [
  { type: 'uint8', shape: inputShape(view, 0) },
  { type: 'float32', shape: [] },
  { type: 'uint8', shape: [] },
];

const shapeOf: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  const rank = shape?.length ?? null;
  if (rank === null) return [{ type: 'int64', shape: null }];
  return [{ type: 'int64', shape: [shapeSlice(view, rank).length] }];
};

/** Axes that Shape (opset 15) tells of. */
export function shapeSlice({ node }: NodeView, rank: number): number[] {
  const clamp = (axis: number): number => Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  const start = clamp(intAttribute(node, 'start', 0));
  const end = clamp(intAttribute(node, 'end', rank));
  return Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index);
}

/** Reductions: axes as attribute or (opset 13 and 18) as second input. */
const reduce: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  const type = view.node.op.startsWith('Arg') ? 'int64' : inputType(view, 0);
  const axes = reducedAxes(view);
  if (shape === null || axes === null) return [{ type, shape: null }];
  const normal = new Set(axes.map((axis) => normalAxis(view.node, axis, shape.length)));
  const keeps = intAttribute(view.node, 'keepdims', 1) !== 0;
  const reduced = shape.flatMap((extent, axis) => (!normal.has(axis) ? [extent] : keeps ? [1] : []));
  return [{ type, shape: reduced }];
};

function reducedAxes(view: NodeView): readonly number[] | null {
  const { node } = view;
  if (node.op.startsWith('Arg')) return [intAttribute(node, 'axis', 0)];
  const listed = inputName(node, 1) === null ? intsAttribute(node, 'axes') : constantInput(view, 1)?.data;
  if (listed === undefined) return null;
  if (listed !== null && listed.length > 0) return Array.from(listed);
  if (intAttribute(node, 'noop_with_empty_axes', 0) !== 0) return [];
  return inputShape(view, 0)?.map((_, axis) => axis) ?? null;
}

/** com.microsoft QLinearAdd and its like: a, scale, zero point, b, scale, zero point, scale, zero point. */
const quantizedBinary: ShapeRule = (view) => [{ type: inputType(view, 0), shape: broadcast(view, [0, 3]) }];

const UNARY = [
  'Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization Binarizer BitwiseNot Ceil Celu Clip Cos Cosh CumSum Dropout',
  'Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax Identity InstanceNormalization GroupNormalization LRN',
  'LayerNormalization LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not Reciprocal Relu',
  'RMSNormalization Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu',
];
const BINARY = ['Add Sub Mul Div Pow Mod Min Max Mean Sum PRelu BitShift BitwiseAnd BitwiseOr BitwiseXor'];
const COMPARISONS = ['Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor'];
const REDUCTIONS = [
  'ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare',
  'ArgMax ArgMin',
];

function each(lists: readonly string[], rule: ShapeRule): [string, ShapeRule][] {
  return lists.flatMap((list) => list.split(' ')).map((op) => [op, rule]);
}

/** Operators of the standard domain. One that is not here is not known, and is reported by name. */
const STANDARD: ReadonlyMap<string, ShapeRule> = new Map([
  ...each(UNARY, sameAsFirst),
  ...each(BINARY, elementwise),
  ...each(COMPARISONS, comparison),
  ...each(REDUCTIONS, reduce),
  ['Where', choice],
  ['Cast', cast],
  ['QuantizeLinear', quantizeLinear],
  ['DequantizeLinear', dequantizeLinear],
  ['DynamicQuantizeLinear', dynamicQuantizeLinear],
  ['Shape', shapeOf],
  ['Size', () => [{ type: 'int64', shape: [] }]],
  ...CONVOLUTION_SHAPES,
  ...MOVEMENT_SHAPES,
]);

/** Quantizers of QONNX and Brevitas; both names of the domain, FINN's older one, and exporters that leave it out. */
export const QONNX_DOMAINS: ReadonlySet<string> = new Set([
  'onnx.brevitas',
  'qonnx.custom_op.general',
  'finn.custom_op.general',
  '',
]);
const QONNX: ReadonlyMap<string, ShapeRule> = new Map(each(['Quant BipolarQuant Trunc'], sameAsFirst));

const MICROSOFT: ReadonlyMap<string, ShapeRule> = new Map([
  ...each(['QLinearAdd QLinearMul'], quantizedBinary),
  ...each(['QLinearSigmoid QLinearLeakyRelu QLinearSoftmax Gelu'], sameAsFirst),
  ...each(['QuantizeLinear'], quantizeLinear),
  ...each(['DequantizeLinear'], dequantizeLinear),
  ...[...CONVOLUTION_SHAPES].filter(([op]) => op.startsWith('QLinearGlobal')),
]);

/** The rule for a node's operator, or null for one that is not known. */
export function shapeRuleOf({ node }: NodeView): ShapeRule | null {
  const { op, domain } = node;
  const quantizer = QONNX_DOMAINS.has(domain) ? QONNX.get(op) : undefined;
  if (quantizer !== undefined) return quantizer;
  if (domain === '') return hasOldBroadcast({ node }) ? null : (STANDARD.get(op) ?? null);
  return domain === 'com.microsoft' ? (MICROSOFT.get(op) ?? null) : null;
}

/** Up to opset 6 elementwise operators broadcast along an `axis`. */
function hasOldBroadcast({ node }: Pick<NodeView, 'node'>): boolean {
  return node.attributes.has('broadcast');
}
