import { elementCount } from '../../../../compiler/base/tensor.ts';
import { emptyArray } from '../../../interpreter/values.ts';
import { inputType } from '../graph/state.ts';
import { broadcast, spread } from './broadcasting.ts';
import { computes } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule } from './operator.ts';

/** Comparisons and what is chosen by them. */

const comparisonShape: ShapeRule = (view) => [
  { type: 'bool', shape: broadcast(view, [...view.node.inputs.keys()]) },
];
const choiceShape: ShapeRule = (view) => [
  { type: inputType(view, 1), shape: broadcast(view, [...view.node.inputs.keys()]) },
];

function comparison(compute: (left: number, right: number) => boolean): ClearRule {
  return computes(2, (inputs, { output }) => {
    const operands = spread(inputs, output);
    const [left, right] = [operands[0]!, operands[1]!];
    const data = new Uint8Array(elementCount(output.shape));
    for (let index = 0; index < data.length; index++)
      data[index] = Number(compute(left.data[index]!, right.data[index]!));
    return { ...output, data };
  });
}

const where = computes(3, (inputs, { output }) => {
  const operands = spread(inputs, output);
  const [condition, yes, no] = [operands[0]!, operands[1]!, operands[2]!];
  const data = emptyArray(output.type, elementCount(output.shape));
  for (let index = 0; index < data.length; index++)
    data[index] = (condition.data[index] === 0 ? no : yes).data[index]!;
  return { ...output, data };
});

const compares = (clear: ClearRule): Operator => ({
  shape: comparisonShape,
  grid: null,
  clear,
  folds: 'values',
});

export const COMPARISONS: Family = new Map<string, Operator>([
  ['Equal', compares(comparison((left, right) => left === right))],
  ['Greater', compares(comparison((left, right) => left > right))],
  ['GreaterOrEqual', compares(comparison((left, right) => left >= right))],
  ['Less', compares(comparison((left, right) => left < right))],
  ['LessOrEqual', compares(comparison((left, right) => left <= right))],
  ['And', compares(comparison((left, right) => left !== 0 && right !== 0))],
  ['Or', compares(comparison((left, right) => left !== 0 || right !== 0))],
  ['Xor', compares(comparison((left, right) => (left !== 0) !== (right !== 0)))],
  ['Where', { shape: choiceShape, grid: null, clear: where, folds: 'values' }],
]);
