import { elementCount } from '../../../compiler/base/tensor.ts';
import { isInteger, typeRange } from '../values.ts';
import { activationRange } from './activation.ts';
import {
  checkedScale,
  gridOf,
  inputOf,
  malformed,
  multiplierFor,
  requireSymmetric,
  requireTypes,
  SAME_INTEGERS,
  unsupported,
  zeroPointOf,
} from './call.ts';
import type { Call } from './call.ts';
import { quantizedMultiplier } from './numbers.ts';
import type { Multiplier } from './numbers.ts';
import type { FixedPointTensor, FusedActivation, LinearOperator } from './node.ts';
import type { Requantization } from './requantize.ts';

/** The tensors of a linear operator, whatever their order in the file. */
export interface LinearParts {
  readonly input: FixedPointTensor;
  readonly filter: FixedPointTensor;
  readonly bias: FixedPointTensor | null;
  readonly output: FixedPointTensor;
  /** Output channels. */
  readonly channels: number;
}

/** Input, filter, bias: their places among the inputs. */
export const PLACES: Readonly<Record<LinearOperator, readonly [number, number, number]>> = {
  CONV_2D: [0, 1, 2],
  DEPTHWISE_CONV_2D: [0, 1, 2],
  FULLY_CONNECTED: [0, 1, 2],
  TRANSPOSE_CONV: [2, 1, 3],
};

/** @param places of input, filter and bias among the inputs */
export function linearParts(
  call: Call,
  op: LinearOperator,
  places: readonly [number, number, number] = PLACES[op],
): LinearParts {
  const [input, filter] = [inputOf(call, places[0]), inputOf(call, places[1])];
  const bias = call.inputs[places[2]] ?? null;
  const channels = filter.shape[op === 'DEPTHWISE_CONV_2D' ? 3 : 0];
  if (channels === undefined)
    throw malformed(
      call,
      'shape of the filter',
      'an axis of output channels',
      `[${filter.shape.join(', ')}]`,
    );
  // Converters write [o] and [1, o] alike.
  if (bias !== null && (bias.shape.at(-1) !== channels || elementCount(bias.shape) !== channels))
    throw malformed(call, 'shape of the bias', `[${channels}]`, `[${bias.shape.join(', ')}]`);
  return { input, filter, bias, output: call.output, channels };
}

/** What 16-bit inputs and 8-bit weights are summed in: their bias decides, and without one the option. */
export function accumulatorType(
  call: Call,
  op: LinearOperator,
  { input, bias }: LinearParts,
): 'int32' | 'int64' {
  const type = bias?.type ?? null;
  if (input.type === 'int8') {
    if (type === null || type === 'int32') return 'int32';
    throw unsupported(call, 'with this bias', 'int32', type);
  }
  if (type === 'int64') return 'int64';
  const hasNarrow = op === 'CONV_2D' || op === 'FULLY_CONNECTED';
  if (type === 'int32' && hasNarrow) return 'int32';
  if (type !== null)
    throw unsupported(call, 'of int16 with this bias', hasNarrow ? 'int64 or int32' : 'int64', type);
  const { operation } = call;
  return 'biasType' in operation && operation.biasType === 'int32' ? 'int32' : 'int64';
}

/** Scales that decide how accumulators become an output. */
export interface LinearScales {
  readonly inputScale: number;
  /** One for all output channels, or one each. */
  readonly filterScales: readonly number[];
  readonly outputScale: number;
}

/**
 * The ratio between accumulators and output, per channel:
 *
 *   double(si) double(sf) / double(so);  FULLY_CONNECTED with one scale: double(rn(si sf)) / double(so)
 */
function ratios(op: LinearOperator, { inputScale, filterScales, outputScale }: LinearScales): number[] {
  const roundsProduct = op === 'FULLY_CONNECTED' && filterScales.length === 1;
  return filterScales.map((scale) => {
    const product = inputScale * scale;
    return (roundsProduct ? Math.fround(product) : product) / outputScale;
  });
}

/**
 * Multiplier and shift of each output channel; a multiplier of 0 makes the output of its channel constant.
 * @param scales float32 values
 */
export function linearMultipliers(op: LinearOperator, scales: LinearScales, channels: number): Multiplier[] {
  const multipliers = ratios(op, scales).map(quantizedMultiplier);
  return Array.from(
    { length: channels },
    (_, channel) => multipliers[multipliers.length === 1 ? 0 : channel]!,
  );
}

/** How a linear operator ends: the checks of its scales and zero points are here. */
export function requantization(
  call: Call,
  op: LinearOperator,
  parts: LinearParts,
  activation: FusedActivation,
  accumulator: 'int32' | 'int64',
): Requantization {
  const { input, filter, output, channels } = parts;
  const from = gridOf(call, input, 'input');
  const to = gridOf(call, output, 'output');
  requireSymmetric(call, [input, output]);
  const filterScales = filter.scales.map((scale) => checkedScale(call, scale, 'filter'));
  if (filterScales.length !== 1 && filterScales.length !== channels)
    throw malformed(call, 'scales of the filter', `1 or ${channels}`, String(filterScales.length));
  if (filter.zeroPoints.some((zeroPoint) => zeroPoint !== 0))
    throw unsupported(call, 'with a zero point of the filter', '0', filter.zeroPoints.join(', '));
  const largestShift = accumulator === 'int64' ? 7 : 30;
  const scales = { inputScale: from.scale, filterScales, outputScale: to.scale };
  return {
    multipliers: ratios(op, scales).map((ratio) => multiplierFor(call, ratio, largestShift)),
    zeroPoint: to.zeroPoint,
    range: activationRange(activation, output.type, to),
    accumulator,
  };
}

/** int8 or int16 activations with int8 weights. */
export function requireLinearTypes(call: Call, { input, filter }: LinearParts): void {
  requireTypes({ ...call, inputs: [input] }, SAME_INTEGERS);
  if (filter.type !== 'int8') throw unsupported(call, 'with this filter', 'int8', filter.type);
}

/** The input without its zero point. */
export function inputZeroPoint(call: Call, { input }: LinearParts): number {
  return zeroPointOf(call, input, 'input');
}

/** Accumulators of 64 bits are doubles here: whether every one of them is exact. */
export function requireExactSums(call: Call, taps: number, { input }: LinearParts): void {
  const { lo, hi } = typeRange(input.type);
  const largest = taps * 128 * (hi - lo);
  if (isInteger(input.type) && largest < 2 ** 52) return;
  throw unsupported(call, 'with so many products', 'sums below 2^52', String(largest));
}
