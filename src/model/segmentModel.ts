import { create, toBinary } from '@bufbuild/protobuf';
import { internalError } from '../../compiler/base/errors.ts';
import { readsOf } from '../frontend/onnx/graph/bodies.ts';
import { GraphProtoSchema, ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { Segment } from './cutGraph.ts';
import { untypedValue } from './protoParts.ts';

/**
 * A segment as a model of its own. Its inputs are not declared: their types and shapes are known when they are there.
 */
export function segmentModel(model: ModelProto, segment: Segment, name: string): Uint8Array {
  const { graph } = model;
  if (graph === undefined) throw internalError('a model without a graph');
  const nodes = segment.nodes.map((index) => graph.node[index]!);
  const used = new Set([...nodes.flatMap(readsOf), ...segment.outputs]);
  const part = create(ModelProtoSchema, {
    irVersion: model.irVersion,
    producerName: 'cipherconv',
    opsetImport: model.opsetImport,
    graph: create(GraphProtoSchema, {
      name,
      node: nodes,
      initializer: graph.initializer.filter((tensor) => used.has(tensor.name)),
      output: segment.outputs.map(untypedValue),
    }),
  });
  return toBinary(ModelProtoSchema, part);
}
