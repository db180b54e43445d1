import { elementCount } from '../../../compiler/base/tensor.ts';
import { emptyArray } from '../values.ts';
import type { NumericArray } from '../values.ts';
import { activationRange } from './activation.ts';
import { gridOf, inputOf, requireTypes, SAME_INTEGERS } from './call.ts';
import type { Call } from './call.ts';
import type { OperationOf } from './node.ts';
import { operator, valuesOf } from './operator.ts';
import type { Compute } from './operator.ts';
import { windowAxes } from './windows.ts';
import type { Axis } from './windows.ts';

/** Pools over windows of [n, h, w, c]. Positions outside of the image do not count. */

type Pool = OperationOf<'AVERAGE_POOL_2D' | 'MAX_POOL_2D'>;

/** Takes the values of a window one by one. */
interface Reducer {
  readonly start: number;
  readonly next: (soFar: number, value: number) => number;
  /** @param count values of the window */
  readonly end: (total: number, count: number) => number;
}

/** (S + n/2) / n, away from zero for halves: C's division, which drops the fraction. Zero points are not taken off. */
const AVERAGE: Reducer = {
  start: 0,
  next: (total, value) => total + value,
  end: (total, count) => {
    const half = Math.floor(count / 2);
    return Math.trunc((total > 0 ? total + half : total - half) / count);
  },
};

const MAXIMUM: Reducer = {
  start: -Infinity,
  next: (most, value) => (value > most ? value : most),
  end: (most) => most,
};

function axesOf(call: Call<Pool>): readonly [Axis, Axis] {
  const { operation } = call;
  return windowAxes(call, inputOf(call, 0).shape, operation.window, operation);
}

function pool(reducer: Reducer) {
  return {
    arity: [1, 1] as const,
    shape: (call: Call<Pool>) => {
      const [rows, columns] = axesOf(call);
      const [batch, , , channels] = inputOf(call, 0).shape as [number, number, number, number];
      return [batch, rows.outputs, columns.outputs, channels];
    },
    products: (call: Call<Pool>) => {
      const [rows, columns] = axesOf(call);
      return elementCount(call.output.shape) * rows.kernel * columns.kernel;
    },
    prepare: (call: Call<Pool>): Compute => {
      requireTypes(call, SAME_INTEGERS);
      const [rows, columns] = axesOf(call);
      const { output, operation } = call;
      const { lo, hi } = activationRange(operation.activation, output.type, gridOf(call, output, 'output'));
      const { shape } = inputOf(call, 0);
      return (inputs) => {
        const pooled = poolOver(valuesOf(inputs, 0).data, shape, [rows, columns], reducer);
        const data = emptyArray(output.type, pooled.length);
        pooled.forEach((value, index) => {
          data[index] = value < lo ? lo : value > hi ? hi : value;
        });
        return data;
      };
    },
  };
}

function poolOver(
  input: NumericArray,
  shape: readonly number[],
  [rows, columns]: readonly [Axis, Axis],
  { start, next, end }: Reducer,
): Float64Array {
  const [batch, , , channels] = shape as [number, number, number, number];
  const pooled = new Float64Array(batch * rows.outputs * columns.outputs * channels);
  let out = 0;
  for (let image = 0; image < batch; image++)
    for (let y = 0; y < rows.outputs; y++)
      for (let x = 0; x < columns.outputs; x++) {
        const top = y * rows.stride - rows.before;
        const left = x * columns.stride - columns.before;
        const [firstRow, lastRow] = [Math.max(top, 0), Math.min(top + rows.kernel, rows.size)];
        const [first, last] = [Math.max(left, 0), Math.min(left + columns.kernel, columns.size)];
        const count = (lastRow - firstRow) * (last - first);
        for (let channel = 0; channel < channels; channel++) {
          let total = start;
          for (let row = firstRow; row < lastRow; row++)
            for (let column = first; column < last; column++)
              total = next(
                total,
                input[((image * rows.size + row) * columns.size + column) * channels + channel]!,
              );
          pooled[out++] = end(total, count);
        }
      }
  return pooled;
}

export const AVERAGE_POOL_2D = operator('AVERAGE_POOL_2D', pool(AVERAGE));
export const MAX_POOL_2D = operator('MAX_POOL_2D', pool(MAXIMUM));
