import { contains } from '../../../../compiler/base/interval.ts';
import type { Interval } from '../../../../compiler/base/interval.ts';
import { combined, mapped, pairwise } from '../../../interpreter/elementwise.ts';
import type { Arithmetic } from '../../../interpreter/elementwise.ts';
import { broadcastShape, broadcastSteps, strided } from '../../../interpreter/moves.ts';
import { intAttribute } from '../graph/attributes.ts';
import { atCorners } from './bounds.ts';
import { elementwise } from './broadcasting.ts';
import { facts } from './grids.ts';
import { computes, named } from './operator.ts';
import type { ClearRule, Family, GridRule, Operator, Whole } from './operator.ts';

/** Arithmetic on two tensors or more. */

/** From left to right over all inputs, rounded after each. */
function leftToRight(arity: number, operation: Arithmetic): ClearRule {
  return computes(arity, (inputs, { output: { shape } }) => {
    const [first, ...rest] = inputs;
    if (first === undefined) return null;
    if (rest.length === 0) return strided(first, shape, broadcastSteps(first.shape, shape));
    return rest.reduce((sum, next, index) => {
      const joined = broadcastShape(sum.shape, next.shape);
      const isLast = index === rest.length - 1;
      return combined(operation, sum, next, isLast || joined === null ? shape : joined);
    }, first);
  });
}

const pairs = (compute: (left: number, right: number) => number): ClearRule =>
  computes(2, (inputs, { output }) => pairwise(inputs[0]!, inputs[1]!, output, compute));

const sum = leftToRight(1, 'add');

/** The sum of all inputs over their number. */
const mean: ClearRule = (call) => {
  const [total] = sum(call) ?? [];
  return total === undefined ? null : [mapped(total, (value) => value / call.inputs.length)];
};

/** Remainders: with the sign of the divisor, or with fmod = 1 of the dividend. */
const remainder = computes(2, (inputs, { view, output }) => {
  const isFmod = intAttribute(view.node, 'fmod', 0) !== 0;
  return pairwise(inputs[0]!, inputs[1]!, output, (left, right) => {
    const rest = left % right;
    return !isFmod && rest !== 0 && rest < 0 !== right < 0 ? rest + right : rest;
  });
});

/** Interval arithmetic, as long as it stays exact. */
function arithmetic(op: 'Add' | 'Sub' | 'Mul', inputs: readonly Whole[]): Interval | null {
  const [left, right] = [inputs[0]?.range ?? null, inputs[1]?.range ?? null];
  if (left === null || right === null) return null;
  const pairs = [left.lo, left.hi].flatMap((a) => [right.lo, right.hi].map((b) => [a, b] as const));
  const compute = (a: number, b: number): number => (op === 'Add' ? a + b : op === 'Sub' ? a - b : a * b);
  const ends = pairs.map(([a, b]) => compute(a, b));
  const range = { lo: Math.min(...ends) + 0, hi: Math.max(...ends) + 0 };
  // float32 holds whole numbers exactly up to 2^24; the integers of a graph are in floats.
  return contains({ lo: -(2 ** 24), hi: 2 ** 24 }, range) ? range : null;
}

const plain = (clear: ClearRule | null): Operator => ({
  shape: elementwise,
  grid: null,
  clear,
  folds: 'values',
});
const wholeArithmetic = (op: 'Add' | 'Sub' | 'Mul'): GridRule =>
  facts(null, (_, inputs) =>
    inputs.length !== 2 || inputs.includes(null) ? null : { range: arithmetic(op, inputs) },
  );

export const ARITHMETIC: Family = new Map<string, Operator>([
  [
    'Add',
    { ...plain(leftToRight(2, 'add')), grid: wholeArithmetic('Add'), bounds: atCorners((a, b) => a + b) },
  ],
  [
    'Sub',
    {
      ...plain(leftToRight(2, 'subtract')),
      grid: wholeArithmetic('Sub'),
      bounds: atCorners((a, b) => a - b),
    },
  ],
  [
    'Mul',
    {
      ...plain(leftToRight(2, 'multiply')),
      grid: wholeArithmetic('Mul'),
      bounds: atCorners((a, b) => a * b),
    },
  ],
  ['Div', { ...plain(leftToRight(2, 'divide')), bounds: atCorners((a, b) => a / b, true) }],
  ['Min', plain(leftToRight(1, 'minimum'))],
  ['Max', plain(leftToRight(1, 'maximum'))],
  ['Sum', plain(sum)],
  ['Mean', plain(mean)],
  ['Pow', plain(pairs((left, right) => left ** right))],
  ['Mod', plain(remainder)],
  ['PRelu', plain(pairs((x, slope) => (x >= 0 ? x : slope * x)))],
  ...named('BitShift BitwiseAnd BitwiseOr BitwiseXor', plain(null)),
]);
