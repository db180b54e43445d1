/** Writing ONNX models: the few message shapes that benches, examples and tests need, around the generated messages. */
import { create, toBinary } from '@bufbuild/protobuf';
import { ATTRIBUTE, ELEMENTS } from './codes.ts';
import type { ElementType } from './codes.ts';
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './onnx_pb.ts';
import type { AttributeProto, NodeProto, TensorProto, ValueInfoProto } from './onnx_pb.ts';

/** Element types that a constant can be written in. */
export type WritableType =
  'float32' | 'uint8' | 'int8' | 'uint16' | 'int16' | 'int32' | 'int64' | 'int4' | 'uint4';

export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly text: string };

export interface NodeParts {
  readonly op: string;
  /** "" leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Default: the standard operators. */
  readonly domain?: string;
  readonly name?: string;
}

export interface ModelParts {
  readonly name: string;
  /** Version of the standard operators. */
  readonly opset: number;
  /** Versions of further operator sets, by domain. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly initializers: readonly TensorProto[];
  /** In topological order. */
  readonly nodes: readonly NodeProto[];
}

const ARRAYS = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
};

/** Little-endian bytes, as TensorProto.raw_data has them; a machine of the other order is no platform of Node's. */
function rawData(type: WritableType, values: ArrayLike<number>): Uint8Array {
  if (type === 'int4' || type === 'uint4') return nibbles(values);
  const array = type === 'int64' ? BigInt64Array.from(Array.from(values, BigInt)) : ARRAYS[type].from(values);
  return new Uint8Array(array.buffer);
}

/** Two values a byte, the first in the low half. */
function nibbles(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 2));
  for (let index = 0; index < values.length; index++)
    bytes[index >> 1]! |= (values[index]! & 15) << (index % 2 === 0 ? 0 : 4);
  return bytes;
}

/** A constant. @param values C order; integers must fit the type */
export function tensorProto(
  name: string,
  type: WritableType,
  shape: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: ELEMENTS[type].code,
    dims: shape.map(BigInt),
    rawData: rawData(type, values),
  });
}

/** A graph input or output. @param shape extents, or names of symbolic ones */
export function valueProto(
  name: string,
  type: ElementType,
  shape: readonly (number | string)[],
): ValueInfoProto {
  const dim = shape.map((extent) => ({
    value:
      typeof extent === 'number'
        ? ({ case: 'dimValue', value: BigInt(extent) } as const)
        : ({ case: 'dimParam', value: extent } as const),
  }));
  const tensorType = { elemType: ELEMENTS[type].code, shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensorType } } });
}

function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if ('int' in value)
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE.INT, i: BigInt(value.int) });
  if ('ints' in value) {
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE.INTS, ints: value.ints.map(BigInt) });
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: ATTRIBUTE.FLOAT, f: value.float });
  const s = new TextEncoder().encode(value.text);
  return create(AttributeProtoSchema, { name, type: ATTRIBUTE.STRING, s });
}

export function nodeProto(parts: NodeParts): NodeProto {
  const attributes = Object.entries(parts.attributes ?? {});
  return create(NodeProtoSchema, {
    name: parts.name ?? parts.outputs[0] ?? parts.op,
    opType: parts.op,
    domain: parts.domain ?? '',
    input: [...parts.inputs],
    output: [...parts.outputs],
    attribute: attributes.map(([name, value]) => attributeProto(name, value)),
  });
}

/** The bytes of a model file. Its IR version is the oldest that has the types of the operator set. */
export function encodeModel({
  name,
  opset,
  domains = {},
  inputs,
  outputs,
  initializers,
  nodes,
}: ModelParts): Uint8Array {
  const graph = create(GraphProtoSchema, {
    name,
    input: [...inputs],
    output: [...outputs],
    initializer: [...initializers],
    node: [...nodes],
  });
  const versions = Object.entries({ '': opset, ...domains });
  const model = create(ModelProtoSchema, {
    irVersion: opset <= 18 ? 8n : 10n,
    producerName: 'cipherconv',
    graph,
    opsetImport: versions.map(([domain, version]) => ({ domain, version: BigInt(version) })),
  });
  return toBinary(ModelProtoSchema, model);
}
