import { intAttribute, spatialAttribute } from '../graph/attributes.ts';
import { inputShape, inputType } from '../graph/state.ts';
import { selecting } from './grids.ts';
import { named } from './operator.ts';
import type { Family, Operator, ShapeRule } from './operator.ts';
import { geometryOf, outputExtent } from './windows.ts';

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

const windowed: Operator = { shape: poolShape, grid: null, clear: null, folds: 'never' };
const whole: Operator = { shape: globalPoolShape, grid: null, clear: null, folds: 'never' };
const sameAxis = selecting((_, axis) => axis);

export const POOLS: Family = new Map([
  ...named('MaxPool', { ...windowed, grid: sameAxis }),
  ...named('AveragePool LpPool', windowed),
  ...named('GlobalMaxPool', { ...whole, grid: sameAxis }),
  ...named('GlobalAveragePool GlobalLpPool QLinearGlobalAveragePool', whole),
]);
