import type { NumericArray } from '../../interpreter/values.ts';
import { ELEMENTS } from '../onnx/proto/codes.ts';
import type { ElementType } from '../onnx/proto/codes.ts';
import { unsupported } from '../onnx/refusal.ts';

/** Elements of constants as little-endian bytes, in files of models and of plans. */

/**
 * @param bytes as many as `count` elements take; those of one byte each are looked at where they lie
 * @throws CipherconvError `unsupported` for other types, and 64-bit integers that a double does not hold
 */
export function elementsOf(type: ElementType, bytes: Uint8Array, count: number, where: string): NumericArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'int8':
      return new Int8Array(bytes.buffer, bytes.byteOffset, count);
    case 'uint8':
    case 'bool':
      return bytes;
    case 'int16':
      return Int16Array.from({ length: count }, (_, index) => view.getInt16(2 * index, true));
    case 'int32':
      return Int32Array.from({ length: count }, (_, index) => view.getInt32(4 * index, true));
    case 'float32':
      return Float32Array.from({ length: count }, (_, index) => view.getFloat32(4 * index, true));
    case 'int64':
      return Float64Array.from({ length: count }, (_, index) =>
        safe(view.getBigInt64(8 * index, true), where),
      );
    default:
      throw unsupported({ where, message: `not supported yet: constants of ${type}` });
  }
}

function safe(value: bigint, where: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw unsupported({
    where,
    message: 'not supported yet: 64-bit integers of this size',
    expected: 'below 2^53 in magnitude',
    found: String(value),
  });
}

/** The same elements, written. */
export function bytesOf(type: ElementType, data: NumericArray): Uint8Array {
  const width = ELEMENTS[type].bits / 8;
  const bytes = new Uint8Array(data.length * width);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < data.length; index++) setElement(view, index * width, type, data[index]!);
  return bytes;
}

function setElement(view: DataView, position: number, type: ElementType, value: number): void {
  switch (type) {
    case 'int16':
      view.setInt16(position, value, true);
      break;
    case 'int32':
      view.setInt32(position, value, true);
      break;
    case 'float32':
      view.setFloat32(position, value, true);
      break;
    case 'int64':
      view.setBigInt64(position, BigInt(value), true);
      break;
    default:
      view.setInt8(position, value);
  }
}
