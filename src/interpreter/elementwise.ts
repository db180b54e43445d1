import { elementCount } from '../../compiler/base/tensor.ts';
import { broadcastSteps, strided } from './moves.ts';
import { emptyArray, isInteger } from './values.ts';
import type { DenseTensor, NumericArray } from './values.ts';

/**
 * Arithmetic element by element. Doubles carry each operation, and the result is rounded once to its type by the array
 * that it is put in: for + - * / and square roots that is what float32 arithmetic gives. Integers wrap.
 */

/** One value of another, rounded to the type. */
export function mapped(input: DenseTensor, compute: (value: number) => number): DenseTensor {
  const { type, shape, data: values } = input;
  const data = emptyArray(type, values.length);
  for (let index = 0; index < data.length; index++) data[index] = compute(values[index]!);
  return { type, shape, data };
}

/** max(lo, min(hi, x)); a NaN stays, and -0 is the bound where that is 0. */
export function clamped(input: DenseTensor, lo: number, hi: number): DenseTensor {
  const { type, shape, data: values } = input;
  const data = emptyArray(type, values.length);
  for (let index = 0; index < data.length; index++) {
    const value = values[index]!;
    data[index] = value <= lo ? lo : value >= hi ? hi : value;
  }
  return { type, shape, data };
}

export type Arithmetic = 'add' | 'subtract' | 'multiply' | 'divide' | 'minimum' | 'maximum';

/**
 * Two tensors that broadcast to `shape`. Integer division drops the fraction (towards zero).
 * @returns of the left operand's type
 */
export function combined(
  operation: Arithmetic,
  left: DenseTensor,
  right: DenseTensor,
  shape: readonly number[],
): DenseTensor {
  const { type } = left;
  const a = spreadTo(left, shape);
  const b = spreadTo(right, shape);
  const data = emptyArray(type, elementCount(shape));
  // A single value stands for all: its step is 0.
  const stepA = a.length === data.length ? 1 : 0;
  const stepB = b.length === data.length ? 1 : 0;
  const whole = isInteger(type);
  compute(operation, whole, { a, b, stepA, stepB }, data);
  return { type, shape: [...shape], data };
}

/** The elements in the broadcast shape, or a single one for all. */
function spreadTo(tensor: DenseTensor, shape: readonly number[]): NumericArray {
  const { data } = tensor;
  if (data.length === 1) return data;
  if (tensor.shape.join() === shape.join()) return data;
  return strided(tensor, shape, broadcastSteps(tensor.shape, shape)).data;
}

interface Operands {
  readonly a: NumericArray;
  readonly b: NumericArray;
  readonly stepA: 0 | 1;
  readonly stepB: 0 | 1;
}

function compute(
  operation: Arithmetic,
  whole: boolean,
  { a, b, stepA, stepB }: Operands,
  out: NumericArray,
): void {
  const count = out.length;
  switch (operation) {
    case 'add':
      for (let i = 0; i < count; i++) out[i] = a[i * stepA]! + b[i * stepB]!;
      return;
    case 'subtract':
      for (let i = 0; i < count; i++) out[i] = a[i * stepA]! - b[i * stepB]!;
      return;
    case 'multiply':
      // A product of 32-bit integers does not fit a double; of it only the low 32 bits are wanted.
      if (whole && !(out instanceof Float64Array))
        for (let i = 0; i < count; i++) out[i] = Math.imul(a[i * stepA]!, b[i * stepB]!);
      else for (let i = 0; i < count; i++) out[i] = a[i * stepA]! * b[i * stepB]!;
      return;
    case 'divide':
      if (whole) for (let i = 0; i < count; i++) out[i] = Math.trunc(a[i * stepA]! / b[i * stepB]!);
      else for (let i = 0; i < count; i++) out[i] = a[i * stepA]! / b[i * stepB]!;
      return;
    case 'minimum':
      for (let i = 0; i < count; i++) out[i] = Math.min(a[i * stepA]!, b[i * stepB]!);
      return;
    case 'maximum':
      for (let i = 0; i < count; i++) out[i] = Math.max(a[i * stepA]!, b[i * stepB]!);
      return;
  }
}

/** Any function of two values, both in the broadcast shape. */
export function pairwise(
  left: DenseTensor,
  right: DenseTensor,
  output: Pick<DenseTensor, 'type' | 'shape'>,
  compute: (left: number, right: number) => number,
): DenseTensor {
  const a = strided(left, output.shape, broadcastSteps(left.shape, output.shape)).data;
  const b = strided(right, output.shape, broadcastSteps(right.shape, output.shape)).data;
  const data = emptyArray(output.type, a.length);
  for (let index = 0; index < data.length; index++) data[index] = compute(a[index]!, b[index]!);
  return { ...output, data };
}
