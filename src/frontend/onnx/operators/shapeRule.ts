import type { ElementType } from '../proto/codes.ts';
import type { NodeView } from '../graph/state.ts';

/** Type and shape of an output; null for what is not known. */
export interface Inferred {
  readonly type: ElementType | null;
  readonly shape: readonly number[] | null;
}

/**
 * What an operator makes of its inputs' types and shapes; one entry per output.
 * @throws CipherconvError `malformed-model` when they contradict each other
 */
export type ShapeRule = (view: NodeView) => readonly Inferred[];
