import type { GraphProto, ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';

/** A model with its graph, which it is sure to have. */
export interface Source {
  readonly proto: ModelProto;
  readonly graph: GraphProto;
}
