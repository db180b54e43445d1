import type { FixedPointNode, FixedPointRounding, FixedPointTensor } from '../interpreter/fixedPoint/node.ts';
import type { DenseTensor } from '../interpreter/values.ts';

/** A graph that is computed in the clear, plain data, as its format has it: a segment, or a whole network. */
export type ClearModel = OnnxClearModel | TfliteClearModel;

/** An ONNX model complete in itself: no external data, composed operators written out. */
export interface OnnxClearModel {
  /** The discriminant. */
  readonly format: 'onnx';
  /** The protocol buffer. */
  readonly bytes: Uint8Array;
}

/** Operators of a TFLite model in the order in which they run, with what they need. */
export interface TfliteClearModel {
  /** The discriminant. */
  readonly format: 'tflite';
  /** How 32-bit sums are scaled. */
  readonly rounding: FixedPointRounding;
  /** In the order in which they run. */
  readonly nodes: readonly FixedPointNode[];
  /** Types, shapes and quantization of all tensors that the nodes name. */
  readonly tensors: ReadonlyMap<string, FixedPointTensor>;
  /** Values of those that are constant. */
  readonly constants: ReadonlyMap<string, DenseTensor>;
}
