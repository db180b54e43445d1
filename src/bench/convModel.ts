/**
 * A minimal ONNX model file with one convolution, for the comparison with onnxruntime: just enough of the protocol
 * buffers' wire format (https://protobuf.dev/programming-guides/encoding/) and of onnx.proto3 to write it.
 */

const VARINT = 0;
const LENGTH = 2;

/** onnx.proto3, TensorProto.DataType. */
export const ELEMENT = Object.freeze({ float: 1, uint8: 2, int32: 6 });

/** onnx.proto3, AttributeProto.AttributeType. */
const INTS = 7;

interface Weights {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  /** Little-endian elements. */
  readonly data: Float32Array | Uint8Array;
}

export interface ConvModel {
  readonly operator: 'Conv' | 'ConvInteger';
  readonly inputs: readonly string[];
  readonly input: { readonly type: number; readonly shape: readonly number[] };
  readonly output: { readonly type: number; readonly shape: readonly number[] };
  readonly pads: readonly number[];
  readonly strides: readonly number[];
  readonly initializers: readonly Weights[];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8 + VARINT), ...varint(value)];
}

function block(field: number, content: ArrayLike<number>): number[] {
  return [...varint(field * 8 + LENGTH), ...varint(content.length), ...Array.from(content)];
}

function text(field: number, value: string): number[] {
  return block(field, new TextEncoder().encode(value));
}

/** ValueInfoProto. */
function valueInfo(name: string, { type, shape }: ConvModel['input']): number[] {
  const dimensions = shape.flatMap((extent) => block(1, integer(1, extent)));
  return [...text(1, name), ...block(2, block(1, [...integer(1, type), ...block(2, dimensions)]))];
}

/** AttributeProto. */
function integers(name: string, values: readonly number[]): number[] {
  return [...text(1, name), ...values.flatMap((value) => integer(8, value)), ...integer(20, INTS)];
}

/** TensorProto. */
function tensor({ name, type, shape, data }: Weights): number[] {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [
    ...shape.flatMap((extent) => integer(1, extent)),
    ...integer(2, type),
    ...text(8, name),
    ...block(9, raw),
  ];
}

/** ModelProto, IR version 8, opset 13: input `x`, output `y`. */
export function encodeConvModel(model: ConvModel): Uint8Array {
  const node = [
    ...model.inputs.flatMap((name) => text(1, name)),
    ...text(2, 'y'),
    ...text(4, model.operator),
    ...block(5, integers('pads', model.pads)),
    ...block(5, integers('strides', model.strides)),
  ];
  const graph = [
    ...block(1, node),
    ...text(2, 'bench'),
    ...model.initializers.flatMap((weights) => block(5, tensor(weights))),
    ...block(11, valueInfo('x', model.input)),
    ...block(12, valueInfo('y', model.output)),
  ];
  return Uint8Array.from([...integer(1, 8), ...block(7, graph), ...block(8, integer(2, 13))]);
}
