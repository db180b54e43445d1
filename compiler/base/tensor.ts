import { CipherconvError } from './errors.ts';

/**
 * A dense integer tensor in C order (last axis fastest). `data` holds exact integers below 2^53 in
 * magnitude, so doubles carry them without loss.
 */
export interface Tensor {
  /** Extents of the axes, the slowest first; empty for one value. */
  readonly shape: readonly number[];
  /** All values in C order, as many as the product of the extents. */
  readonly data: Float64Array;
}

/** Number of elements of a tensor of this shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/**
 * Makes a tensor and checks that the data fill the shape with safe integers.
 * @throws CipherconvError `malformed-tensor` when the count differs or a value is not a safe integer.
 */
export function makeTensor(shape: readonly number[], values: ArrayLike<number>): Tensor {
  const count = elementCount(shape);
  if (values.length !== count) {
    throw new CipherconvError({
      code: 'malformed-tensor',
      message: 'the number of values does not fill the shape',
      expected: `${count} values for shape [${shape.join(', ')}]`,
      found: `${values.length} values`,
    });
  }
  const data = Float64Array.from(values);
  const wrong = data.findIndex((value) => !Number.isSafeInteger(value));
  if (wrong >= 0) {
    throw new CipherconvError({
      code: 'malformed-tensor',
      message: 'a value is not an integer that a double can hold exactly',
      where: `data[${wrong}]`,
      expected: 'an integer below 2^53 in magnitude',
      found: String(data[wrong]),
    });
  }
  return { shape: [...shape], data };
}
