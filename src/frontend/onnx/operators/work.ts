import { elementCount } from '../../../../compiler/base/tensor.ts';
import { intAttribute, intsAttribute, textAttribute } from '../graph/attributes.ts';
import { inputShape } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { WorkRule } from './operator.ts';

/** How many products operators compute whose inputs' shapes are known: bounds from above. */

function elementsOf(view: NodeView, index: number): number {
  return elementCount(inputShape(view, index) ?? []);
}

/** Each output is a sum over what one output channel has of the filter. */
export function convolutionWork(filterInput: number): WorkRule {
  return (view, outputs) =>
    outputs * (elementsOf(view, filterInput) / Math.max(1, inputShape(view, filterInput)?.[0] ?? 1));
}

/** Each input goes through what one input channel has of the filter. */
export const transposedWork: WorkRule = (view) =>
  elementsOf(view, 0) * (elementsOf(view, 1) / Math.max(1, inputShape(view, 1)?.[0] ?? 1));

/** Each output is a sum along an axis of the left matrix, whichever is the longer. */
export const productWork: WorkRule = (view, outputs) =>
  outputs * Math.max(1, ...(inputShape(view, 0)?.slice(-2) ?? []));

/** Each output looks at one window. */
export const windowWork: WorkRule = ({ node }, outputs) =>
  outputs * elementCount(intsAttribute(node, 'kernel_shape') ?? []);

/** Each element is compared with the thresholds of a channel. */
export const thresholdWork: WorkRule = (view, outputs) => outputs * (inputShape(view, 1)?.[1] ?? 1);

/** Each element looks at its neighbours in other channels. */
export const neighbourWork: WorkRule = ({ node }, outputs) => outputs * intAttribute(node, 'size', 1);

/** Every step of every sequence goes through all weights: W, and R from the state. */
export const recurrentWork: WorkRule = (view) => {
  const [steps = 1, batch = 1] = inputShape(view, 0) ?? [];
  return steps * batch * (elementsOf(view, 1) + elementsOf(view, 2));
};

/** The projections, and every step with every other, twice. */
export const attentionWork: WorkRule = (view) => {
  const [batch = 1, steps = 1] = inputShape(view, 0) ?? [];
  const columns = inputShape(view, 1)?.[1] ?? 1;
  return elementsOf(view, 0) * columns + 2 * batch * steps * steps * columns;
};

/** One product for every combination of all letters. */
export const einsumWork: WorkRule = (view) => {
  const [left = ''] = textAttribute(view.node, 'equation', '').replaceAll(' ', '').split('->');
  const extents = new Map<string, number>();
  for (const [index, letters] of left.split(',').entries())
    for (const [axis, extent] of (inputShape(view, index) ?? []).entries())
      extents.set(letters[axis] ?? '', extent);
  return elementCount([...extents.values()]) * left.split(',').length;
};
