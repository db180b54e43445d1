import { CipherconvError } from '../../compiler/base/errors.ts';
import { datatypeRange } from '../../compiler/base/interval.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import { MAX_BITS } from '../../compiler/convolution/checkShape.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import { roundHalfEven } from '../../runtime/clear/requantize.ts';

/** Floating-point numbers in C order. */
export interface Floats {
  /** Extents of the axes, the slowest first. */
  readonly shape: readonly number[];
  /** Finite numbers, as many as the product of the extents. */
  readonly data: ArrayLike<number>;
}

/** How floats become integers. */
export interface QuantizeOptions {
  /** Bits of one integer: 1 to 16, from 2 for signed symmetric ones. */
  readonly bits: number;
  /** Whether the integers are two's complement. */
  readonly signed: boolean;
  /**
   * `symmetric`: zero point 0, scale = largest magnitude / largest integer. `affine`: the range from the smallest to the
   * largest number, widened to contain 0, is spread over all integers, and 0 becomes the zero point exactly.
   */
  readonly mode: 'symmetric' | 'affine';
  /**
   * `tensor`: one scale. Otherwise the axis of the output channels (0 in OIHW, 3 in HWIO), one scale for each.
   */
  readonly axis: 'tensor' | number;
  /** Floats outside saturate. Default: what occurs, so that nothing does. */
  readonly range?: readonly [number, number];
}

/** float ~ scale * (value - zeroPoint), with scale and zero point of the element's channel. */
export interface Quantized {
  /** Extents, as the floats have them. */
  readonly shape: readonly number[];
  /** Integers in the layout of the floats. */
  readonly values: number[];
  /** One, or one per output channel. */
  readonly scales: number[];
  /** One, or one per output channel; zeros where `symmetric`. */
  readonly zeroPoints: number[];
  /** Bits of one integer. */
  readonly bits: number;
  /** Whether the integers are two's complement. */
  readonly signed: boolean;
}

interface Scheme {
  readonly scale: number;
  readonly zeroPoint: number;
}

function refuse(where: string, message: string, expected: string, found: string): never {
  throw new CipherconvError({ code: 'out-of-range', where, message, expected, found });
}

function clamp(value: number, { lo, hi }: Interval): number {
  return Math.min(Math.max(value, lo), hi);
}

/** A range so narrow that its scale underflows quantizes to zeros, as an all-zero one does, with scale 1. */
function usableScale(span: number, levels: number): number {
  const scale = span / levels;
  if (!Number.isFinite(scale)) refuse('floats', 'the range is too wide', 'a finite range', String(span));
  return scale > 0 ? scale : 1;
}

function symmetric(floats: Interval, integers: Interval): Scheme {
  // An unsigned type has no negative integers to spread over: negative floats saturate to 0.
  const magnitude = integers.lo < 0 ? Math.max(-floats.lo, floats.hi) : floats.hi;
  return { scale: usableScale(magnitude, integers.hi), zeroPoint: 0 };
}

function affine(floats: Interval, integers: Interval): Scheme {
  if (floats.lo === 0 && floats.hi === 0) return { scale: 1, zeroPoint: 0 };
  const scale = usableScale(floats.hi - floats.lo, integers.hi - integers.lo);
  return { scale, zeroPoint: clamp(roundHalfEven(integers.lo - floats.lo / scale), integers) };
}

/** Number of channels, and how many consecutive elements share one before the next begins. */
function channelLayout({ shape }: Floats, axis: 'tensor' | number): { channels: number; run: number } {
  if (axis === 'tensor') return { channels: 1, run: 1 };
  const channels = shape[axis];
  if (channels === undefined) refuse('axis', 'no such axis', `0 to ${shape.length - 1}`, String(axis));
  return { channels, run: elementCount(shape.slice(axis + 1)) };
}

function checkOptions(floats: Floats, { bits, signed, mode, range }: QuantizeOptions): void {
  // One signed bit holds -1 and 0: no positive integer to scale to.
  const fewest = signed && mode === 'symmetric' ? 2 : 1;
  if (!Number.isInteger(bits) || bits < fewest || bits > MAX_BITS) {
    refuse('bits', 'unsupported width', `${fewest} to ${MAX_BITS}`, String(bits));
  }
  if (
    range !== undefined &&
    !(Number.isFinite(range[0]) && Number.isFinite(range[1]) && range[0] <= range[1])
  ) {
    refuse('range', 'not a range', '[lo, hi] with lo <= hi', `[${range.join(', ')}]`);
  }
  if (floats.data.length !== elementCount(floats.shape)) {
    throw new CipherconvError({
      code: 'malformed-tensor',
      message: 'the number of values does not fill the shape',
      expected: `${elementCount(floats.shape)} values for shape [${floats.shape.join(', ')}]`,
      found: `${floats.data.length} values`,
    });
  }
}

/** Ranges of all channels, 0 included. */
function floatRanges({ data }: Floats, channels: number, channelOf: (index: number) => number): Interval[] {
  const lows = new Float64Array(channels);
  const highs = new Float64Array(channels);
  for (let index = 0; index < data.length; index++) {
    const value = data[index]!;
    if (!Number.isFinite(value)) refuse(`floats[${index}]`, 'not a finite number', 'a number', String(value));
    const channel = channelOf(index);
    lows[channel] = Math.min(lows[channel]!, value);
    highs[channel] = Math.max(highs[channel]!, value);
  }
  return Array.from({ length: channels }, (_, channel) => ({ lo: lows[channel]!, hi: highs[channel]! }));
}

/**
 * Quantizes floats: saturate(round half to even(x / scale) + zeroPoint), the QuantizeLinear of ONNX in doubles. An
 * all-zero channel gets scale 1 and zero point 0. The integers fit `WeightSpec` and the filter config as they are.
 * @throws CipherconvError `out-of-range` for widths, axes and numbers that cannot be quantized, `malformed-tensor` when
 * the data do not fill the shape
 */
export function quantize(floats: Floats, options: QuantizeOptions): Quantized {
  checkOptions(floats, options);
  const { bits, signed, mode, range } = options;
  const { channels, run } = channelLayout(floats, options.axis);
  const channelOf = (index: number): number => Math.floor(index / run) % channels;
  const integers = datatypeRange(bits, signed);
  const schemes = floatRanges(floats, channels, channelOf).map((found) => {
    const used = range === undefined ? found : { lo: Math.min(range[0], 0), hi: Math.max(range[1], 0) };
    return mode === 'symmetric' ? symmetric(used, integers) : affine(used, integers);
  });
  // Symmetric stays symmetric when a given range saturates: -128 is not used.
  const limits = mode === 'symmetric' && signed ? { lo: -integers.hi, hi: integers.hi } : integers;
  const values = Array.from(floats.data, (value, index) => {
    const { scale, zeroPoint } = schemes[channelOf(index)]!;
    // `+ 0` turns -0 into 0.
    return clamp(roundHalfEven(value / scale) + zeroPoint, limits) + 0;
  });
  return {
    shape: [...floats.shape],
    values,
    scales: schemes.map(({ scale }) => scale),
    zeroPoints: schemes.map(({ zeroPoint }) => zeroPoint),
    bits,
    signed,
  };
}
