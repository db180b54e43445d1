import type { Interval } from '../../../../compiler/base/interval.ts';
import { intAttribute } from '../graph/attributes.ts';
import { inputName, inputShape, inputType } from '../graph/state.ts';
import type { NodeView, Quantized } from '../graph/state.ts';
import { elementTypeOf } from '../proto/codes.ts';
import { wholeOf } from './grids.ts';
import { named } from './operator.ts';
import type { Family, GridRule, Operator, ShapeRule } from './operator.ts';
import { linearAffine, quantizerOf } from './quantizers.ts';
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
): Quantized | null {
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

const quantizeLinear: Operator = {
  shape: quantizeLinearShape,
  grid: quantizerGrid,
  clear: null,
  folds: 'never',
};
const dequantizeLinear: Operator = {
  shape: dequantizeLinearShape,
  grid: dequantizeGrid,
  clear: null,
  folds: 'never',
};

/** Of the standard domain and com.microsoft. Constant weights are folded by walk.ts, which keeps their integers. */
export const LINEAR_QUANTIZERS: Family = new Map<string, Operator>([
  ['QuantizeLinear', quantizeLinear],
  ['DequantizeLinear', dequantizeLinear],
]);

export const QUANTIZATION: Family = new Map<string, Operator>([
  ...LINEAR_QUANTIZERS,
  ['DynamicQuantizeLinear', { shape: dynamicQuantizeLinearShape, grid: null, clear: null, folds: 'never' }],
]);

/** QONNX and Brevitas. */
export const QONNX: Family = new Map<string, Operator>([
  ...named('Quant BipolarQuant', { shape: sameAsFirst, grid: quantizerGrid, clear: null, folds: 'never' }),
  ...named('Trunc', { shape: sameAsFirst, grid: null, clear: null, folds: 'never' }),
]);
