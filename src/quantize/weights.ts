import { roundHalfEven } from '../../runtime/clear/requantize.ts';
import { quantize } from '../frontend/quantize.ts';
import type { TensorRange } from './calibrate.ts';
import type { LinearNode } from './linearNodes.ts';

/** Integers of one layer. */

/** Bits of a layer: of its weights, signed, and of the tensor that it reads, unsigned. */
interface LayerBits {
  readonly weights: number;
  readonly input: number;
}

/** A layer to be quantized. */
export interface QuantizedLayer {
  readonly linear: LinearNode;
  readonly bits: LayerBits;
  /** Of the tensor that it reads; 0 lies in it. */
  readonly range: TensorRange;
  /** Signed bits that its sums have to fit; null for no bound. */
  readonly accumulatorBits: number | null;
}

/** What the tensor becomes that a layer reads: q = round(x / scale) + zero, 0 to most. */
export interface InputGrid {
  readonly scale: number;
  readonly zero: number;
  readonly most: number;
}

/** The grid over the layer's range. */
export function inputGrid({ bits, range: { lo, hi } }: Pick<QuantizedLayer, 'bits' | 'range'>): InputGrid {
  const most = 2 ** bits.input - 1;
  const step = Math.fround((hi - lo) / most);
  // Ranges past what 32-bit floats hold, or below: nothing to tell apart.
  const scale = step > 0 && Number.isFinite(step) ? step : 1;
  return { scale, zero: Math.min(Math.max(Math.round(-lo / scale), 0), most), most };
}

/** Times the scale of an input it is still no denormal number. */
const SMALLEST_SCALE = 2 ** -100;

/** Weights as integers, with what they stand for. */
export interface WeightIntegers {
  readonly values: readonly number[];
  /** 32-bit floats, one per output channel or one in all. */
  readonly scales: readonly number[];
  /** The scale of the weight at an index. */
  readonly scaleOf: (index: number) => number;
}

/**
 * Symmetric integers. A channel whose bias is large beside its weights gets a coarser scale, so that the bias, which has the
 * scale of the sums, does not make them wider than any weights would: fully used, those reach `reach`.
 */
export function quantizeWeights(layer: QuantizedLayer): WeightIntegers {
  const { linear, bits } = layer;
  const { weights, axis } = linear;
  const found = quantize(weights, { bits: bits.weights, signed: true, mode: 'symmetric', axis });
  const least = leastScales(layer, found.scales.length);
  const run =
    axis === 'tensor' ? 1 : weights.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const channelOf = (index: number): number => Math.floor(index / run) % found.scales.length;
  const isUsed = new Set(found.values.flatMap((value, index) => (value === 0 ? [] : [channelOf(index)])));
  const scales = found.scales.map((scale, channel) => {
    const smallest = least[channel]!;
    // A channel without weights has the scale 1, which would be coarse for its bias.
    const own = isUsed.has(channel) || smallest <= SMALLEST_SCALE ? scale : smallest;
    return Math.fround(Math.max(own, smallest));
  });
  const limit = 2 ** (bits.weights - 1) - 1;
  const values = found.values.map((value, index) => {
    const channel = channelOf(index);
    if (scales[channel] === Math.fround(found.scales[channel]!)) return value;
    const rounded = roundHalfEven(weights.data[index]! / scales[channel]!);
    return Math.min(Math.max(rounded, -limit), limit) + 0;
  });
  return { values, scales, scaleOf: (index) => scales[channelOf(index)]! };
}

/** For each scale of the weights what it must be at least, for the biases that it serves. */
function leastScales(layer: QuantizedLayer, count: number): Float64Array {
  const least = new Float64Array(count).fill(SMALLEST_SCALE);
  const { bias } = layer.linear;
  if (bias === null) return least;
  const unit = inputGrid(layer).scale * largestBias(layer);
  bias.forEach((value, output) => {
    least[output % count] = Math.max(least[output % count]!, Math.abs(value) / unit);
  });
  return least;
}

/** Largest integer that a bias may become: a few times what the products of one sum can reach, and half of a given width. */
function largestBias({ linear, bits, accumulatorBits }: QuantizedLayer): number {
  const taps = linear.weights.data.length / linear.outputs;
  const reach = 4 * taps * (2 ** (bits.weights - 1) - 1) * (2 ** bits.input - 1);
  return Math.min(reach, 2 ** ((accumulatorBits ?? 32) - 2));
}
