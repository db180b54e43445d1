import type { Interval } from '../../../../compiler/base/interval.ts';
import { clamped, mapped } from '../../../interpreter/elementwise.ts';
import { erf, FUNCTIONS, hardSigmoid, ROUNDINGS, sigmoid } from '../../../interpreter/functions.ts';
import type { Unary } from '../../../interpreter/functions.ts';
import { floatAttribute, textAttribute } from '../graph/attributes.ts';
import { constantInput, inputName, inputShape, inputType } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { rising } from './bounds.ts';
import { clipped, facts, intersect } from './grids.ts';
import { computes, named } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule, Whole } from './operator.ts';

/** Operators on each element by itself. */

const sameAsFirst: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];

const unary = (compute: Unary): ClearRule => computes(1, (inputs) => mapped(inputs[0]!, compute));

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
  return lo === null || hi === null ? null : clamped(inputs[0]!, lo, hi);
});

function clippedWhole(view: NodeView, range: Interval | null): Whole {
  const [lo, hi] = clipBounds(view);
  const isWhole = (bound: number | null): bound is number =>
    bound !== null && (Number.isInteger(bound) || !Number.isFinite(bound));
  return isWhole(lo) && isWhole(hi) ? { range: intersect(range, lo, hi) } : null;
}

/** Between the bounds of the Clip, whatever comes in, and narrower where that is. */
function clipInterval(view: NodeView): Interval | null {
  const [lo, hi] = clipBounds(view);
  if (lo === null || hi === null || lo > hi) return null;
  const clip = (value: number): number => Math.min(Math.max(value, lo), hi);
  const input = rising(clip)(view);
  return input ?? (Number.isFinite(lo) && Number.isFinite(hi) ? { lo, hi } : null);
}

const whole: Operator = { shape: sameAsFirst, grid: null, clear: null, folds: 'values' };
const plain = (clear: ClearRule): Operator => ({ ...whole, clear });

/** A function whose parameters are attributes: by name, with what they are when left out. */
function withParameters(
  defaults: Readonly<Record<string, number>>,
  make: (first: number, second: number) => Unary,
): Operator {
  return plain(
    computes(1, (inputs, { view }) => {
      const values = Object.entries(defaults).map(([name, otherwise]) =>
        Math.fround(floatAttribute(view.node, name, otherwise)),
      );
      const [first = 0, second = 0] = values;
      return mapped(inputs[0]!, make(first, second));
    }),
  );
}

const gelu = plain(
  computes(1, (inputs, { view }) =>
    textAttribute(view.node, 'approximate', 'none') === 'none'
      ? mapped(inputs[0]!, (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)))
      : mapped(inputs[0]!, (x) => 0.5 * x * (1 + Math.tanh(GELU_SCALE * (x + 0.044715 * x * x * x)))),
  ),
);
const GELU_SCALE = Math.sqrt(2 / Math.PI);

/** Whole numbers stay as they are, and everything becomes whole. */
const rounding = (compute: Unary): Operator => ({
  ...plain(unary(compute)),
  grid: facts(null, (_, [first]) => first ?? { range: null }),
  bounds: rising(compute),
});

export const ACTIVATIONS: Family = new Map<string, Operator>([
  ...Object.entries(FUNCTIONS).map(([op, compute]) => [op, plain(unary(compute))] as const),
  ...Object.entries(ROUNDINGS).map(([op, compute]) => [op, rounding(compute)] as const),
  [
    'Relu',
    {
      ...plain(computes(1, (inputs) => clamped(inputs[0]!, 0, Infinity))),
      grid: facts(
        (_, input) => clipped(input, 0, Infinity),
        (_, [first]) =>
          first === null || first === undefined ? null : { range: intersect(first.range, 0, Infinity) },
      ),
      bounds: rising((value) => Math.max(value, 0)),
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
      bounds: clipInterval,
    },
  ],
  ['LeakyRelu', withParameters({ alpha: 0.01 }, (alpha) => (x) => (x >= 0 ? x : alpha * x))],
  ['ThresholdedRelu', withParameters({ alpha: 1 }, (alpha) => (x) => (x > alpha ? x : 0))],
  ['HardSigmoid', withParameters({ alpha: 0.2, beta: 0.5 }, (alpha, beta) => hardSigmoid(alpha, beta))],
  ['Elu', withParameters({ alpha: 1 }, (alpha) => (x) => (x >= 0 ? x : alpha * Math.expm1(x)))],
  [
    'Celu',
    withParameters(
      { alpha: 1 },
      (alpha) => (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)),
    ),
  ],
  [
    'Selu',
    withParameters(
      { alpha: 1.67326319217681884765625, gamma: 1.05070102214813232421875 },
      (alpha, gamma) => (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x)),
    ),
  ],
  ['Swish', withParameters({ alpha: 1 }, (alpha) => (x) => x * sigmoid(alpha * x))],
  ['Gelu', gelu],
  ...named('Binarizer BitwiseNot Shrink', whole),
]);
