import { elementCount } from '../../../compiler/base/tensor.ts';
import { concatenate, stridesOf, transpose } from '../moves.ts';
import { emptyArray } from '../values.ts';
import type { NumericArray } from '../values.ts';
import { axisOf, constantOf, gridOf, inputOf, malformed, sameCount, unsupported } from './call.ts';
import type { Call, Constants } from './call.ts';
import type { OperationOf } from './node.ts';
import { operator, valuesOf } from './operator.ts';
import type { Compute } from './operator.ts';

/** Operators that move elements about. Scales are not looked at: the integers are moved as they are. */

/** One type for all operands that count. */
function requireOneType(call: Call, count: number): void {
  const { type } = call.output;
  for (let index = 0; index < count; index++) {
    const input = inputOf(call, index);
    if (input.type !== type) throw malformed(call, `type of input ${index}`, type, input.type);
  }
}

function copy(call: Call): Compute {
  requireOneType(call, 1);
  return (inputs) => valuesOf(inputs, 0).data;
}

/** SQUEEZE leaves out axes of extent 1. */
function squeezed(call: Call): readonly number[] {
  const long = (shape: readonly number[]): string => shape.filter((extent) => extent !== 1).join();
  const { shape } = inputOf(call, 0);
  if (long(shape) === long(call.output.shape)) return call.output.shape;
  throw malformed(
    call,
    'shape of the output',
    `[${shape.join(', ')}] without axes of extent 1`,
    `[${call.output.shape.join(', ')}]`,
  );
}

function permuted(call: Call, constants: Constants): readonly number[] {
  const { shape } = inputOf(call, 0);
  const permutation = constantOf(call, constants, 1);
  const axes = permutation.map((axis) => axisOf(call, axis, shape.length));
  if (axes.length !== shape.length || new Set(axes).size !== axes.length)
    throw malformed(call, 'permutation', `each of ${shape.length} axes once`, `[${permutation.join(', ')}]`);
  return axes.map((axis) => shape[axis]!);
}

function padded(call: Call, constants: Constants): readonly number[] {
  const { shape } = inputOf(call, 0);
  const paddings = constantOf(call, constants, 1);
  if (inputOf(call, 1).shape.join() !== `${shape.length},2` || paddings.some((count) => count < 0))
    throw malformed(call, 'paddings', `[${shape.length}, 2], none negative`, `[${paddings.join(', ')}]`);
  return shape.map((extent, axis) => extent + paddings[2 * axis]! + paddings[2 * axis + 1]!);
}

/** The input between `value`; the paddings stand in the second input. */
function pad(call: Call, valueOf: (inputs: Parameters<Compute>[0]) => number): Compute {
  const { type, shape } = call.output;
  return (inputs) => {
    const input = valuesOf(inputs, 0);
    const paddings = valuesOf(inputs, 1).data;
    const data = emptyArray(type, elementCount(shape));
    data.fill(valueOf(inputs));
    const strides = stridesOf(shape);
    const start = strides.reduce((sum, stride, axis) => sum + paddings[2 * axis]! * stride, 0);
    copyInto(data, input.data, input.shape, { strides, start });
    return data;
  };
}

/** Writes a tensor of shape `shape` to the places start + i * strides[0] + j * strides[1] + ... */
function copyInto(
  target: NumericArray,
  source: NumericArray,
  shape: readonly number[],
  { strides, start }: { readonly strides: readonly number[]; readonly start: number },
): void {
  const run = shape.at(-1) ?? 1;
  const outer = shape.slice(0, -1);
  const position = outer.map(() => 0);
  for (let read = 0; read < source.length; read += run) {
    const write = position.reduce((sum, at, axis) => sum + at * strides[axis]!, start);
    target.set(source.subarray(read, read + run), write);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      if (++position[axis]! < outer[axis]!) break;
      position[axis] = 0;
    }
  }
}

/** 8-bit tensors are padded with the output's zero point, other types with 0. */
function padZero(call: Call): Compute {
  requireOneType(call, 1);
  const { output } = call;
  const isByte = output.type === 'int8' || output.type === 'uint8';
  const zero = isByte && output.scales.length > 0 ? gridOf(call, output, 'output').zeroPoint : 0;
  return pad(call, () => zero);
}

function padValue(call: Call): Compute {
  requireOneType(call, 1);
  const value = inputOf(call, 2);
  if (value.type !== call.output.type || elementCount(value.shape) !== 1)
    throw malformed(call, 'value', `one ${call.output.type}`, `${value.type} [${value.shape.join(', ')}]`);
  return pad(call, (inputs) => valuesOf(inputs, 2).data[0]!);
}

/** Shape of the operands behind each other, and the axis that they are joined along. */
function joined(call: Call<OperationOf<'CONCATENATION'>>): {
  readonly axis: number;
  readonly shape: readonly number[];
} {
  const { operation, inputs } = call;
  if (operation.activation !== 'NONE')
    throw unsupported(call, 'with an activation', 'NONE', operation.activation);
  const first = inputOf(call, 0).shape;
  const axis = axisOf(call, operation.axis, first.length);
  const rest = (shape: readonly number[]): string => shape.toSpliced(axis, 1, 0).join();
  let extent = 0;
  for (let index = 0; index < inputs.length; index++) {
    const { shape } = inputOf(call, index);
    if (rest(shape) !== rest(first))
      throw malformed(
        call,
        `shape of input ${index}`,
        `[${first.join(', ')}] but for axis ${axis}`,
        `[${shape.join(', ')}]`,
      );
    extent += shape[axis]!;
  }
  return { axis, shape: first.toSpliced(axis, 1, extent) };
}

export const RESHAPE = operator('RESHAPE', { arity: [1, 2], reads: 1, shape: sameCount, prepare: copy });
export const SQUEEZE = operator('SQUEEZE', { arity: [1, 1], shape: squeezed, prepare: copy });
export const TRANSPOSE = operator('TRANSPOSE', {
  arity: [2, 2],
  shape: permuted,
  prepare: (call) => {
    requireOneType(call, 1);
    return (inputs) => {
      const input = valuesOf(inputs, 0);
      const axes = Array.from(valuesOf(inputs, 1).data, (axis) => axisOf(call, axis, input.shape.length));
      return transpose(input, axes).data;
    };
  },
});
export const PAD = operator('PAD', { arity: [2, 2], shape: padded, prepare: padZero });
export const PADV2 = operator('PADV2', { arity: [3, 3], shape: padded, prepare: padValue });
export const CONCATENATION = operator('CONCATENATION', {
  arity: [1, Infinity],
  shape: (call) => joined(call).shape,
  prepare: (call) => {
    requireOneType(call, call.inputs.length);
    const { axis, shape } = joined(call);
    return (inputs) => {
      const parts = inputs.map((_, index) => valuesOf(inputs, index));
      return concatenate(parts, axis, shape).data;
    };
  },
});
