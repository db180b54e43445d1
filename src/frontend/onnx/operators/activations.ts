import type { Interval } from '../../../../compiler/base/interval.ts';
import { roundHalfEven } from '../../../../runtime/clear/requantize.ts';
import { emptyArray } from '../../../interpreter/values.ts';
import { floatAttribute } from '../graph/attributes.ts';
import { constantInput, inputName, inputShape, inputType } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { clipped, facts, intersect } from './grids.ts';
import { computes, named } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule, Whole } from './operator.ts';

/** Operators on each element by itself. Results are rounded to the type by the arrays that they are put in. */

const sameAsFirst: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];

function unary(compute: (value: number) => number): ClearRule {
  return computes(1, (inputs) => {
    const { type, shape, data: values } = inputs[0]!;
    const data = emptyArray(type, values.length);
    for (let index = 0; index < data.length; index++) data[index] = compute(values[index]!);
    return { type, shape, data };
  });
}

/** Bounds of a Clip: inputs since opset 11, attributes before; null for one that is not constant. */
export function clipBounds(view: NodeView): readonly [lo: number | null, hi: number | null] {
  const bound = (index: number, attribute: string, otherwise: number): number | null => {
    if (inputName(view.node, index) === null) return floatAttribute(view.node, attribute, otherwise);
    return constantInput(view, index)?.data[0] ?? null;
  };
  return [bound(1, 'min', -Infinity), bound(2, 'max', Infinity)];
}

const clipClear = computes(1, (inputs, { view }) => {
  const [lo, hi] = clipBounds(view);
  if (lo === null || hi === null) return null;
  const { type, shape, data: values } = inputs[0]!;
  return { type, shape, data: values.map((value: number) => Math.min(Math.max(value, lo), hi)) };
});

function clippedWhole(view: NodeView, range: Interval | null): Whole {
  const [lo, hi] = clipBounds(view);
  const isWhole = (bound: number | null): bound is number =>
    bound !== null && (Number.isInteger(bound) || !Number.isFinite(bound));
  return isWhole(lo) && isWhole(hi) ? { range: intersect(range, lo, hi) } : null;
}

const whole: Operator = { shape: sameAsFirst, grid: null, clear: null, folds: 'values' };
const math = (compute: (value: number) => number): Operator => ({ ...whole, clear: unary(compute) });
/** Whole numbers stay as they are, and everything becomes whole. */
const rounding = (compute: (value: number) => number): Operator => ({
  ...math(compute),
  grid: facts(null, (_, [first]) => first ?? { range: null }),
});

export const ACTIVATIONS: Family = new Map<string, Operator>([
  ['Abs', math(Math.abs)],
  ['Neg', math((value) => -value)],
  ['Sqrt', math(Math.sqrt)],
  ['Exp', math(Math.exp)],
  ['Log', math(Math.log)],
  ['Reciprocal', math((value) => 1 / value)],
  ['Floor', rounding(Math.floor)],
  ['Ceil', rounding(Math.ceil)],
  ['Round', rounding(roundHalfEven)],
  [
    'Relu',
    {
      ...math((value) => Math.max(value, 0)),
      grid: facts(
        (_, input) => clipped(input, 0, Infinity),
        (_, [first]) =>
          first === null || first === undefined ? null : { range: intersect(first.range, 0, Infinity) },
      ),
    },
  ],
  [
    'Clip',
    {
      ...whole,
      clear: clipClear,
      grid: facts(
        (view, input) => {
          const [lo, hi] = clipBounds(view);
          return lo === null || hi === null ? null : clipped(input, lo, hi);
        },
        (view, [first]) => (first === null || first === undefined ? null : clippedWhole(view, first.range)),
      ),
    },
  ],
  ...named(
    'Acos Acosh Asin Asinh Atan Atanh Binarizer BitwiseNot Celu Cos Cosh Elu Erf Gelu HardSigmoid HardSwish LeakyRelu Mish ' +
      'Not Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Swish Tan Tanh ThresholdedRelu',
    whole,
  ),
]);
