import { contains } from '../../../../compiler/base/interval.ts';
import type { Interval } from '../../../../compiler/base/interval.ts';
import { elementCount } from '../../../../compiler/base/tensor.ts';
import { emptyArray } from '../../../interpreter/values.ts';
import { ELEMENTS } from '../proto/codes.ts';
import { elementwise, spread } from './broadcasting.ts';
import { facts } from './grids.ts';
import { computes, named } from './operator.ts';
import type { ClearRule, Family, GridRule, Operator, Whole } from './operator.ts';

/** Arithmetic on two tensors or more. Results are rounded, or wrapped, by the arrays that they are put in. */

/** From left to right over all inputs. `compute` is told whether the type is one of integers. */
function variadic(
  arity: number,
  compute: (left: number, right: number, whole: boolean) => number,
): ClearRule {
  return computes(arity, (inputs, { output }) => {
    const operands = spread(inputs, output);
    const data = emptyArray(output.type, elementCount(output.shape));
    const whole = ELEMENTS[output.type].kind !== 'float';
    for (let index = 0; index < data.length; index++) {
      data[index] = operands[0]!.data[index]!;
      for (let other = 1; other < operands.length; other++)
        data[index] = compute(data[index]!, operands[other]!.data[index]!, whole);
    }
    return { ...output, data };
  });
}

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

const plain = (
  arity: number,
  compute: (left: number, right: number, whole: boolean) => number,
): Operator => ({
  shape: elementwise,
  grid: null,
  clear: variadic(arity, compute),
  folds: 'values',
});
const wholeArithmetic = (op: 'Add' | 'Sub' | 'Mul'): GridRule =>
  facts(null, (_, inputs) =>
    inputs.length !== 2 || inputs.includes(null) ? null : { range: arithmetic(op, inputs) },
  );

export const ARITHMETIC: Family = new Map<string, Operator>([
  ['Add', { ...plain(2, (left, right) => left + right), grid: wholeArithmetic('Add') }],
  ['Sub', { ...plain(2, (left, right) => left - right), grid: wholeArithmetic('Sub') }],
  ['Mul', { ...plain(2, (left, right) => left * right), grid: wholeArithmetic('Mul') }],
  ['Div', plain(2, (left, right, whole) => (whole ? Math.trunc(left / right) : left / right))],
  ['Pow', plain(2, (left, right) => left ** right)],
  ['Min', plain(1, (left, right) => Math.min(left, right))],
  ['Max', plain(1, (left, right) => Math.max(left, right))],
  ['Sum', plain(1, (left, right) => left + right)],
  ...named('Mod Mean PRelu BitShift BitwiseAnd BitwiseOr BitwiseXor', {
    shape: elementwise,
    grid: null,
    clear: null,
    folds: 'values',
  }),
]);
