import { emptyArray } from './values.ts';
import type { DenseTensor } from './values.ts';
import { stridesOf, strided } from './moves.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';

/** Sums, extremes and shares along axes: in doubles, rounded to the type once at the end. */

/** The tensor as rows: the axes that stay, then those that are reduced. */
function rowsOf(
  input: DenseTensor,
  axes: ReadonlySet<number>,
): { readonly data: DenseTensor['data']; readonly rows: number; readonly length: number } {
  const order = [
    ...[...input.shape.keys()].filter((axis) => !axes.has(axis)),
    ...[...input.shape.keys()].filter((axis) => axes.has(axis)),
  ];
  const length = [...axes].reduce((product, axis) => product * input.shape[axis]!, 1);
  const steps = stridesOf(input.shape);
  const isInOrder = order.every((axis, index) => axis === index);
  const { data } = isInOrder
    ? input
    : strided(
        input,
        order.map((axis) => input.shape[axis]!),
        order.map((axis) => steps[axis]!),
      );
  return { data, rows: length === 0 ? 0 : data.length / length, length };
}

export type Reducer = (values: DenseTensor['data'], from: number, to: number) => number;

const sum = (values: DenseTensor['data'], from: number, to: number): number => {
  let total = 0;
  for (let index = from; index < to; index++) total += values[index]!;
  return total;
};
const squares: Reducer = (values, from, to) => {
  let total = 0;
  for (let index = from; index < to; index++) total += values[index]! * values[index]!;
  return total;
};
const exponentials: Reducer = (values, from, to) => {
  const most = maximum(values, from, to);
  let total = 0;
  for (let index = from; index < to; index++) total += Math.exp(values[index]! - most);
  return most + Math.log(total);
};
const maximum: Reducer = (values, from, to) => {
  let most = -Infinity;
  for (let index = from; index < to; index++) most = Math.max(most, values[index]!);
  return most;
};

export const REDUCERS = {
  ReduceSum: sum,
  ReduceMean: (values, from, to) => sum(values, from, to) / (to - from),
  ReduceMax: maximum,
  ReduceMin: (values, from, to) => {
    let least = Infinity;
    for (let index = from; index < to; index++) least = Math.min(least, values[index]!);
    return least;
  },
  ReduceProd: (values, from, to) => {
    let product = 1;
    for (let index = from; index < to; index++) product *= values[index]!;
    return product;
  },
  ReduceL1: (values, from, to) => {
    let total = 0;
    for (let index = from; index < to; index++) total += Math.abs(values[index]!);
    return total;
  },
  ReduceL2: (values, from, to) => Math.sqrt(squares(values, from, to)),
  ReduceSumSquare: squares,
  ReduceLogSum: (values, from, to) => Math.log(sum(values, from, to)),
  ReduceLogSumExp: exponentials,
} satisfies Record<string, Reducer>;

/** Position of the largest or smallest; of equal ones the first, or the last. */
export function extremePosition(sign: 1 | -1, takesLast: boolean): Reducer {
  return (values, from, to) => {
    let best = from;
    for (let index = from + 1; index < to; index++) {
      const gain = sign * (values[index]! - values[best]!);
      if (gain > 0 || (takesLast && gain === 0)) best = index;
    }
    return best - from;
  };
}

export function reduced(
  input: DenseTensor,
  axes: ReadonlySet<number>,
  type: ElementType,
  reducer: Reducer,
): DenseTensor['data'] {
  const { data: values, rows, length } = rowsOf(input, axes);
  const data = emptyArray(type, rows);
  for (let row = 0; row < rows; row++) data[row] = reducer(values, row * length, (row + 1) * length);
  return data;
}

/**
 * e^(x - max) / sum of e^(x - max) along the last `length` elements of each row; x - max is rounded to float32, the rest once.
 * @param isLog the logarithm: x - max - log(sum)
 */
export function softmax(input: DenseTensor, length: number, isLog: boolean): DenseTensor {
  const { data: values, type, shape } = input;
  const data = emptyArray(type, values.length);
  const shares = new Float64Array(length);
  for (let from = 0; from < values.length; from += length) {
    const most = maximum(values, from, from + length);
    let total = 0;
    for (let index = 0; index < length; index++) {
      const shifted = Math.fround(values[from + index]! - most);
      const share = Math.exp(shifted);
      shares[index] = isLog ? shifted : share;
      total += share;
    }
    const logarithm = Math.log(total);
    for (let index = 0; index < length; index++)
      data[from + index] = isLog ? shares[index]! - logarithm : shares[index]! / total;
  }
  return { type, shape, data };
}
