import type { ClearModel } from './clearModel.ts';
import type { OutputArrangement } from '../../compiler/convolution/arrangement.ts';
import type { TensorLayout } from '../frontend/schema.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import type {
  AccumulatorOutput,
  LayerInput,
  RequantizedOutput,
  ScaledOutput,
} from '../frontend/imported/types.ts';

/**
 * What is computed of a model, where and in which order, plain data. Tensors are known by the names that they have in the
 * model's graph.
 *
 *   segments[0], rounds[0], segments[1], rounds[1], ..., segments[rounds.length]
 *
 * Layer: what is known of a layer, the server's part in a compiled model and the client's in a client plan.
 */
export interface ModelFlow<Layer extends LayerCut> {
  /** Name of the graph. */
  readonly name: string;
  /** Inputs of the model, in its order. */
  readonly inputs: readonly ModelPort[];
  /** Outputs of the model, in its order. */
  readonly outputs: readonly ModelPort[];
  /** What the client computes before round k; null when there is nothing to compute. One more than rounds. */
  readonly segments: readonly (ModelSegment | null)[];
  /** What the server computes in round k, encrypted: layers that do not wait for each other. */
  readonly rounds: readonly (readonly Layer[])[];
  /** Linear nodes, and those of unknown operators, that the client computes in the clear, and why. */
  readonly clear: readonly ClearNode[];
  /** Multiply-accumulates of one run. */
  readonly macs: Macs;
}

/** Multiply-accumulates: those of encrypted layers, and those of all linear nodes whose shapes are known. */
export interface Macs {
  /** Of the encrypted layers. */
  readonly encrypted: number;
  /** Of all linear nodes whose shapes are known. */
  readonly total: number;
}

/** An input or output of the model. */
export interface ModelPort {
  /** Name of the tensor in the graph. */
  readonly name: string;
  /** Its element type. */
  readonly type: ElementType;
  /** null where the model does not say it. */
  readonly shape: readonly number[] | null;
}

/** A sub-model that the client runs in the clear. */
export interface ModelSegment {
  /** Names of the tensors that it reads. */
  readonly inputs: readonly string[];
  /** Names of the tensors that it makes. */
  readonly outputs: readonly string[];
  /** What computes them; an ONNX model declares no inputs. */
  readonly model: ClearModel;
}

/** Where a linear layer is cut out of the graph: what leads into it and out of it on the client. */
export interface LayerCut {
  /** Of the node in the graph. */
  readonly name: string;
  /** Operator of the node, such as QLinearConv. */
  readonly op: string;
  /** Where the integers come from. */
  readonly input: LayerInput;
  /** How the accumulators lie in the output. */
  readonly arrangement: OutputArrangement;
  /** What the accumulators become. */
  readonly output: ModelLayerOutput;
}

/** What a layer's accumulators become, in the clear on the client. */
export type ModelLayerOutput = AccumulatorOutput | ScaledOutput | RequantizedOutput;

/** A node that the client computes in the clear. */
export interface ClearNode {
  /** Name of the node. */
  readonly name: string;
  /** Operator of the node. */
  readonly op: string;
  /** Why it is not encrypted, as one sentence. */
  readonly reason: string;
}

/** How pictures lie in the tensors of a model: those of TFLite have channels last. */
export function layoutOf({ segments }: Pick<ModelFlow<LayerCut>, 'segments'>): TensorLayout {
  return segments.some((segment) => segment?.model.format === 'tflite') ? 'NHWC' : 'NCHW';
}

/** The layers in the order in which they run: their positions here are the indices that servers know them by. */
export function layersOf<Layer extends LayerCut>({
  rounds,
}: Pick<ModelFlow<Layer>, 'rounds'>): readonly Layer[] {
  return rounds.flat();
}
