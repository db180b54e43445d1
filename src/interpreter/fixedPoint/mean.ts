import { elementCount } from '../../../compiler/base/tensor.ts';
import { reduced, REDUCERS } from '../reduce.ts';
import { emptyArray, typeRange } from '../values.ts';
import { axisOf, constantOf, gridOf, inputOf, multiplierFor, requireTypes, SAME_INTEGERS } from './call.ts';
import type { Call } from './call.ts';
import type { Multiplier } from './numbers.ts';
import { operator, valuesOf } from './operator.ts';
import { SCALES } from './requantize.ts';

/** MEAN over any axes. */

function axesOf(call: Call, values: Iterable<number>): Set<number> {
  const rank = inputOf(call, 0).shape.length;
  return new Set([...values].map((axis) => axisOf(call, axis, rank)));
}

/** The ratio of scales over n: k = min(floor(log2 n), 32, 31 + s); m' = (m 2^k) / n, s' = s - k. The product has 63 bits. */
export function meanMultiplier({ multiplier, shift }: Multiplier, count: number): Multiplier {
  const bits = Math.min(31 - Math.clz32(count), 32, 31 + shift);
  return { multiplier: Number((BigInt(multiplier) << BigInt(bits)) / BigInt(count)), shift: shift - bits };
}

export const MEAN = operator('MEAN', {
  arity: [2, 2],
  shape: (call, constants) => {
    const axes = axesOf(call, constantOf(call, constants, 1));
    const { shape } = inputOf(call, 0);
    if (call.operation.keepDims) return shape.map((extent, axis) => (axes.has(axis) ? 1 : extent));
    return shape.filter((_, axis) => !axes.has(axis));
  },
  prepare: (call) => {
    requireTypes(call, SAME_INTEGERS);
    const { output } = call;
    const [from, to] = [gridOf(call, inputOf(call, 0), 'input'), gridOf(call, output, 'output')];
    const ratio = multiplierFor(call, from.scale / to.scale);
    const { lo, hi } = typeRange(output.type);
    const scale = SCALES[call.rounding];
    return (inputs) => {
      const input = valuesOf(inputs, 0);
      const axes = axesOf(call, valuesOf(inputs, 1).data);
      const count = elementCount([...axes].map((axis) => input.shape[axis]!));
      const { multiplier, shift } = meanMultiplier(ratio, count);
      const sums = reduced(input, axes, 'double', REDUCERS.ReduceSum);
      const data = emptyArray(output.type, sums.length);
      for (let index = 0; index < data.length; index++) {
        const sum = (sums[index]! - count * from.zeroPoint) | 0;
        data[index] = Math.max(lo, Math.min(hi, scale(sum, multiplier, shift) + to.zeroPoint));
      }
      return data;
    };
  },
});
