import { datatypeRange } from '../../compiler/base/interval.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';

/**
 * Tensors as the interpreter has them: an element type, a shape, the elements in C order. Nothing here knows how a model
 * was written down.
 */
export interface DenseTensor {
  /** Element type as ONNX names it. */
  readonly type: ElementType;
  /** Extents of the axes, the slowest first; empty for a scalar. */
  readonly shape: readonly number[];
  /** Elements in C order. */
  readonly data: NumericArray;
}

/** 64-bit integers are doubles, 16-bit floats are 32-bit ones, and 4 and 2-bit integers have a byte each. */
export type NumericArray =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** An array for `count` values of this type; 64-bit integers become doubles, 16-bit floats become 32-bit ones. */
export function emptyArray(type: ElementType, count: number): NumericArray {
  switch (type) {
    case 'float32':
    case 'float16':
    case 'bfloat16':
      return new Float32Array(count);
    case 'double':
    case 'int64':
    case 'uint64':
      return new Float64Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'uint32':
      return new Uint32Array(count);
    case 'int16':
      return new Int16Array(count);
    case 'uint16':
      return new Uint16Array(count);
    case 'int8':
    case 'int4':
    case 'int2':
      return new Int8Array(count);
    case 'uint8':
    case 'bool':
    case 'uint4':
    case 'uint2':
      return new Uint8Array(count);
  }
}

/** Whether it is a type of integers; bool is one of 0 and 1. */
export function isInteger(type: ElementType): boolean {
  return ELEMENTS[type].kind !== 'float';
}

/** What a type of integers holds. */
export function typeRange(type: ElementType): Interval {
  return datatypeRange(ELEMENTS[type].bits, ELEMENTS[type].kind === 'signed');
}

/** The elements as doubles with a zero point taken off. */
export function centred(data: NumericArray, zeroPoint = 0): Float64Array {
  const values = new Float64Array(data.length);
  for (let index = 0; index < values.length; index++) values[index] = data[index]! - zeroPoint;
  return values;
}
