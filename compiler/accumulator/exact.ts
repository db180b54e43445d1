import type { Interval } from '../base/interval.ts';
import { hull } from '../base/interval.ts';
import { centredInputRange, firstChannelOf, outputShape } from '../convolution/shape.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/**
 * The exact accumulator analysis (tier "exact"). The accumulator of one output cell is a sum of independent terms
 * w * x with x anywhere in [xlo, xhi], so its smallest value is the sum of min(w*xlo, w*xhi) over the taps that fall on
 * the image, and that value is reached. Cells at the border see fewer taps (a padded tap contributes 0), so every
 * distinct pair of visible tap rows and tap columns is a case of its own.
 */

/** Taps first..last (inclusive) of one axis fall on the image for output positions like `position`. `null`: none do. */
interface AxisCase {
  readonly taps: { readonly first: number; readonly last: number } | null;
  /** The first output position with this case. */
  readonly position: number;
}

/** What the exact analysis says of one output channel. */
export interface ChannelAnalysis {
  /** Exact range of the accumulator, bias included. */
  readonly interval: Interval;
  /** An output cell (row, column) that reaches the low end. */
  readonly lowCell: readonly [number, number];
  /** An output cell (row, column) that reaches the high end. */
  readonly highCell: readonly [number, number];
}

/** What the exact analysis says of a convolution, bias included. */
export interface AccumulatorAnalysis {
  /** One entry per output channel. */
  readonly channels: readonly ChannelAnalysis[];
  /** Hull over all channels. */
  readonly interval: Interval;
  /** Largest hi_o - lo_o + 1 over the channels: the number of values one decode window must tell apart. */
  readonly decodeWidth: number;
}

/** One axis of a convolution; `pad` is the pad at its beginning. */
interface Axis {
  readonly outputSize: number;
  readonly inputSize: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly dilation: number;
}

/** The distinct cases of one axis, in order of first position. */
function axisCases({ outputSize, inputSize, kernel, stride, pad, dilation }: Axis): AxisCase[] {
  const seen = new Map<string, AxisCase>();
  for (let position = 0; position < outputSize; position++) {
    const start = position * stride - pad;
    const first = Math.max(0, Math.ceil(-start / dilation));
    const last = Math.min(kernel - 1, Math.floor((inputSize - 1 - start) / dilation));
    const taps = first <= last ? { first, last } : null;
    const key = taps === null ? 'none' : `${taps.first}..${taps.last}`;
    if (!seen.has(key)) seen.set(key, { taps, position });
  }
  return [...seen.values()];
}

interface Cases {
  readonly rows: readonly AxisCase[];
  readonly columns: readonly AxisCase[];
}

function borderCases(shape: ConvShape): Cases {
  const output = outputShape(shape);
  const { input, weights, strides, pads, dilations } = shape;
  return {
    rows: axisCases({
      outputSize: output.height,
      inputSize: input.height,
      kernel: weights.kernelHeight,
      stride: strides[0],
      pad: pads[0],
      dilation: dilations[0],
    }),
    columns: axisCases({
      outputSize: output.width,
      inputSize: input.width,
      kernel: weights.kernelWidth,
      stride: strides[1],
      pad: pads[1],
      dilation: dilations[1],
    }),
  };
}

/**
 * Summed-area table over the taps: table[(row + 1) * (kW + 1) + (column + 1)] is the sum of the taps in rows 0 to `row`
 * and columns 0 to `column`. The sum over any rectangle of taps then costs four look-ups.
 */
function summedArea(taps: Float64Array, kernelHeight: number, kernelWidth: number): Float64Array {
  const pitch = kernelWidth + 1;
  const table = new Float64Array((kernelHeight + 1) * pitch);
  for (let kernelRow = 0; kernelRow < kernelHeight; kernelRow++) {
    for (let kernelColumn = 0; kernelColumn < kernelWidth; kernelColumn++) {
      table[(kernelRow + 1) * pitch + kernelColumn + 1] =
        taps[kernelRow * kernelWidth + kernelColumn]! +
        table[kernelRow * pitch + kernelColumn + 1]! +
        table[(kernelRow + 1) * pitch + kernelColumn]! -
        table[kernelRow * pitch + kernelColumn]!;
    }
  }
  return table;
}

function rectangle(table: Float64Array, pitch: number, row: AxisCase, column: AxisCase): number {
  if (row.taps === null || column.taps === null) return 0;
  const top = row.taps.first * pitch;
  const bottom = (row.taps.last + 1) * pitch;
  const left = column.taps.first;
  const right = column.taps.last + 1;
  return table[bottom + right]! - table[top + right]! - table[bottom + left]! + table[top + left]!;
}

function analyzeChannel(spec: ConvSpec, centred: Int32Array, channel: number, cases: Cases): ChannelAnalysis {
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const taps = kernelHeight * kernelWidth;
  const range = centredInputRange(spec.input);
  const lowPlane = new Float64Array(taps);
  const highPlane = new Float64Array(taps);
  const base = channel * channelsPerGroup * taps;
  for (let index = 0; index < channelsPerGroup * taps; index++) {
    const weight = centred[base + index]!;
    const tap = index % taps;
    lowPlane[tap]! += Math.min(weight * range.lo, weight * range.hi);
    highPlane[tap]! += Math.max(weight * range.lo, weight * range.hi);
  }
  const lowTable = summedArea(lowPlane, kernelHeight, kernelWidth);
  const highTable = summedArea(highPlane, kernelHeight, kernelWidth);
  const pitch = kernelWidth + 1;
  let lo = Infinity;
  let hi = -Infinity;
  let lowCell: [number, number] = [0, 0];
  let highCell: [number, number] = [0, 0];
  for (const row of cases.rows) {
    for (const column of cases.columns) {
      const low = rectangle(lowTable, pitch, row, column);
      const high = rectangle(highTable, pitch, row, column);
      if (low < lo) [lo, lowCell] = [low, [row.position, column.position]];
      if (high > hi) [hi, highCell] = [high, [row.position, column.position]];
    }
  }
  const bias = spec.bias[channel]!;
  return { interval: { lo: lo + bias, hi: hi + bias }, lowCell, highCell };
}

/** Exact accumulator range of every output channel, over all inputs in `spec.input.range` and all border cases. */
export function analyzeAccumulator(spec: ConvSpec): AccumulatorAnalysis {
  const cases = borderCases(spec);
  const centred = centredWeights(spec.weights);
  const channels = Array.from({ length: spec.weights.outChannels }, (_, channel) =>
    analyzeChannel(spec, centred, channel, cases),
  );
  const intervals = channels.map((channel) => channel.interval);
  return {
    channels,
    interval: intervals.reduce(hull),
    decodeWidth: intervals.reduce((widest, { lo, hi }) => Math.max(widest, hi - lo + 1), 1),
  };
}

/** Which end of an output channel's interval a witness reaches. */
export type End = 'low' | 'high';

/**
 * One image (flat CHW, raw values) on which output channel `channel` reaches the end `end` of its interval at the
 * cell that `analyzeAccumulator` names. Positions that the cell does not see hold the range's value nearest to zero
 * point.
 */
export function witnessImage(
  spec: ConvSpec,
  analysis: AccumulatorAnalysis,
  channel: number,
  end: End,
): Float64Array {
  const { input, weights, strides, pads, dilations } = spec;
  const { channelsPerGroup, kernelHeight, kernelWidth } = weights;
  const centred = centredWeights(weights);
  const idle = Math.min(Math.max(input.zeroPoint, input.range.lo), input.range.hi);
  const image = new Float64Array(input.channels * input.height * input.width).fill(idle);
  const found = analysis.channels[channel]!;
  const [row, column] = end === 'low' ? found.lowCell : found.highCell;
  const firstChannel = firstChannelOf(spec, channel);
  for (let c = 0; c < channelsPerGroup; c++) {
    for (let kernelRow = 0; kernelRow < kernelHeight; kernelRow++) {
      for (let kernelColumn = 0; kernelColumn < kernelWidth; kernelColumn++) {
        const y = row * strides[0] - pads[0] + kernelRow * dilations[0];
        const x = column * strides[1] - pads[1] + kernelColumn * dilations[1];
        if (y < 0 || y >= input.height || x < 0 || x >= input.width) continue;
        const weight =
          centred[
            ((channel * channelsPerGroup + c) * kernelHeight + kernelRow) * kernelWidth + kernelColumn
          ]!;
        const wantsHigh = weight >= 0 === (end === 'high');
        image[((firstChannel + c) * input.height + y) * input.width + x] = wantsHigh
          ? input.range.hi
          : input.range.lo;
      }
    }
  }
  return image;
}
