import { clone, create, toBinary } from '@bufbuild/protobuf';
import { internalError } from '../../compiler/base/errors.ts';
import { GraphProtoSchema, ModelProtoSchema, NodeProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { GraphProto, ModelProto, NodeProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { RequantizedTensor, Segment } from './cutGraph.ts';
import { FreshNames } from '../frontend/onnx/proto/freshNames.ts';
import { untypedValue } from './protoParts.ts';

/**
 * A segment as a model of its own. Its inputs are not declared: their types are known when they are there, and
 * `declareInputs` adds them then.
 */
export function segmentModel(model: ModelProto, segment: Segment, name: string): Uint8Array {
  const { graph } = model;
  if (graph === undefined) throw internalError('a model without a graph');
  const nodes = segmentNodes(graph, segment);
  const used = new Set([...nodes.flatMap(({ input }) => input), ...segment.outputs]);
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

function segmentNodes(graph: GraphProto, { nodes, requantized }: Segment): NodeProto[] {
  const own = nodes.map((index) => graph.node[index]!);
  if (requantized.length === 0) return own;
  const names = new FreshNames(graph);
  const renamed = new Map<string, string>();
  const pairs = requantized.flatMap((pair) => copyPair(graph, pair, names, renamed));
  const readers = own.map((original) => {
    const copy = clone(NodeProtoSchema, original);
    copy.input = original.input.map((name) => renamed.get(name) ?? name);
    return copy;
  });
  return [...pairs, ...readers];
}

/** The pair once more, from the tensor that it made to one that is the same. */
function copyPair(
  graph: GraphProto,
  { tensor, quantize, dequantize }: RequantizedTensor,
  names: FreshNames,
  renamed: Map<string, string>,
): NodeProto[] {
  const [first, second] = [quantize, dequantize].map((index) => clone(NodeProtoSchema, graph.node[index]!));
  if (first === undefined || second === undefined) throw internalError('a pair without its nodes');
  const [between, after] = [names.fresh(`${tensor}/quantized`), names.fresh(`${tensor}/dequantized`)];
  first.input[0] = tensor;
  first.output = [between];
  second.input[0] = between;
  second.output = [after];
  renamed.set(tensor, after);
  return [first, second];
}
