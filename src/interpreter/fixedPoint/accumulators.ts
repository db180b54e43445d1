import { elementCount } from '../../../compiler/base/tensor.ts';
import { malformed } from './call.ts';
import type { Call } from './call.ts';
import { inputOf } from './call.ts';
import { linearParts, requantization, requireLinearTypes } from './linearParts.ts';
import type { LinearParts } from './linearParts.ts';
import type { OperationOf } from './node.ts';
import { operator, valuesOf } from './operator.ts';
import { requantized } from './requantize.ts';

/** REQUANTIZE, which no file has: the end of a linear operator whose accumulators come from elsewhere. */

function partsOf(call: Call<OperationOf<'REQUANTIZE'>>): LinearParts {
  return linearParts(call, call.operation.of, [1, 2, 3]);
}

export const REQUANTIZE = operator('REQUANTIZE', {
  arity: [3, 4],
  reads: 1,
  shape: (call) => {
    const { channels } = partsOf(call);
    const { shape } = call.output;
    if (shape.at(-1) === channels && elementCount(shape) === elementCount(inputOf(call, 0).shape))
      return shape;
    throw malformed(
      call,
      'accumulators',
      `those of [${shape.join(', ')}]`,
      `[${inputOf(call, 0).shape.join(', ')}]`,
    );
  },
  prepare: (call) => {
    const { operation, output, rounding } = call;
    const parts = partsOf(call);
    requireLinearTypes(call, parts);
    const accumulator = operation.wide ? 'int64' : 'int32';
    const end = requantization(call, operation.of, parts, operation.activation, accumulator);
    return (inputs) => requantized(valuesOf(inputs, 0).data, output.type, rounding, end);
  },
});
