import { CipherconvError } from '../../compiler/base/errors.ts';
import { datatypeRange } from '../../compiler/base/interval.ts';
import type { Width } from '../../compiler/base/interval.ts';
import type { NpyNumbers } from '../frontend/npy.ts';
import { quantize } from '../frontend/quantize.ts';
import type { KernelChannels } from './kernels.ts';

/** Weights of a config to be, and what became of the numbers that they were. */
export interface Filter extends Width {
  /** OIHW. */
  readonly shape: readonly [number, number, number, number];
  readonly values: readonly number[];
  /** Real weight per integer, one per output channel; null where the integers are the weights. */
  readonly scales: readonly number[] | null;
  /** The largest difference between a weight and what stands for it, in weights; 0 for integers. */
  readonly error: number;
  /** The largest of the weights that they were, by magnitude. */
  readonly largest: number;
}

/** A filter's integers as they are, or in fewer bits. @param bits null: as few as hold them exactly */
export function filterOfKernel(channels: KernelChannels, bits: number | null): Filter {
  const size = Math.sqrt(channels[0]?.length ?? 1);
  return filterOf([channels.length, 1, size, size], channels.flat(), { bits, scale: null });
}

/**
 * Weights of a .npy file: [O, I, H, W], or [H, W] for one filter of one channel.
 * @throws CipherconvError `shape-mismatch`; `usage` for floats without bits
 */
export function filterOfNumbers(
  { shape, data, type }: NpyNumbers,
  file: string,
  options: { readonly bits: number | null; readonly scale: number | null },
): Filter {
  const [first = 0, second = 0, third = 0, fourth = 0] = shape;
  const isPlane = shape.length === 2;
  if ((!isPlane && shape.length !== 4) || data.length === 0) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: file,
      message: 'not the shape of a filter',
      expected: '[O, I, H, W], or [H, W] for one filter of one channel',
      found: `[${shape.join(', ')}]`,
    });
  }
  if (type.startsWith('f') && options.bits === null) {
    throw new CipherconvError({
      code: 'usage',
      where: file,
      message: 'floats have to be quantized',
      hint: 'say to how many bits: --bits 4',
    });
  }
  return filterOf(
    isPlane ? [1, 1, first, second] : [first, second, third, fourth],
    Array.from(data),
    options,
  );
}

function filterOf(
  shape: Filter['shape'],
  weights: readonly number[],
  { bits, scale }: { readonly bits: number | null; readonly scale: number | null },
): Filter {
  const signed = weights.some((weight) => weight < 0);
  if (scale === null && weights.every(Number.isSafeInteger)) {
    const needed = bitsFor(weights, signed);
    if (bits === null || needed <= bits) {
      return {
        shape,
        values: weights.map((weight) => weight + 0),
        bits: bits ?? needed,
        signed,
        scales: null,
        error: 0,
        largest: largestOf(weights),
      };
    }
  }
  const width = { bits: bits ?? 16, signed };
  return scale === null ? quantized(shape, weights, width) : scaled(shape, weights, width, scale);
}

function bitsFor(weights: readonly number[], signed: boolean): number {
  for (let bits = 1; bits <= 16; bits++) {
    const { lo, hi } = datatypeRange(bits, signed);
    if (weights.every((weight) => weight >= lo && weight <= hi)) return bits;
  }
  return Infinity;
}

/** A scale for each output channel. */
function quantized(shape: Filter['shape'], weights: readonly number[], width: Width): Filter {
  const { values, scales, bits, signed } = quantize(
    { shape, data: weights },
    { ...width, mode: 'symmetric', axis: 0 },
  );
  return {
    shape,
    values,
    bits,
    signed,
    scales,
    error: largestError(weights, values, scales),
    largest: largestOf(weights),
  };
}

/** One scale that was given; what it does not hold is refused, not cut off. */
function scaled(shape: Filter['shape'], weights: readonly number[], width: Width, scale: number): Filter {
  const { lo, hi } = datatypeRange(width.bits, width.signed);
  const values = weights.map((weight) => Math.round(weight / scale) + 0);
  const wrong = values.findIndex((value) => !(value >= lo && value <= hi));
  if (wrong >= 0) {
    throw new CipherconvError({
      code: 'out-of-range',
      where: `weight ${wrong}`,
      message: `does not fit ${width.bits} bits at this scale`,
      expected: `${lo} to ${hi}`,
      found: `${weights[wrong]} / ${scale} = ${values[wrong]}`,
      hint: 'give more --bits or a larger --scale, or leave out --scale',
    });
  }
  const scales = Array.from({ length: shape[0] }, () => scale);
  return {
    shape,
    values,
    ...width,
    scales,
    error: largestError(weights, values, scales),
    largest: largestOf(weights),
  };
}

function largestOf(weights: readonly number[]): number {
  return weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
}

function largestError(
  weights: readonly number[],
  values: readonly number[],
  scales: readonly number[],
): number {
  const perOutput = weights.length / scales.length;
  return weights.reduce((most, weight, index) => {
    const scale = scales[Math.floor(index / perOutput)]!;
    return Math.max(most, Math.abs(weight - scale * values[index]!));
  }, 0);
}
