import type { RunReport } from '../runReport.ts';
import type { ClearNode, Macs } from './modelFlow.ts';

/** What `run --json` prints for a model. */
export interface ModelRunReport {
  /**
   * Whether every layer's accumulators are those of the convolution in the clear, and every output that of the network's
   * integer rewrite in the clear (docs/onnx.md). No runtime's opinion enters.
   */
  readonly match: boolean;
  /** In the order in which they ran. */
  readonly layers: readonly ModelLayerReport[];
  /** How many times something went to the server and back. */
  readonly rounds: number;
  /** null where the outputs were not compared. */
  readonly comparison: ModelComparison | null;
  /** Multiply-accumulates of one run: encrypted ones, and all. */
  readonly macs: Macs;
  /** Linear nodes, and those of unknown operators, that were computed in the clear. */
  readonly clear: readonly ClearNode[];
  /** null where the runtime was not asked, is not installed or refuses the model. */
  readonly statistic: RuntimeStatistic | null;
}

/** The report of one layer. */
export interface ModelLayerReport extends RunReport {
  /** Name of the node in the graph. */
  readonly name: string;
}

/** How the outputs of the encrypted run compare with the integer rewrite. */
export interface ModelComparison {
  /** Values compared. */
  readonly outputs: number;
  /** Values that differ. */
  readonly mismatches: number;
}

/** How a runtime's outputs of the model as it stands differ from ours. Never a verdict. */
export interface RuntimeStatistic {
  /** Name of the runtime that was asked. */
  readonly runtime: 'onnxruntime-web';
  /** Values compared. */
  readonly outputs: number;
  /** Values that differ. */
  readonly differing: number;
  /**
   * In steps of the output's scale: 1 for integers, the scale behind a DequantizeLinear, else the largest magnitude of the
   * output over 255.
   */
  readonly largestDifference: number;
  /** Whether the largest value of every output, for every item of the batch (axis 0), stands at the same place. */
  readonly sameTop1: boolean;
}
