import type { Step } from '../interpreter/interpreter.ts';
import type { Meter } from '../interpreter/meter.ts';
import type { DenseTensor } from '../interpreter/values.ts';

export type Tensors = ReadonlyMap<string, DenseTensor>;

/** A graph that is computed in the clear by the interpreter: a segment, or a whole network. */
export interface ClearGraph {
  /** In topological order. */
  readonly steps: readonly Step[];
  /**
   * The wanted tensors.
   * @throws CipherconvError `unsupported` naming the node that nothing computes, or that takes more than the meter allows
   */
  run(given: Tensors, wanted: readonly string[], how?: GraphRun): Promise<Map<string, DenseTensor>>;
}

/** How a graph is run; everything has a default. */
export interface GraphRun {
  /** Steps that stand for those that make the same tensors. */
  readonly replaced?: readonly Step[];
  /** What the graph may take, which is from elsewhere; null, the default: it is one's own. */
  readonly meter?: Meter | null;
}
