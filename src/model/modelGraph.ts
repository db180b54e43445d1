import type { ClearModel } from './clearModel.ts';
import type { Segment } from './cutGraph.ts';
import type { FlowNode } from './levels.ts';

/** The graph of an imported model, as far as it is cut: what its format knows and `compileModel` does not. */
export interface ModelGraph {
  /** In the order that segments count them by. */
  readonly nodes: readonly FlowNode[];
  /** All of it, weights too. */
  whole(): ClearModel;
  /**
   * One segment.
   * @param name for those who look at it
   */
  segment(segment: Segment, name: string): ClearModel;
}
