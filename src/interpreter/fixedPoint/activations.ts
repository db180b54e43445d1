import { emptyArray, typeRange } from '../values.ts';
import type { Interval } from '../../../compiler/base/interval.ts';
import { quantizedValue, rangeBetween } from './activation.ts';
import {
  gridOf,
  inputOf,
  multiplierFor,
  requireSymmetric,
  requireTypes,
  SAME_INTEGERS,
  sameShape,
  unsupported,
} from './call.ts';
import type { Call, Grid } from './call.ts';
import type { OperationOf } from './node.ts';
import { operator, valuesOf } from './operator.ts';
import type { Compute } from './operator.ts';
import { SCALES } from './requantize.ts';

/** Functions of one value that stand alone. */

interface Ends {
  readonly from: Grid;
  readonly to: Grid;
}

/** Both ends, of one type; 16 bits are symmetric. */
export function endsOf(call: Call): Ends {
  requireTypes(call, SAME_INTEGERS);
  const input = inputOf(call, 0);
  requireSymmetric(call, [input, call.output]);
  return { from: gridOf(call, input, 'input'), to: gridOf(call, call.output, 'output') };
}

/** @param compute an integer that need not be in the type yet; it is clamped to [lo, hi] */
export function eachValue(call: Call, { lo, hi }: Interval, compute: (q: number) => number): Compute {
  const { type } = call.output;
  return (inputs) => {
    const values = valuesOf(inputs, 0).data;
    const data = emptyArray(type, values.length);
    for (let index = 0; index < data.length; index++) {
      const value = compute(values[index]!);
      data[index] = value < lo ? lo : value > hi ? hi : value;
    }
    return data;
  };
}

/** Brought to the output's scale by QM(rn(si / so)), then clamped to bounds in real values on the output's grid. */
function clampedTo(bounds: readonly [lo: number, hi: number | null]) {
  return (call: Call): Compute => {
    const { from, to } = endsOf(call);
    const { multiplier, shift } = multiplierFor(call, Math.fround(from.scale / to.scale));
    const scale = SCALES[call.rounding];
    const range = rangeBetween(bounds, call.output.type, to);
    return eachValue(call, range, (q) => scale(q - from.zeroPoint, multiplier, shift) + to.zeroPoint);
  };
}

/** RELU6 clamps as the integers are, between those of 0 and 6 on the input's grid; the output's scale does not count. */
function relu6(call: Call): Compute {
  const { from } = endsOf(call);
  const hi = Math.min(typeRange(call.output.type).hi, quantizedValue(6, from));
  return eachValue(call, { lo: from.zeroPoint, hi }, (q) => q);
}

function leaky(call: Call<OperationOf<'LEAKY_RELU'>>): Compute {
  const { from, to } = endsOf(call);
  const alpha = Math.fround(call.operation.alpha);
  const slope = Math.fround(Math.fround(from.scale * alpha) / to.scale);
  if (!(slope >= 0)) throw unsupported(call, 'with this alpha', '0 or more', String(alpha));
  const above = multiplierFor(call, Math.fround(from.scale / to.scale));
  const below = multiplierFor(call, slope);
  const scale = SCALES[call.rounding];
  return eachValue(call, typeRange(call.output.type), (q) => {
    const { multiplier, shift } = q >= from.zeroPoint ? above : below;
    return scale(q - from.zeroPoint, multiplier, shift) + to.zeroPoint;
  });
}

export const RELU = operator('RELU', { arity: [1, 1], shape: sameShape, prepare: clampedTo([0, null]) });
export const RELU6 = operator('RELU6', { arity: [1, 1], shape: sameShape, prepare: relu6 });
/** Not in tflite-micro: as in TensorFlow Lite. */
export const RELU_N1_TO_1 = operator('RELU_N1_TO_1', {
  arity: [1, 1],
  shape: sameShape,
  prepare: clampedTo([-1, 1]),
});
/** Not in tflite-micro: as in TensorFlow Lite. */
export const RELU_0_TO_1 = operator('RELU_0_TO_1', {
  arity: [1, 1],
  shape: sameShape,
  prepare: clampedTo([0, 1]),
});
export const LEAKY_RELU = operator('LEAKY_RELU', { arity: [1, 1], shape: sameShape, prepare: leaky });
