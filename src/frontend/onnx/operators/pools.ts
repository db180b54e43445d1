import { pooled } from '../../../interpreter/pools.ts';
import type { PoolGeometry } from '../../../interpreter/pools.ts';
import { reduced, REDUCERS } from '../../../interpreter/reduce.ts';
import type { Reducer } from '../../../interpreter/reduce.ts';
import { intAttribute, spatialAttribute } from '../graph/attributes.ts';
import { inputShape, inputType } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { OnnxTensor } from '../types.ts';
import { sameBounds } from './bounds.ts';
import { selecting } from './grids.ts';
import { computes, inputAt, named } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule } from './operator.ts';
import { geometryOf, outputExtent, spatialGeometry, spatialOf } from './windows.ts';
import { windowWork } from './work.ts';

/** Pools. */

const poolShape: ShapeRule = (view) => {
  const { node } = view;
  const [input, type] = [inputShape(view, 0), inputType(view, 0)];
  const indices = { type: 'int64', shape: null } as const;
  if (input === null) return [{ type, shape: null }, indices];
  const sizes = input.slice(2);
  const kernel = spatialAttribute(node, 'kernel_shape', sizes.length, 1);
  const geometry = geometryOf(node, sizes, kernel);
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0;
  const spatial = sizes.map((size, axis) => outputExtent(node, size, kernel[axis]!, geometry[axis]!, ceil));
  return [{ type, shape: [...input.slice(0, 2), ...spatial] }, indices];
};

const globalPoolShape: ShapeRule = (view) => {
  const input = inputShape(view, 0);
  const shape = input === null ? null : [...input.slice(0, 2), ...input.slice(2).map(() => 1)];
  return [{ type: inputType(view, 0), shape }];
};

function windowGeometry(
  { node }: NodeView,
  input: OnnxTensor,
  shape: readonly number[],
): PoolGeometry | null {
  const sizes = input.shape.slice(2);
  const taps = spatialAttribute(node, 'kernel_shape', sizes.length, 1);
  const axes = spatialGeometry(geometryOf(node, sizes, taps));
  const [size, kernel, output] = [spatialOf(sizes, 1), spatialOf(taps, 1), spatialOf(shape.slice(2), 1)];
  if (size === null || kernel === null || output === null || axes === null) return null;
  return { planes: input.shape[0]! * input.shape[1]!, input: size, kernel, output, ...axes };
}

const poolClear: ClearRule = computes(1, (inputs, { view, output }) => {
  const input = inputs[0]!;
  // The positions of the largest are not computed.
  if ((view.node.outputs[1] ?? '') !== '') return null;
  const geometry = windowGeometry(view, input, output.shape);
  if (geometry === null) return null;
  const counts = intAttribute(view.node, 'count_include_pad', 0) !== 0;
  const how = view.node.op === 'MaxPool' ? 'maximum' : counts ? 'average-with-pads' : 'average';
  return { ...output, data: pooled(input, geometry, how) };
});

const globalClear =
  (reducer: Reducer): ClearRule =>
  (call) => {
    const input = inputAt(call, 0);
    if (input === null) return null;
    const axes = new Set([...input.shape.keys()].slice(2));
    return [{ ...call.output, data: reduced(input, axes, input.type, reducer) }];
  };

const windowed: Operator = { shape: poolShape, grid: null, clear: null, folds: 'never', work: windowWork };
const whole: Operator = { shape: globalPoolShape, grid: null, clear: null, folds: 'never' };
const sameAxis = selecting((_, axis) => axis);

export const POOLS: Family = new Map([
  ...named('MaxPool', { ...windowed, grid: sameAxis, bounds: sameBounds, clear: poolClear }),
  ...named('AveragePool', { ...windowed, clear: poolClear }),
  ...named('LpPool', windowed),
  ...named('GlobalMaxPool', {
    ...whole,
    grid: sameAxis,
    bounds: sameBounds,
    clear: globalClear(REDUCERS.ReduceMax),
  }),
  ...named('GlobalAveragePool', { ...whole, clear: globalClear(REDUCERS.ReduceMean) }),
  ...named('GlobalLpPool', whole),
]);
