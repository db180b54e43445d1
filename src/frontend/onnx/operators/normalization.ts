import { inputShape, inputType } from '../graph/state.ts';
import { named } from './operator.ts';
import type { Family, Operator } from './operator.ts';

/** Operators that scale by sums over axes, or by parameters of their own. */

const sameAsFirst: Operator = {
  shape: (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }],
  grid: null,
  clear: null,
  folds: 'values',
};

export const NORMALIZATION: Family = new Map(
  named(
    'BatchNormalization CumSum GroupNormalization Hardmax InstanceNormalization LRN LayerNormalization LogSoftmax ' +
      'LpNormalization MeanVarianceNormalization RMSNormalization Softmax',
    sameAsFirst,
  ),
);
