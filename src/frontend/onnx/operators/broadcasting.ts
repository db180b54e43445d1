import { broadcastShape, broadcastSteps, strided } from '../../../interpreter/moves.ts';
import { contradiction, inputShape, inputType, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { OnnxTensor } from '../types.ts';
import type { KnownOutput, ShapeRule } from './operator.ts';

/** Operators whose inputs broadcast. */

/** The broadcast shape of the inputs at these positions. */
export function broadcast(view: NodeView, indices: readonly number[]): readonly number[] | null {
  let shape: readonly number[] = [];
  for (const index of indices) {
    const next = inputShape(view, index);
    if (next === null) return null;
    const joined = broadcastShape(shape, next);
    if (joined === null)
      return contradiction(
        view.node,
        'the inputs do not broadcast',
        'extents that are equal or 1',
        `${shapeText(shape)} and ${shapeText(next)}`,
      );
    shape = joined;
  }
  return shape;
}

function allInputs({ node }: NodeView): number[] {
  return node.inputs.map((_, index) => index);
}

export const elementwise: ShapeRule = (view) => [
  { type: inputType(view, 0), shape: broadcast(view, allInputs(view)) },
];

/** All inputs in the output's shape. */
export function spread(inputs: readonly OnnxTensor[], { shape }: KnownOutput): OnnxTensor[] {
  return inputs.map((input) => strided(input, shape, broadcastSteps(input.shape, shape)));
}
