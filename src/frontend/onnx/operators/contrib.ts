import { inputName, inputShape, inputType } from '../graph/state.ts';
import { broadcast } from './broadcasting.ts';
import { named } from './operator.ts';
import type { Family, Operator, ShapeRule } from './operator.ts';
import { POOLS } from './pools.ts';
import { gemmExtents } from './products.ts';
import { LINEAR_QUANTIZERS } from './quantization.ts';

/** Operators of the domain com.microsoft. */

/** com.microsoft QLinearAdd and its like: a, scale, zero point, b, scale, zero point, scale, zero point. */
const quantizedBinaryShape: ShapeRule = (view) => [
  { type: inputType(view, 0), shape: broadcast(view, [0, 3]) },
];

const sameAsFirst: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];
const base: Omit<Operator, 'shape'> = { grid: null, clear: null, folds: 'never' };

/** Integers where there is an output scale (input 7), floats otherwise. */
const quantizedGemmShape: ShapeRule = (view) => {
  const type = inputName(view.node, 7) === null ? 'float32' : (inputType(view, 8) ?? 'uint8');
  return [{ type, shape: gemmExtents(view, 0, 3) }];
};

export const CONTRIB: Family = new Map<string, Operator>([
  ...named('QLinearAdd QLinearMul', { ...base, shape: quantizedBinaryShape }),
  ...named('QLinearSigmoid QLinearLeakyRelu QLinearSoftmax Gelu', { ...base, shape: sameAsFirst }),
  ...LINEAR_QUANTIZERS,
  ['QGemm', { ...base, shape: quantizedGemmShape }],
  ...[...POOLS].filter(([op]) => op === 'QLinearGlobalAveragePool'),
]);
