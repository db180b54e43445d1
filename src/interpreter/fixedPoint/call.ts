import { CipherconvError } from '../../../compiler/base/errors.ts';
import { elementCount } from '../../../compiler/base/tensor.ts';
import { isInteger, typeRange } from '../values.ts';
import type { ElementType } from '../../frontend/onnx/proto/codes.ts';
import type { DenseTensor } from '../values.ts';
import { quantizedMultiplier } from './numbers.ts';
import type { Multiplier } from './numbers.ts';
import type { FixedPointOperation, FixedPointRounding, FixedPointTensor } from './node.ts';

/** One operator with its tensors, and what is asked of them. */
export interface Call<O extends FixedPointOperation = FixedPointOperation> {
  readonly name: string;
  readonly operation: O;
  /** null for one that is left out. */
  readonly inputs: readonly (FixedPointTensor | null)[];
  readonly output: FixedPointTensor;
  readonly rounding: FixedPointRounding;
}

/** Values of a constant input; null where it is none. */
export type Constants = (input: number) => DenseTensor | null;

/** The file contradicts itself. */
export function malformed(call: Call, message: string, expected: string, found: string): CipherconvError {
  return refusal('malformed-model', call, `${call.operation.op}: ${message}`, expected, found);
}

/** There is no arithmetic for it here. */
export function unsupported(call: Call, message: string, expected: string, found: string): CipherconvError {
  return refusal('unsupported', call, `not supported yet: ${call.operation.op} ${message}`, expected, found);
}

function refusal(
  code: 'malformed-model' | 'unsupported',
  { name }: Call,
  message: string,
  expected: string,
  found: string,
): CipherconvError {
  return new CipherconvError({ code, where: name, message, expected, found });
}

/** An input that must be there. */
export function inputOf(call: Call, index: number): FixedPointTensor {
  const input = call.inputs[index];
  if (input) return input;
  throw malformed(call, `input ${index} is missing`, 'a tensor', 'none');
}

/** The values of an input that must be constant: the shape depends on them. */
export function constantOf(call: Call, constants: Constants, index: number): readonly number[] {
  const { type } = inputOf(call, index);
  if (type !== 'int32' && type !== 'int64')
    throw malformed(call, `input ${index} is no list of integers`, 'int32 or int64', type);
  const values = constants(index);
  if (values !== null) return Array.from(values.data);
  throw unsupported(
    call,
    'of sizes that come in at run time',
    `a constant as input ${index}`,
    'an activation',
  );
}

/** Types of the tensors, the output's last; "same" stands for the type of the input before. */
export function requireTypes(call: Call, allowed: readonly (readonly ElementType[])[]): void {
  const found = [inputOf(call, 0).type, call.output.type];
  if (allowed.some((pair) => pair.every((type, index) => type === found[index]))) return;
  throw unsupported(
    call,
    'of these types',
    allowed.map((pair) => pair.join(' -> ')).join(', '),
    found.join(' -> '),
  );
}

/** int8 to int8, or int16 to int16. */
export const SAME_INTEGERS = [
  ['int8', 'int8'],
  ['int16', 'int16'],
] as const;

/** The one scale of a tensor. */
function scaleOf(call: Call, tensor: FixedPointTensor, what: string): number {
  const [scale] = tensor.scales;
  if (tensor.scales.length !== 1 || scale === undefined)
    throw malformed(call, `scales of the ${what}`, 'one', String(tensor.scales.length));
  return checkedScale(call, scale, what);
}

/** A scale as float32. */
export function checkedScale(call: Call, scale: number, what: string): number {
  const rounded = Math.fround(scale);
  if (rounded > 0 && Number.isFinite(rounded)) return rounded;
  throw malformed(call, `scale of the ${what}`, 'a positive number', String(scale));
}

/** The one zero point of a tensor of integers. */
export function zeroPointOf(call: Call, tensor: FixedPointTensor, what: string): number {
  if (tensor.zeroPoints.length > 1)
    throw malformed(call, `zero points of the ${what}`, 'one', String(tensor.zeroPoints.length));
  const zeroPoint = tensor.zeroPoints[0] ?? 0;
  const { lo, hi } = typeRange(tensor.type);
  if (Number.isInteger(zeroPoint) && zeroPoint >= lo && zeroPoint <= hi) return zeroPoint;
  throw malformed(call, `zero point of the ${what}`, `${lo} .. ${hi}`, String(zeroPoint));
}

/** Scale and zero point of a tensor of integers that has one of each. */
export interface Grid {
  readonly scale: number;
  readonly zeroPoint: number;
}

export function gridOf(call: Call, tensor: FixedPointTensor, what: string): Grid {
  const grid = { scale: scaleOf(call, tensor, what), zeroPoint: zeroPointOf(call, tensor, what) };
  if (isInteger(tensor.type)) return grid;
  throw unsupported(call, 'of floats', 'integers', tensor.type);
}

/** 16-bit tensors of most operators are symmetric: the reference does not look at their zero points, or stops. */
export function requireSymmetric(call: Call, tensors: readonly FixedPointTensor[]): void {
  for (const { type, zeroPoints } of tensors) {
    if (type !== 'int16' || zeroPoints.every((zeroPoint) => zeroPoint === 0)) continue;
    throw unsupported(call, 'of int16 with a zero point', '0', zeroPoints.join(', '));
  }
}

/** The factor for a ratio of scales, within what the 32-bit arithmetic can shift. */
export function multiplierFor(call: Call, real: number, largestShift = 30): Multiplier {
  const made = quantizedMultiplier(real);
  if (made.shift <= largestShift) return made;
  throw unsupported(call, 'between scales so far apart', `a ratio below 2^${largestShift}`, String(real));
}

/** The output's shape where the operator keeps the number of elements. */
export function sameCount(call: Call): readonly number[] {
  const { shape } = inputOf(call, 0);
  if (elementCount(shape) === elementCount(call.output.shape)) return call.output.shape;
  throw malformed(
    call,
    'elements of the output',
    `as many as the input [${shape.join(', ')}]`,
    `[${call.output.shape.join(', ')}]`,
  );
}

/** Shape of the first input: operators that compute one value of another. */
export const sameShape = (call: Call): readonly number[] => inputOf(call, 0).shape;

/** An axis of a tensor of `rank`, counted from the end where it is negative. */
export function axisOf(call: Call, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(positive) && positive >= 0 && positive < rank) return positive;
  throw malformed(call, 'axis', `${-rank} .. ${rank - 1}`, String(axis));
}
