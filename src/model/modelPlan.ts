import type { OutputArrangement } from '../../compiler/convolution/arrangement.ts';
import type { Requantization } from '../../runtime/clear/requantize.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import type { LayerInput, LayerOutput } from '../frontend/onnx/types.ts';

/**
 * A compiled model, plain data: what the client computes, what the server computes, and in which order. Tensors are
 * known by the names that they have in the ONNX graph.
 *
 *   segments[0], rounds[0], segments[1], rounds[1], ..., segments[rounds.length]
 */
export interface ModelPlan {
  readonly name: string;
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  /** What the client computes before round k; null when there is nothing to compute. One more than rounds. */
  readonly segments: readonly (ModelSegment | null)[];
  /** What the server computes in round k, encrypted: layers that do not wait for each other. */
  readonly rounds: readonly (readonly ModelLayer[])[];
  /** Linear nodes, and those of unknown operators, that the client computes in the clear, and why. */
  readonly clear: readonly ClearNode[];
  /** Multiply-accumulates of one run. */
  readonly macs: Macs;
  /**
   * The whole model, an ONNX model complete in itself, weights and all: an encrypted run must equal it, with its layers in
   * integers.
   */
  readonly network: Uint8Array;
}

/** Multiply-accumulates: those of encrypted layers, and those of all linear nodes whose shapes are known. */
export interface Macs {
  readonly encrypted: number;
  readonly total: number;
}

/** An input or output of the model. */
export interface ModelPort {
  readonly name: string;
  readonly type: ElementType;
  /** null where the model does not say it. */
  readonly shape: readonly number[] | null;
}

/** A sub-model that the client runs in the clear. */
export interface ModelSegment {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** An ONNX model without declared inputs. */
  readonly model: Uint8Array;
}

/** A linear layer that the server computes encrypted. */
export interface ModelLayer {
  /** Of the node in the graph. */
  readonly name: string;
  readonly op: string;
  readonly input: LayerInput;
  /** How the accumulators lie in the output. */
  readonly arrangement: OutputArrangement;
  readonly output: ModelLayerOutput;
  readonly stored: StoredPlan;
}

export type AccumulatorOutput = Extract<LayerOutput, { kind: 'accumulator' }>;

export type ScaledOutput = Omit<Extract<LayerOutput, { kind: 'scaled' }>, 'requantized'>;

/** Scaled, rounded, zero point added, clamped: the accumulator as the quantized integer that the model makes of it. */
export interface RequantizedLayerOutput {
  readonly kind: 'requantized';
  readonly tensor: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly requantization: Requantization & { readonly kind: 'qlinear' };
}

export type ModelLayerOutput = AccumulatorOutput | ScaledOutput | RequantizedLayerOutput;

export interface ClearNode {
  readonly name: string;
  readonly op: string;
  readonly reason: string;
}

/** The layers in the order in which they run. */
export function layersOf({ rounds }: ModelPlan): readonly ModelLayer[] {
  return rounds.flat();
}
