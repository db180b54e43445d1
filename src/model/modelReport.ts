import type { RunReport } from '../runReport.ts';

/** What `run --json` prints for a model. */
export interface ModelRunReport {
  /** Whether every layer's accumulators and every output are what they are in the clear. */
  readonly match: boolean;
  /** In the order in which they ran. */
  readonly layers: readonly ModelLayerReport[];
  /** How many times something went to the server and back. */
  readonly rounds: number;
  /** null where the outputs were not compared. */
  readonly comparison: ModelComparison | null;
}

export interface ModelLayerReport extends RunReport {
  readonly name: string;
}

/** How the outputs of the encrypted run compare with the whole model in onnxruntime. */
export type ModelComparison =
  | {
      /** With the model itself. */
      readonly kind: 'model';
      readonly outputs: number;
      readonly mismatches: number;
    }
  | {
      /** With the model's integer rewrite, and beside it how far the model in floats is from both. */
      readonly kind: 'integer-rewrite';
      readonly outputs: number;
      readonly mismatches: number;
      readonly floats: FloatComparison;
    }
  | { readonly kind: 'layers-only'; readonly floats: FloatComparison };

/** Quantized values that the model computes otherwise in floats: ties, and what follows from them. */
export interface FloatComparison {
  /** Inputs of layers, as integers. */
  readonly requantized: number;
  readonly differing: number;
  /** The largest difference, in steps of the quantization. */
  readonly largestSteps: number;
  /** Outputs that differ from those of the model in floats, and by how much at most. */
  readonly outputs: number;
  readonly differingOutputs: number;
  readonly largestOutputDifference: number;
}
