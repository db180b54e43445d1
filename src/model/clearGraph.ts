import type { Step } from '../interpreter/interpreter.ts';
import type { DenseTensor } from '../interpreter/values.ts';

export type Tensors = ReadonlyMap<string, DenseTensor>;

/** A graph that is computed in the clear by the interpreter: a segment, or a whole network. */
export interface ClearGraph {
  /** In topological order. */
  readonly steps: readonly Step[];
  /**
   * The wanted tensors.
   * @param replaced steps that stand for those that make the same tensors
   * @throws CipherconvError `unsupported` naming the node that nothing computes
   */
  run(
    given: Tensors,
    wanted: readonly string[],
    replaced?: readonly Step[],
  ): Promise<Map<string, DenseTensor>>;
}
