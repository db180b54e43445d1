import { emptyArray } from '../values.ts';
import type { NumericArray } from '../values.ts';
import type { Interval } from '../../../compiler/base/interval.ts';
import type { ElementType } from '../../frontend/onnx/proto/codes.ts';
import { scaledOnce, scaledTwice, scaledWide } from './numbers.ts';
import type { Multiplier, Scale } from './numbers.ts';
import type { FixedPointRounding } from './node.ts';

/** The 32-bit arithmetic of a rounding. */
export const SCALES: Readonly<Record<FixedPointRounding, Scale>> = {
  double: scaledTwice,
  single: scaledOnce,
};

/** From accumulators to the output of a linear operator. */
export interface Requantization {
  /** One for all channels, or one each. */
  readonly multipliers: readonly Multiplier[];
  readonly zeroPoint: number;
  readonly range: Interval;
  /** What accumulators are: 32-bit ones wrap before anything else, as they do in the reference. */
  readonly accumulator: 'int32' | 'int64';
}

/**
 * clamp(scaled(accumulator, m_o, s_o) + zo) for each accumulator.
 * @param accumulators whole numbers, channels last
 */
export function requantized(
  accumulators: NumericArray,
  type: ElementType,
  rounding: FixedPointRounding,
  { multipliers, zeroPoint, range, accumulator }: Requantization,
): NumericArray {
  const data = emptyArray(type, accumulators.length);
  const scale = accumulator === 'int64' ? scaledWide : SCALES[rounding];
  const narrow = accumulator === 'int32';
  const { lo, hi } = range;
  const channels = multipliers.length;
  for (let index = 0, channel = 0; index < data.length; index++) {
    const { multiplier, shift } = multipliers[channel]!;
    const sum = accumulators[index]!;
    const value = scale(narrow ? sum | 0 : sum, multiplier, shift) + zeroPoint;
    data[index] = value < lo ? lo : value > hi ? hi : value;
    if (++channel === channels) channel = 0;
  }
  return data;
}
