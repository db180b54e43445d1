import { CipherconvError } from '../../compiler/base/errors.ts';
import type { DenseTensor } from '../interpreter/values.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';

/** Tensors as ONNX has them, between the parts of a model: an element type, a shape, the elements in C order. */

/** Arrays that hold the elements: 64-bit integers as bigints, 4 and 2-bit ones and bool with a byte each. */
export type Elements =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

interface CrossingType {
  readonly make: (values: ArrayLike<number>) => Elements;
  /** What a value must lie in; null for floating point. */
  readonly range: readonly [bigint, bigint] | null;
}

function integers(
  bits: number,
  signed: boolean,
  make: (values: ArrayLike<number>) => Elements,
): CrossingType {
  const range: [bigint, bigint] = signed
    ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
    : [0n, 2n ** BigInt(bits) - 1n];
  return { make, range };
}

function bigIntegers(values: ArrayLike<number>): bigint[] {
  return Array.from(values, BigInt);
}

const TYPES = Object.freeze({
  float32: { make: (values) => Float32Array.from(values), range: null },
  double: { make: (values) => Float64Array.from(values), range: null },
  uint8: integers(8, false, (values) => Uint8Array.from(values)),
  int8: integers(8, true, (values) => Int8Array.from(values)),
  uint16: integers(16, false, (values) => Uint16Array.from(values)),
  int16: integers(16, true, (values) => Int16Array.from(values)),
  int32: integers(32, true, (values) => Int32Array.from(values)),
  int64: integers(64, true, (values) => BigInt64Array.from(bigIntegers(values))),
  bool: integers(1, false, (values) => Uint8Array.from(values)),
  uint32: integers(32, false, (values) => Uint32Array.from(values)),
  uint64: integers(64, false, (values) => BigUint64Array.from(bigIntegers(values))),
  int4: integers(4, true, (values) => Int8Array.from(values)),
  uint4: integers(4, false, (values) => Uint8Array.from(values)),
  int2: integers(2, true, (values) => Int8Array.from(values)),
  uint2: integers(2, false, (values) => Uint8Array.from(values)),
} satisfies Record<CrossingElement, CrossingType>);

/** The element types that may cross between the parts of a model, and enter and leave it. */
export type CrossingElement = Exclude<ElementType, 'float16' | 'bfloat16'>;

export const CROSSING_ELEMENTS = Object.freeze([
  'float32',
  'double',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'bool',
  'uint32',
  'uint64',
  'int4',
  'uint4',
  'int2',
  'uint2',
] as const satisfies readonly CrossingElement[]);

/** A dense tensor of any element type that may enter or leave a model. */
export interface TypedTensor {
  /** Element type as ONNX names it. */
  readonly type: CrossingElement;
  /** Extents of the axes, the slowest first; empty for a scalar. */
  readonly shape: readonly number[];
  /** Elements in C order, in the array of the type; 4 and 2-bit integers and bool have a byte each. */
  readonly data: Elements;
}

export function canCross(type: ElementType): type is CrossingElement {
  return Object.hasOwn(TYPES, type);
}

/** @throws CipherconvError `unsupported` for a type that only lives inside a model. */
export function requireCrossing(type: ElementType, where: string): CrossingElement {
  if (canCross(type)) return type;
  throw new CipherconvError({
    code: 'unsupported',
    where,
    message: `not supported yet: tensors of ${type} between the parts of a model`,
    expected: CROSSING_ELEMENTS.join(', '),
  });
}

export function isFloating(type: CrossingElement): boolean {
  return TYPES[type].range === null;
}

/**
 * A tensor of any element type from numbers, checked.
 * @throws CipherconvError `out-of-range` naming the first value that the type does not hold, `malformed-tensor` for a
 * wrong count.
 */
export function typedTensor(
  type: CrossingElement,
  shape: readonly number[],
  values: ArrayLike<number>,
  where: string,
): TypedTensor {
  const count = elementCount(shape);
  if (values.length !== count) {
    throw new CipherconvError({
      code: 'malformed-tensor',
      where,
      message: 'the number of values does not fill the shape',
      expected: `${count} values for shape [${shape.join(', ')}]`,
      found: `${values.length} values`,
    });
  }
  const { range, make } = TYPES[type];
  if (range !== null) {
    const [lo, hi] = range;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (Number.isInteger(value) && BigInt(value) >= lo && BigInt(value) <= hi) continue;
      throw new CipherconvError({
        code: 'out-of-range',
        where: `${where}[${index}]`,
        message: `a value that ${type} does not hold`,
        expected: `an integer from ${lo} to ${hi}`,
        found: String(value),
      });
    }
  }
  return { type, shape: [...shape], data: make(values) };
}

/**
 * The elements as doubles.
 * @throws CipherconvError `out-of-range` for 64-bit integers that a double does not hold exactly.
 */
export function toDoubles(tensor: TypedTensor, where: string): Float64Array {
  const { data } = tensor;
  if (!(data instanceof BigInt64Array) && !(data instanceof BigUint64Array)) return Float64Array.from(data);
  return Float64Array.from(data as Iterable<bigint>, (value) => {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new CipherconvError({
      code: 'out-of-range',
      where,
      message: 'an integer too large to be exact',
      expected: 'integers below 2^53 in magnitude',
      found: String(value),
    });
  });
}

/** As the interpreter has it. @throws CipherconvError as `toDoubles`. */
export function toDense(tensor: TypedTensor, where: string): DenseTensor {
  const { type, shape, data } = tensor;
  const isWide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  return { type, shape, data: isWide ? toDoubles(tensor, where) : data };
}

/** As it crosses between the parts of a model. @throws CipherconvError `unsupported` for types that do not cross. */
export function fromDense({ type, shape, data }: DenseTensor, where: string): TypedTensor {
  const crossing = requireCrossing(type, where);
  const elements = crossing === 'int64' || crossing === 'uint64' ? TYPES[crossing].make(data) : data;
  return { type: crossing, shape, data: elements };
}
