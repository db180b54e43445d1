import { toBinary } from '@bufbuild/protobuf';
import { ATTRIBUTE, ELEMENTS, EXTERNAL } from '../proto/codes.ts';
import { GraphProtoSchema } from '../proto/onnx_pb.ts';
import type { AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto } from '../proto/onnx_pb.ts';
import { decodeTensor, toTensorProto } from '../proto/tensorProto.ts';
import { quoted } from '../refusal.ts';
import { noExternalData } from '../proto/externalReader.ts';
import { bodyBytes, bodyContents, readBody } from './bodies.ts';

/**
 * 16-bit floats are taken as float32: initializers, inputs, outputs, and what nodes make of such a type. Scales and weights keep
 * their values; what a runtime would round to 16 bits on the way is not rounded. So a model of 16-bit floats runs as its
 * float32 twin, and the integers of its layers are those of the twin.
 */

const HALVES: ReadonlySet<number> = new Set([ELEMENTS.float16.code, ELEMENTS.bfloat16.code]);

/** Attributes that name an element type. */
const TYPES: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype']);

/** Changes the graph in place. External tensors are not here yet: a graph with 16-bit ones stays as it is. */
export function widenHalves(graph: GraphProto, file: string): void {
  if (
    graph.initializer.some(({ dataType, dataLocation }) => HALVES.has(dataType) && dataLocation === EXTERNAL)
  )
    return;
  widen(graph, file);
}

function widen(graph: GraphProto, file: string): void {
  graph.initializer = graph.initializer.map((tensor) => widenedTensor(tensor, file));
  for (const value of [...graph.input, ...graph.output, ...graph.valueInfo]) widenValue(value);
  for (const node of graph.node)
    for (const attribute of node.attribute) widenAttribute(attribute, node, file);
}

function widenedTensor(tensor: TensorProto, file: string): TensorProto {
  if (!HALVES.has(tensor.dataType)) return tensor;
  const { shape, data } = decodeTensor(tensor, `${file}: initializer ${quoted(tensor.name)}`, noExternalData);
  return toTensorProto({ type: 'float32', shape, data }, tensor.name);
}

function widenValue({ type }: ValueInfoProto): void {
  if (type?.value.case === 'tensorType' && HALVES.has(type.value.value.elemType))
    type.value.value.elemType = ELEMENTS.float32.code;
}

function widenAttribute(attribute: AttributeProto, node: NodeProto, file: string): void {
  const { name, type, i, t } = attribute;
  if (type === ATTRIBUTE.INT && TYPES.has(name) && HALVES.has(Number(i)))
    attribute.i = BigInt(ELEMENTS.float32.code);
  if (t !== undefined) attribute.t = widenedTensor(t, file);
  if (bodyBytes(node).length === 0) return;
  // Bodies that nest too deep are refused here.
  bodyContents(node, file);
  const rewritten = (bytes: Uint8Array): Uint8Array => {
    const body = readBody(bytes, node, file);
    widen(body, file);
    return toBinary(GraphProtoSchema, body);
  };
  if (attribute.g.length > 0) attribute.g = rewritten(attribute.g);
  attribute.graphs = attribute.graphs.map(rewritten);
}
