import type { Interval } from '../../../../compiler/base/interval.ts';
import {
  dequantized as dequantizedTensor,
  dynamicallyQuantized,
  quantized,
} from '../../../interpreter/quantize.ts';
import type { Parameters } from '../../../interpreter/quantize.ts';
import { isInteger } from '../../../interpreter/values.ts';
import { intAttribute } from '../graph/attributes.ts';
import { inputName, inputShape, inputType, normalAxis } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { QuantizedTensor } from '../types.ts';
import { elementTypeOf } from '../proto/codes.ts';
import { wholeOf } from './grids.ts';
import { computes, inputAt, named } from './operator.ts';
import type { Call, ClearRule, Family, GridRule, Operator, ShapeRule } from './operator.ts';
import { dequantizeConstant, linearAffine, quantizeConstant, quantizerOf } from './quantizers.ts';
import type { Affine } from './quantizers.ts';

/** From floats to integers and back. */

/** The zero point's type; without one `output_dtype`, and uint8 without that. */
const quantizeLinearShape: ShapeRule = (view) => {
  const dtype = elementTypeOf(intAttribute(view.node, 'output_dtype', 0));
  return [{ type: inputType(view, 2) ?? dtype ?? 'uint8', shape: inputShape(view, 0) }];
};

const dequantizeLinearShape: ShapeRule = (view) => [
  { type: inputType(view, 1) ?? 'float32', shape: inputShape(view, 0) },
];

const dynamicQuantizeLinearShape: ShapeRule = (view) => [
  { type: 'uint8', shape: inputShape(view, 0) },
  { type: 'float32', shape: [] },
  { type: 'uint8', shape: [] },
];

/** What a DequantizeLinear makes: floats whose integers are its input. null when that cannot be said. */
function dequantized(
  { node, state }: NodeView,
  affine: Affine | string,
  rangeOf: (name: string) => Interval | null,
): QuantizedTensor | null {
  const name = inputName(node, 0);
  if (typeof affine === 'string' || name === null) return null;
  const integers = state.constants.get(name) ?? null;
  const range = state.constantRanges.get(name) ?? rangeOf(name);
  if (range === null) return null;
  return { ...affine, range, source: integers === null ? name : null, integers };
}

const dequantizeGrid: GridRule = (view) => [
  {
    quantized: dequantized(view, linearAffine(view), (name) => wholeOf(view.state, name)?.range ?? null),
    whole: null,
  },
];

/** What a quantizing node makes: integers, or floats on their grid. */
const quantizerGrid: GridRule = (view) => {
  const result = quantizerOf(view);
  if (!result.ok) return [];
  const { scales, zeroPoints, axis, range, output } = result.quantizer;
  if (output === 'integer') return [{ quantized: null, whole: { range } }];
  const integers = view.state.integersOf.get(view.node.outputs[0] ?? '') ?? null;
  return [{ quantized: { scales, zeroPoints, axis, range, source: null, integers }, whole: null }];
};

const sameAsFirst: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];

/** Scale and zero point of a quantizing node; null for shapes that are none. */
function parametersOf(call: Call): Parameters | null {
  const [input, scale, zeroPoint] = [inputAt(call, 0), inputAt(call, 1), inputAt(call, 2)];
  if (input === null || scale === null) return null;
  const { node } = call.view;
  const parts = { scales: scale.data, zeroPoints: zeroPoint?.data ?? null };
  if (zeroPoint !== null && zeroPoint.data.length !== scale.data.length) return null;
  if (scale.data.length === 1) return { ...parts, axis: null, block: null };
  const rank = input.shape.length;
  const axis = rank === 1 ? 0 : normalAxis(node, intAttribute(node, 'axis', 1), rank);
  const block = intAttribute(node, 'block_size', 0);
  const extents = block === 0 ? [input.shape[axis]!] : blockShape(input.shape, axis, block);
  if (scale.shape.join() !== extents.join()) return null;
  return { ...parts, axis, block: block === 0 ? null : block };
}

function blockShape(shape: readonly number[], axis: number, block: number): number[] {
  return shape.map((extent, other) => (other === axis ? Math.ceil(extent / block) : extent));
}

const quantizeClear: ClearRule = (call) => {
  const [input, parameters] = [inputAt(call, 0), parametersOf(call)];
  if (input === null || parameters === null || !isInteger(call.output.type)) return null;
  return [quantized(input, call.output.type, parameters)];
};

const dequantizeClear: ClearRule = (call) => {
  const [input, parameters] = [inputAt(call, 0), parametersOf(call)];
  if (input === null || parameters === null || call.output.type !== 'float32') return null;
  return [dequantizedTensor(input, parameters)];
};

const dynamicClear: ClearRule = (call) => {
  const input = inputAt(call, 0);
  return input === null ? null : dynamicallyQuantized(input);
};

/** Quant and BipolarQuant, in float32. */
const quantClear = computes(2, (inputs, { view, output }) => {
  const result = quantizerOf(view);
  if (!result.ok || output.type !== 'float32') return null;
  return dequantizeConstant(quantizeConstant(inputs[0]!, result.quantizer), result.quantizer);
});

const quantizeLinear: Operator = {
  shape: quantizeLinearShape,
  grid: quantizerGrid,
  clear: quantizeClear,
  folds: 'never',
};
const dequantizeLinear: Operator = {
  shape: dequantizeLinearShape,
  grid: dequantizeGrid,
  clear: dequantizeClear,
  folds: 'never',
};

/** Of the standard domain and com.microsoft. Constant weights are folded by walk.ts, which keeps their integers. */
export const LINEAR_QUANTIZERS: Family = new Map<string, Operator>([
  ['QuantizeLinear', quantizeLinear],
  ['DequantizeLinear', dequantizeLinear],
]);

export const QUANTIZATION: Family = new Map<string, Operator>([
  ...LINEAR_QUANTIZERS,
  [
    'DynamicQuantizeLinear',
    { shape: dynamicQuantizeLinearShape, grid: null, clear: dynamicClear, folds: 'values' },
  ],
]);

/** QONNX and Brevitas. */
export const QONNX: Family = new Map<string, Operator>([
  ...named('Quant BipolarQuant', {
    shape: sameAsFirst,
    grid: quantizerGrid,
    clear: quantClear,
    folds: 'never',
  }),
  ...named('Trunc', { shape: sameAsFirst, grid: null, clear: null, folds: 'never' }),
]);
