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
  /** Linear nodes that the client computes in the clear, and why. */
  readonly clear: readonly ClearNode[];
  /** How onnxruntime runs segments and reference. */
  readonly arithmetic: Arithmetic;
  readonly reference: ModelReference;
}

/**
 * `integers`: under full graph optimization, where onnxruntime computes what stands between DequantizeLinear and
 * QuantizeLinear in integers. `floats`: without it, for models with types of other than 8 bits, which those
 * optimizations are not made for (onnxruntime 1.30 then drops a Relu that a 4-bit zero point makes necessary, and fuses
 * 4-bit convolutions into operators that it refuses).
 */
export type Arithmetic = 'integers' | 'floats';

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
  /** An ONNX model without declared inputs: `declareInputs` adds them, with the types that the tensors then have. */
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
  /**
   * null: `tensor` holds the integers q. Otherwise it holds scale * (q - zeroPoint), from which the graph's own
   * QuantizeLinear makes q again: so a segment keeps QuantizeLinear and DequantizeLinear as the whole graph has them, and
   * onnxruntime fuses the same groups in both.
   */
  readonly realScale: number | null;
}

export type ModelLayerOutput = AccumulatorOutput | ScaledOutput | RequantizedLayerOutput;

export interface ClearNode {
  readonly name: string;
  readonly op: string;
  readonly reason: string;
}

/** The whole model in the clear, for onnxruntime: what an encrypted run must equal. */
export type ModelReference =
  /** The model itself: onnxruntime computes every layer in integers. */
  | { readonly kind: 'model'; readonly model: Uint8Array }
  /**
   * Layers that onnxruntime computes in floats are rewritten in integers; the model itself runs beside it, so that what
   * rounds differently there can be counted.
   */
  | { readonly kind: 'integer-rewrite'; readonly model: Uint8Array; readonly floats: Uint8Array }
  /** Sums too wide for onnxruntime's floats: layers are compared one by one, the outputs are not. */
  | { readonly kind: 'layers-only'; readonly floats: Uint8Array };

/** The layers in the order in which they run. */
export function layersOf({ rounds }: ModelPlan): readonly ModelLayer[] {
  return rounds.flat();
}
