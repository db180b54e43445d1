import { intsAttribute } from '../graph/attributes.ts';
import { inputName, inputType, numbersOf } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { Inferred } from './operator.ts';

/** What the shape rules of operators that move elements share. */

/** Outputs whose shapes cannot be said. */
export const unknown = (view: NodeView): Inferred[] =>
  view.node.outputs.map(() => ({ type: inputType(view, 0), shape: null }));

/** A list that older opsets have as attribute and newer ones as input; null when it is not constant. */
export function listOf(view: NodeView, attribute: string, index: number): readonly number[] | null | 'none' {
  if (inputName(view.node, index) !== null) return numbersOf(view, index);
  return intsAttribute(view.node, attribute) ?? 'none';
}
