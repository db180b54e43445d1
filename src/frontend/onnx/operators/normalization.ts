import { elementCount } from '../../../../compiler/base/tensor.ts';
import { transpose } from '../../../interpreter/moves.ts';
import { softmax } from '../../../interpreter/reduce.ts';
import { floatAttribute, intAttribute } from '../graph/attributes.ts';
import { inputShape, inputType, normalAxis } from '../graph/state.ts';
import { computes, named } from './operator.ts';
import type { ClearRule, Family, Operator } from './operator.ts';
import { neighbourWork } from './work.ts';

/** Operators that scale by sums over axes, or by parameters of their own. */

const sameAsFirst: Operator = {
  shape: (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }],
  grid: null,
  clear: null,
  folds: 'values',
};

/** From this version on Softmax works along one axis; before, along all axes from `axis` on. */
const ONE_AXIS = 13;

function softmaxRule(isLog: boolean): ClearRule {
  return computes(1, (inputs, { view }) => {
    const input = inputs[0]!;
    const rank = input.shape.length;
    const isOld = view.state.opset < ONE_AXIS;
    const axis = normalAxis(view.node, intAttribute(view.node, 'axis', isOld ? 1 : -1), rank);
    if (isOld) return softmax(input, elementCount(input.shape.slice(axis)), isLog);
    if (axis === rank - 1) return softmax(input, input.shape[axis]!, isLog);
    // Swapped with the last axis, and back.
    const order = input.shape.map((_, other) =>
      other === axis ? rank - 1 : other === rank - 1 ? axis : other,
    );
    return transpose(softmax(transpose(input, order), input.shape[axis]!, isLog), order);
  });
}

/** rn(rn(rn(rn(x - mean) / rn(sqrt(rn(variance + epsilon)))) * scale) + shift), per channel. */
const batchNormalization = computes(5, (inputs, { view }) => {
  const [input, scale, shift] = [inputs[0]!, inputs[1]!.data, inputs[2]!.data];
  const [mean, variance] = [inputs[3]!.data, inputs[4]!.data];
  if (input.type !== 'float32' || intAttribute(view.node, 'training_mode', 0) !== 0) return null;
  const round = Math.fround;
  const epsilon = round(floatAttribute(view.node, 'epsilon', 1e-5));
  const channels = input.shape[1] ?? 1;
  const cells = elementCount(input.shape.slice(2));
  const data = new Float32Array(input.data.length);
  for (let from = 0, plane = 0; from < data.length; from += cells, plane++) {
    const channel = plane % channels;
    const deviation = round(Math.sqrt(round(variance[channel]! + epsilon)));
    const [centre, factor, offset] = [mean[channel]!, scale[channel]!, shift[channel]!];
    for (let index = from; index < from + cells; index++)
      data[index] = round(round(round(input.data[index]! - centre) / deviation) * factor) + offset;
  }
  return { ...input, data };
});

export const NORMALIZATION: Family = new Map<string, Operator>([
  ['Softmax', { ...sameAsFirst, clear: softmaxRule(false) }],
  ['LogSoftmax', { ...sameAsFirst, clear: softmaxRule(true) }],
  ['BatchNormalization', { ...sameAsFirst, clear: batchNormalization }],
  ...named(
    'CumSum GroupNormalization Hardmax InstanceNormalization LayerNormalization LpNormalization ' +
      'MeanVarianceNormalization RMSNormalization',
    sameAsFirst,
  ),
  ['LRN', { ...sameAsFirst, work: neighbourWork }],
]);
