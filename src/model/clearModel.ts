/** A graph that is computed in the clear, plain data, as its format has it: a segment, or a whole network. */
export type ClearModel = OnnxClearModel;

/** An ONNX model complete in itself: no external data, composed operators written out. */
export interface OnnxClearModel {
  /** The discriminant. */
  readonly format: 'onnx';
  /** The protocol buffer. */
  readonly bytes: Uint8Array;
}
