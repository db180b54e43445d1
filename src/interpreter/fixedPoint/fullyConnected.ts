import { elementCount } from '../../../compiler/base/tensor.ts';
import { malformed } from './call.ts';
import type { Call } from './call.ts';
import { linearParts } from './linearParts.ts';
import { prepareLinear } from './linearRule.ts';
import type { Operands } from './linearRule.ts';
import { operator } from './operator.ts';

/** FULLY_CONNECTED: rows of the flattened input times a filter [o, d]. */

interface Sizes {
  readonly rows: number;
  readonly channels: number;
  readonly depth: number;
}

function sizesOf(call: Call): Sizes {
  const { input, filter } = linearParts(call, 'FULLY_CONNECTED');
  const [channels, depth] = filter.shape;
  if (filter.shape.length !== 2 || channels === undefined || depth === undefined)
    throw malformed(call, 'shape of the filter', 'two axes', `[${filter.shape.join(', ')}]`);
  const count = elementCount(input.shape);
  if (count % depth !== 0)
    throw malformed(call, 'elements of the input', `a multiple of ${depth}`, String(count));
  return { rows: count / depth, channels, depth };
}

function accumulate(
  { rows, channels, depth }: Sizes,
  { input, zeroPoint, filter, bias }: Operands,
): Float64Array {
  const sums = new Float64Array(rows * channels);
  for (let row = 0; row < rows; row++)
    for (let channel = 0; channel < channels; channel++) {
      let sum = bias === null ? 0 : bias[channel]!;
      for (let d = 0; d < depth; d++)
        sum += filter[channel * depth + d]! * (input[row * depth + d]! - zeroPoint);
      sums[row * channels + channel] = sum;
    }
  return sums;
}

export const FULLY_CONNECTED = operator('FULLY_CONNECTED', {
  arity: [2, 3],
  // The output's shape is its own, [n, o] or that of the input but for the last axis (keep_num_dims): only the count matters.
  shape: (call) => {
    const { rows, channels } = sizesOf(call);
    const { shape } = call.output;
    if (shape.at(-1) === channels && elementCount(shape) === rows * channels) return shape;
    return [rows, channels];
  },
  products: (call) => {
    const { rows, channels, depth } = sizesOf(call);
    return rows * channels * depth;
  },
  prepare: (call) => {
    const sizes = sizesOf(call);
    return prepareLinear(call, sizes.depth, (operands) => accumulate(sizes, operands));
  },
});
