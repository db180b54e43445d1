import { inputShape, inputType } from '../graph/state.ts';
import { broadcast } from './broadcasting.ts';
import { named } from './operator.ts';
import type { Family, Operator, ShapeRule } from './operator.ts';
import { POOLS } from './pools.ts';
import { LINEAR_QUANTIZERS } from './quantization.ts';

/** Operators of the domain com.microsoft. */

/** com.microsoft QLinearAdd and its like: a, scale, zero point, b, scale, zero point, scale, zero point. */
const quantizedBinaryShape: ShapeRule = (view) => [
  { type: inputType(view, 0), shape: broadcast(view, [0, 3]) },
];

const sameAsFirst: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];
const base: Omit<Operator, 'shape'> = { grid: null, clear: null, folds: 'never' };

export const CONTRIB: Family = new Map<string, Operator>([
  ...named('QLinearAdd QLinearMul', { ...base, shape: quantizedBinaryShape }),
  ...named('QLinearSigmoid QLinearLeakyRelu QLinearSoftmax Gelu', { ...base, shape: sameAsFirst }),
  ...LINEAR_QUANTIZERS,
  ...[...POOLS].filter(([op]) => op === 'QLinearGlobalAveragePool'),
]);
