import { extremePosition, reduced, REDUCERS } from '../../../interpreter/reduce.ts';
import type { Reducer } from '../../../interpreter/reduce.ts';
import { intAttribute, intsAttribute } from '../graph/attributes.ts';
import { constantInput, inputName, inputShape, inputType, normalAxis } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { computes } from './operator.ts';
import type { Family, Operator, ShapeRule } from './operator.ts';

/** Operators that make one value of many along axes. */

/** Reductions: axes as attribute or (opset 13 and 18) as second input. */
const reduceShape: ShapeRule = (view) => {
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

function reduces(reducerOf: (view: NodeView) => Reducer): Operator {
  const clear = computes(1, (inputs, { view, output }) => {
    const input = inputs[0]!;
    const axes = reducedAxes(view);
    if (axes === null) return null;
    const normal = new Set(axes.map((axis) => normalAxis(view.node, axis, input.shape.length)));
    return { ...output, data: reduced(input, normal, output.type, reducerOf(view)) };
  });
  return { shape: reduceShape, grid: null, clear, folds: 'values' };
}

const extreme = (sign: 1 | -1): Operator =>
  reduces(({ node }) => extremePosition(sign, intAttribute(node, 'select_last_index', 0) !== 0));

export const REDUCTIONS: Family = new Map<string, Operator>([
  ...Object.entries(REDUCERS).map(([op, reducer]) => [op, reduces(() => reducer)] as const),
  ['ArgMax', extreme(1)],
  ['ArgMin', extreme(-1)],
]);
