import type { DenseTensor, NumericArray } from '../values.ts';
import type { Call } from './call.ts';
import {
  accumulatorType,
  inputZeroPoint,
  linearParts,
  PLACES,
  requantization,
  requireExactSums,
  requireLinearTypes,
} from './linearParts.ts';
import type { OperationOf } from './node.ts';
import type { LinearOperator } from './node.ts';
import { valuesOf } from './operator.ts';
import type { Compute } from './operator.ts';
import { requantized } from './requantize.ts';

/** Values of a linear operator's operands. */
export interface Operands {
  readonly input: NumericArray;
  /** Of the input. */
  readonly zeroPoint: number;
  readonly filter: NumericArray;
  readonly bias: NumericArray | null;
}

/**
 * A linear operator: what it sums, and the end that all of them have.
 * @param taps products of one sum
 * @param accumulate sums with bias, channels last
 */
export function prepareLinear(
  call: Call<OperationOf<LinearOperator>>,
  taps: number,
  accumulate: (operands: Operands) => Float64Array,
): Compute {
  const { operation, output, rounding } = call;
  const { op } = operation;
  const parts = linearParts(call, op);
  requireLinearTypes(call, parts);
  requireExactSums(call, taps, parts);
  const end = requantization(call, op, parts, operation.activation, accumulatorType(call, op, parts));
  const zeroPoint = inputZeroPoint(call, parts);
  const [input, filter, bias] = PLACES[op];
  return (inputs: readonly (DenseTensor | null)[]) =>
    requantized(
      accumulate({
        input: valuesOf(inputs, input).data,
        zeroPoint,
        filter: valuesOf(inputs, filter).data,
        bias: inputs[bias]?.data ?? null,
      }),
      output.type,
      rounding,
      end,
    );
}
