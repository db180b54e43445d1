import { create, toBinary } from '@bufbuild/protobuf';
import { elementCount } from '../../../../compiler/base/tensor.ts';
import { MAX_TENSOR_BYTES } from '../limits.ts';
import { ELEMENTS, elementTypeOf, EXTERNAL } from './codes.ts';
import type { ElementType } from './codes.ts';
import type { ExternalReader } from './externalReader.ts';
import { TensorProtoSchema } from './onnx_pb.ts';
import type { TensorProto } from './onnx_pb.ts';
import { readProto } from './readProto.ts';
import { malformed, unsupported } from '../refusal.ts';
import type { NumericArray } from '../../../interpreter/values.ts';
import type { OnnxTensor } from '../types.ts';
import { emptyArray } from '../../../interpreter/values.ts';

/**
 * Values of a TensorProto: raw, typed or external. Every length is compared with the bytes there are before anything is
 * allocated: dims can claim any size.
 * @param where name for messages
 * @throws CipherconvError `malformed-model`, or `unsupported` for element types that cannot be read.
 */
export function decodeTensor(proto: TensorProto, where: string, external: ExternalReader): OnnxTensor {
  const type = elementTypeOf(proto.dataType);
  if (type === null) {
    throw unsupported({
      where,
      message: `not supported yet: tensors of data type ${proto.dataType}`,
      expected: Object.keys(ELEMENTS).join(', '),
    });
  }
  const shape = shapeOf(proto.dims, where);
  const count = elementCount(shape);
  const { bits } = ELEMENTS[type];
  const byteLength = Math.ceil((count * bits) / 8);
  if (count * Math.max(bits, 8) > MAX_TENSOR_BYTES * 8) {
    throw unsupported({
      where,
      message: 'not supported yet: tensors of this size',
      expected: `at most ${MAX_TENSOR_BYTES} bytes`,
      found: `[${shape.join(', ')}] of ${type}`,
    });
  }
  if (proto.segment !== undefined)
    throw unsupported({ where, message: 'not supported yet: tensors in segments' });
  if (proto.dataLocation === EXTERNAL)
    return { type, shape, data: fromRaw(external(proto, byteLength, where), type, count) };
  return { type, shape, data: inlineData(proto, { type, shape, count, byteLength, where }) };
}

interface Expected {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly count: number;
  readonly byteLength: number;
  readonly where: string;
}

function shapeOf(dims: readonly bigint[], where: string): number[] {
  const wrong = dims.findIndex((extent) => extent < 0n || extent > BigInt(Number.MAX_SAFE_INTEGER));
  if (wrong < 0) return dims.map(Number);
  throw malformed({
    where,
    message: `extent ${wrong} is out of range`,
    expected: 'at least 0, below 2^53',
    found: String(dims[wrong]),
  });
}

function inlineData(proto: TensorProto, expected: Expected): NumericArray {
  const { type, count, byteLength, shape, where } = expected;
  const typed = typedValues(proto, type);
  const raw = proto.rawData;
  if (raw.length > 0 && typed.length > 0)
    throw malformed({ where, message: 'values both as raw and as typed data', expected: 'one of them' });
  const text = `for shape [${shape.join(', ')}] of ${type}`;
  if (typed.length === 0) {
    if (raw.length === byteLength) return fromRaw(raw, type, count);
    throw malformed({
      where,
      message: 'the values do not fill the shape',
      expected: `${byteLength} bytes ${text}`,
      found: `${raw.length} bytes`,
    });
  }
  const perEntry = Math.max(1, Math.floor(8 / ELEMENTS[type].bits));
  const entries = Math.ceil(count / perEntry);
  if (typed.length !== entries) {
    throw malformed({
      where,
      message: 'the values do not fill the shape',
      expected: `${entries} values ${text}`,
      found: `${typed.length} values`,
    });
  }
  return fromTyped(typed, expected);
}

/** The field that holds typed values of this type (onnx.proto, comments of TensorProto). */
function typedValues(proto: TensorProto, type: ElementType): readonly number[] | readonly bigint[] {
  switch (type) {
    case 'float32':
      return proto.floatData;
    case 'double':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
    case 'uint64':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

/** Entries of int32_data: one value each, 16-bit floats as their bits, 4 and 2-bit integers packed in one byte. */
function fromTyped(
  values: readonly number[] | readonly bigint[],
  { type, count, where }: Expected,
): NumericArray {
  const { bits, kind } = ELEMENTS[type];
  if (bits < 8) return unpack(Uint8Array.from(values as readonly number[]), type, count);
  if (type === 'float16' || type === 'bfloat16')
    return fromRaw(new Uint8Array(Uint16Array.from(values as readonly number[]).buffer), type, count);
  const data = emptyArray(type, count);
  for (let index = 0; index < count; index++) {
    const value = Number(values[index]!);
    data[index] = value;
    if (kind !== 'float' && bits <= 32 && data[index] !== value) {
      throw malformed({
        where,
        message: `value ${index} is out of range`,
        expected: `a value of ${type}`,
        found: String(value),
      });
    }
  }
  return data;
}

/** Raw data are little-endian, as every machine that runs WebAssembly at speed; bytes are not copied. */
function fromRaw(bytes: Uint8Array, type: ElementType, count: number): NumericArray {
  switch (type) {
    case 'uint8':
    case 'bool':
      return bytes;
    case 'int8':
      return new Int8Array(bytes.buffer, bytes.byteOffset, count);
    case 'uint4':
    case 'int4':
    case 'uint2':
    case 'int2':
      return unpack(bytes, type, count);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[type];
  const data = emptyArray(type, count);
  const width = ELEMENTS[type].bits / 8;
  for (let index = 0; index < count; index++) data[index] = read(view, index * width);
  return data;
}

type WideType = Exclude<ElementType, 'uint8' | 'bool' | 'int8' | 'uint4' | 'int4' | 'uint2' | 'int2'>;

const READERS: Readonly<Record<WideType, (view: DataView, offset: number) => number>> = {
  float32: (view, offset) => view.getFloat32(offset, true),
  double: (view, offset) => view.getFloat64(offset, true),
  float16: (view, offset) => halfToNumber(view.getUint16(offset, true)),
  bfloat16: (view, offset) => bfloatToNumber(view.getUint16(offset, true)),
  int16: (view, offset) => view.getInt16(offset, true),
  uint16: (view, offset) => view.getUint16(offset, true),
  int32: (view, offset) => view.getInt32(offset, true),
  uint32: (view, offset) => view.getUint32(offset, true),
  int64: (view, offset) => Number(view.getBigInt64(offset, true)),
  uint64: (view, offset) => Number(view.getBigUint64(offset, true)),
};

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const sign = half >= 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(half >> 10) & 0x1f, half & 0x3ff];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The high half of a 32-bit float. */
function bfloatToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits * 65536);
  return view.getFloat32(0);
}

/** 4 or 2-bit integers, the first in the lowest bits of a byte. */
function unpack(bytes: Uint8Array, type: ElementType, count: number): NumericArray {
  const { bits, kind } = ELEMENTS[type];
  const perByte = 8 / bits;
  const data = emptyArray(type, count);
  for (let index = 0; index < count; index++) {
    const value = (bytes[Math.floor(index / perByte)]! >> ((index % perByte) * bits)) & (2 ** bits - 1);
    data[index] = kind === 'signed' && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  }
  return data;
}

/**
 * Reads a TensorProto file (.pb).
 * @throws CipherconvError as `decodeTensor`; external data are refused.
 */
export function decodeTensorFile(bytes: Uint8Array, file: string): OnnxTensor {
  const proto = readProto(TensorProtoSchema, bytes, file, 'an ONNX TensorProto');
  return decodeTensor(proto, file, () => {
    throw unsupported({ where: file, message: 'not supported yet: tensor files with external data' });
  });
}

const WRITERS: Readonly<
  Partial<Record<ElementType, (view: DataView, offset: number, value: number) => void>>
> = {
  float32: (view, offset, value) => {
    view.setFloat32(offset, value, true);
  },
  double: (view, offset, value) => {
    view.setFloat64(offset, value, true);
  },
  uint8: (view, offset, value) => {
    view.setUint8(offset, value);
  },
  bool: (view, offset, value) => {
    view.setUint8(offset, value);
  },
  int8: (view, offset, value) => {
    view.setInt8(offset, value);
  },
  int16: (view, offset, value) => {
    view.setInt16(offset, value, true);
  },
  uint16: (view, offset, value) => {
    view.setUint16(offset, value, true);
  },
  int32: (view, offset, value) => {
    view.setInt32(offset, value, true);
  },
  uint32: (view, offset, value) => {
    view.setUint32(offset, value, true);
  },
  int64: (view, offset, value) => {
    view.setBigInt64(offset, BigInt(value), true);
  },
  uint64: (view, offset, value) => {
    view.setBigUint64(offset, BigInt(value), true);
  },
};

/**
 * A TensorProto with raw data. 4 and 2-bit integers are packed.
 * @throws CipherconvError `unsupported` for types that are only read (float16, bfloat16).
 */
export function toTensorProto(tensor: OnnxTensor, name: string): TensorProto {
  const { type, shape, data } = tensor;
  const base = { name, dataType: ELEMENTS[type].code, dims: shape.map(BigInt) };
  const { bits } = ELEMENTS[type];
  if (bits < 8) {
    const perByte = 8 / bits;
    const rawData = new Uint8Array(Math.ceil(data.length / perByte));
    data.forEach((value: number, index: number) => {
      rawData[Math.floor(index / perByte)]! |= (value & (2 ** bits - 1)) << ((index % perByte) * bits);
    });
    return create(TensorProtoSchema, { ...base, rawData });
  }
  const write = WRITERS[type];
  if (write === undefined) throw unsupported({ where: name, message: `not supported yet: writing ${type}` });
  const width = bits / 8;
  const rawData = new Uint8Array(data.length * width);
  const view = new DataView(rawData.buffer);
  data.forEach((value: number, index: number) => {
    write(view, index * width, value);
  });
  return create(TensorProtoSchema, { ...base, rawData });
}

/** Bytes of a TensorProto file (.pb). */
export function encodeTensorFile(tensor: OnnxTensor, name: string): Uint8Array {
  return toBinary(TensorProtoSchema, toTensorProto(tensor, name));
}
