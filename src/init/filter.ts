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
  /** How many of the weights were not 0, and how many of those have become it. */
  readonly nonzero: { readonly before: number; readonly lost: number };
}

/** Symmetric signed integers need a bit for the sign and one for the number. */
const LEAST_SIGNED_BITS = 2;

/**
 * A filter's integers as they are, or in fewer bits.
 * @param bits null: as few as hold them exactly
 * @throws CipherconvError `usage` for bits that make another filter of it
 */
export function filterOfKernel(channels: KernelChannels, bits: number | null): Filter {
  const weights = channels.flat();
  const fault = bits === null ? null : kernelFault(channels, bits);
  if (bits !== null && fault !== null) {
    const exact = bitsFor(weights, isSigned(weights));
    let least = bits + 1;
    while (least < exact && kernelFault(channels, least) !== null) least++;
    throw new CipherconvError({
      code: 'usage',
      where: '--bits',
      message: `too few for this filter: ${fault}`,
      expected:
        least < exact
          ? `at least ${least}; ${exact} hold it exactly`
          : `at least ${exact}, which hold it exactly`,
      found: String(bits),
      hint: `give --bits ${least}, or leave out --bits`,
    });
  }
  return kernelIn(channels, bits);
}

function kernelIn(channels: KernelChannels, bits: number | null): Filter {
  const size = Math.sqrt(channels[0]?.length ?? 1);
  return filterOf([channels.length, 1, size, size], channels.flat(), { bits, scale: null });
}

/**
 * What makes the filter another one in that many bits; null: it stays what it is. What a flat picture becomes is part of
 * it: a sharpened one must not turn dark, and there are no edges in it.
 */
function kernelFault(channels: KernelChannels, bits: number): string | null {
  const weights = channels.flat();
  if (bits < LEAST_SIGNED_BITS && isSigned(weights)) return 'it has weights below 0';
  const { values } = kernelIn(channels, bits);
  const lost = lostWeights(weights, values);
  if (lost > 0)
    return `${lost} of its ${weights.filter((weight) => weight !== 0).length} weights would become 0`;
  const perOutput = channels[0]?.length ?? 1;
  const turned = channels.some((channel, output) => {
    const own = values.slice(output * perOutput, (output + 1) * perOutput);
    return Math.sign(sum(channel)) !== Math.sign(sum(own));
  });
  return turned ? 'the sum of its weights would have another sign' : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Weights that are not 0, and whose integers are. */
function lostWeights(weights: readonly number[], values: readonly number[]): number {
  return weights.filter((weight, index) => weight !== 0 && values[index] === 0).length;
}

function isSigned(weights: readonly number[]): boolean {
  return weights.some((weight) => weight < 0);
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
  const signed = isSigned(weights);
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
        nonzero: nonzeroOf(weights, weights),
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
    nonzero: nonzeroOf(weights, values),
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
    nonzero: nonzeroOf(weights, values),
  };
}

function nonzeroOf(weights: readonly number[], values: readonly number[]): Filter['nonzero'] {
  return {
    before: weights.filter((weight) => weight !== 0).length,
    lost: lostWeights(weights, values),
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
