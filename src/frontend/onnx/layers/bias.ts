import type { OnnxTensor } from '../types.ts';
import type { QuantizedTensor } from '../types.ts';

/**
 * The bias of a layer whose accumulator counts in steps of scale[channel] = input scale x weight scale. A bias is:
 *
 * - `whole`: integers of those very steps: an int32 bias whose scale is that product (up to two units in the last place of
 *   float32, which exporters differ by), or a bias b for which r = round(b / scale) differs from b / scale by at most
 *   2^-22 |r| (two units in the last place of float32) and at most 2^-8 of a step: it is rescaled to r;
 * - `fraction` otherwise: a quarter of a step, say. It cannot be part of an integer accumulator, so it is added after
 *   decryption, as a float, in the clear.
 */
export type LayerBias =
  | { readonly kind: 'whole'; readonly integers: readonly number[] }
  | { readonly kind: 'fraction'; readonly values: readonly number[] };

const TWO_ULPS = 2 ** -22;
const LARGEST_ERROR = 2 ** -8;

function isClose(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) <= TWO_ULPS * Math.abs(wanted);
}

/** An entry for each of `count` channels of a list of one or `count` entries. */
export function spreadOver(list: readonly number[], count: number): readonly number[] {
  return list.length === count ? list : new Array<number>(count).fill(list[0] ?? 0);
}

/**
 * @param bias float values, one per channel or one for all
 * @param quantized where it comes from a DequantizeLinear
 * @param scales of the accumulator, one per channel
 */
export function layerBias(
  bias: OnnxTensor,
  quantized: QuantizedTensor | undefined,
  scales: readonly number[],
): LayerBias {
  const own = quantized === undefined ? null : integersAtScale(quantized, scales);
  if (own !== null) return { kind: 'whole', integers: own };
  const values = spreadOver(Array.from(bias.data), scales.length);
  const integers = values.map((value, channel) => wholeSteps(value, scales[channel]!));
  if (integers.every((value) => value !== null)) return { kind: 'whole', integers };
  return { kind: 'fraction', values };
}

/** The integers of a quantized bias whose scales are those of the accumulator. */
function integersAtScale(quantized: QuantizedTensor, scales: readonly number[]): readonly number[] | null {
  const { integers } = quantized;
  if (integers === null) return null;
  const own = spreadOver(quantized.scales, scales.length);
  const zeroPoints = spreadOver(quantized.zeroPoints, scales.length);
  if (own.length !== scales.length || !own.every((scale, channel) => isClose(scale, scales[channel]!)))
    return null;
  const values = spreadOver(Array.from(integers.data), scales.length);
  return values.map((value, channel) => value - zeroPoints[channel]!);
}

/** b / scale as an integer, if it is one as far as float32 can tell; else null. */
function wholeSteps(value: number, scale: number): number | null {
  const exact = value / scale;
  const steps = Math.round(exact) + 0;
  const error = Math.abs(exact - steps);
  if (!Number.isSafeInteger(steps)) return null;
  return error <= TWO_ULPS * Math.abs(steps) && error <= LARGEST_ERROR ? steps : null;
}
