import { emptyArray } from '../values.ts';
import type { DenseTensor, NumericArray } from '../values.ts';
import { elementCount } from '../../../compiler/base/tensor.ts';
import type { Interval } from '../../../compiler/base/interval.ts';
import { broadcastShape, broadcastSteps, strided } from '../moves.ts';
import { activationRange } from './activation.ts';
import {
  gridOf,
  inputOf,
  malformed,
  multiplierFor,
  requireSymmetric,
  requireTypes,
  SAME_INTEGERS,
  unsupported,
} from './call.ts';
import type { Call, Grid } from './call.ts';
import type { OperationOf } from './node.ts';
import { operator, valuesOf } from './operator.ts';
import type { Compute } from './operator.ts';
import { SCALES } from './requantize.ts';

/** ADD, SUB and MUL of two tensors that broadcast. */

type Binary = OperationOf<'ADD' | 'SUB' | 'MUL'>;

interface Ends {
  readonly left: Grid;
  readonly right: Grid;
  readonly output: Grid;
  readonly range: Interval;
}

/** Bits to the left before the operands are brought to one scale. */
const HEADROOM = { int8: 20, int16: 15 } as const;

function shapeOf(call: Call): readonly number[] {
  const [left, right] = [inputOf(call, 0).shape, inputOf(call, 1).shape];
  const shape = broadcastShape(left, right);
  if (shape !== null) return shape;
  throw malformed(
    call,
    'shapes of the inputs',
    'shapes that broadcast',
    `[${left.join()}] and [${right.join()}]`,
  );
}

function endsOf(call: Call<Binary>): Ends {
  requireTypes(call, SAME_INTEGERS);
  const [left, right] = [inputOf(call, 0), inputOf(call, 1)];
  if (left.type !== right.type) throw unsupported(call, 'of two types', left.type, right.type);
  requireSymmetric(call, [left, right, call.output]);
  const output = gridOf(call, call.output, 'output');
  return {
    left: gridOf(call, left, 'first input'),
    right: gridOf(call, right, 'second input'),
    output,
    range: activationRange(call.operation.activation, call.output.type, output),
  };
}

/** The output of one pair of elements after the other. */
function pairwise(call: Call, range: Interval, compute: (a: number, b: number) => number): Compute {
  const { shape, type } = call.output;
  const { lo, hi } = range;
  return (inputs) => {
    const [a, b] = [spread(valuesOf(inputs, 0), shape), spread(valuesOf(inputs, 1), shape)];
    const data = emptyArray(type, elementCount(shape));
    for (let index = 0; index < data.length; index++) {
      const value = compute(a[index]!, b[index]!);
      data[index] = value < lo ? lo : value > hi ? hi : value;
    }
    return data;
  };
}

function spread(tensor: DenseTensor, shape: readonly number[]): NumericArray {
  return tensor.data.length === elementCount(shape)
    ? tensor.data
    : strided(tensor, shape, broadcastSteps(tensor.shape, shape)).data;
}

/**
 * t = 2 max(s1, s2); both inputs to the scale t 2^-L, then the sum to that of the output. The ratios of ADD are doubles, those
 * of SUB float32 (as tflite-micro has it; TensorFlow Lite's own SUB has doubles).
 */
function sumOf(sign: 1 | -1, round: (value: number) => number) {
  return (call: Call<Binary>): Compute => {
    const { left, right, output, range } = endsOf(call);
    const headroom = HEADROOM[call.output.type === 'int16' ? 'int16' : 'int8'];
    const twice = round(2 * Math.max(left.scale, right.scale));
    // The reference stops where the output is so much finer than the inputs that the sum would be shifted to the left.
    const m1 = multiplierFor(call, round(left.scale / twice), 0);
    const m2 = multiplierFor(call, round(right.scale / twice), 0);
    const mo = multiplierFor(call, round(twice / round(2 ** headroom * output.scale)), 0);
    const scale = SCALES[call.rounding];
    return pairwise(call, range, (a, b) => {
      const first = scale((a - left.zeroPoint) << headroom, m1.multiplier, m1.shift);
      const second = scale((b - right.zeroPoint) << headroom, m2.multiplier, m2.shift);
      return scale((first + sign * second) | 0, mo.multiplier, mo.shift) + output.zeroPoint;
    });
  };
}

/** (q1 - z1)(q2 - z2) to the output's scale by double(s1) double(s2) / double(so). */
function product(call: Call<Binary>): Compute {
  const { left, right, output, range } = endsOf(call);
  const { multiplier, shift } = multiplierFor(call, (left.scale * right.scale) / output.scale);
  const scale = SCALES[call.rounding];
  return pairwise(
    call,
    range,
    (a, b) => scale((a - left.zeroPoint) * (b - right.zeroPoint), multiplier, shift) + output.zeroPoint,
  );
}

const asIs = (value: number): number => value;

export const ADD = operator('ADD', { arity: [2, 2], shape: shapeOf, prepare: sumOf(1, asIs) });
export const SUB = operator('SUB', { arity: [2, 2], shape: shapeOf, prepare: sumOf(-1, Math.fround) });
export const MUL = operator('MUL', { arity: [2, 2], shape: shapeOf, prepare: product });
