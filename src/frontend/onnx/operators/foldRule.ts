import type { ElementType } from '../proto/codes.ts';
import type { NodeView } from '../graph/state.ts';
import type { OnnxTensor } from '../types.ts';

/** Type and shape of an output, both known. */
export interface KnownOutput {
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/**
 * How an operator computes its first output from constant inputs, which its shape rule has checked; `null` when it cannot
 * be said after all.
 */
export interface FoldRule {
  /** Inputs that must be there. */
  readonly arity: number;
  readonly compute: (view: NodeView, inputs: readonly OnnxTensor[], output: KnownOutput) => OnnxTensor | null;
}
