/**
 * The network, in integers only: three convolutions whose accumulators are held to ACCUMULATOR_BITS, two of them followed
 * by a shift (rounded half to even), a clip to 2 bits and one of them by max pooling. The last one, a dense layer, covers
 * its whole input and ends in one accumulator for each digit.
 */
import { makeTensor, requantize } from '../../../src/index.ts';
import type { Tensor } from '../../../src/index.ts';
import { CLASSES, INPUT_BITS, SIZE } from './drawings.ts';

/** Every accumulator fits so many bits, signed, whatever the input is. */
export const ACCUMULATOR_BITS = 8;

/** All layers take unsigned integers of so many bits. */
export const ACTIVATION_BITS = INPUT_BITS;
export const LARGEST_ACTIVATION = 2 ** ACTIVATION_BITS - 1;

export interface LayerShape {
  readonly name: string;
  readonly channels: number;
  /** Rows, and columns, of the input. */
  readonly size: number;
  readonly kernel: number;
  readonly outputs: number;
  /** Signed, symmetric: magnitudes of at most 2^(weightBits - 1) - 1. */
  readonly weightBits: number;
  /** Between this layer and the next; null after the last one, whose accumulators are the scores. */
  readonly next: { readonly shift: number; readonly pool: number } | null;
}

export const LAYERS: readonly LayerShape[] = [
  {
    name: 'strokes',
    channels: 1,
    size: SIZE,
    kernel: 3,
    outputs: 8,
    weightBits: 3,
    next: { shift: 3, pool: 2 },
  },
  {
    name: 'parts',
    channels: 8,
    size: 5,
    kernel: 3,
    outputs: 16,
    weightBits: 3,
    next: { shift: 3, pool: 1 },
  },
  { name: 'digits', channels: 16, size: 3, kernel: 3, outputs: CLASSES, weightBits: 2, next: null },
];

/** The integers of one trained layer. */
export interface Layer {
  readonly shape: LayerShape;
  /** Flat OIHW. */
  readonly weights: Float32Array;
  /** One for each output channel. */
  readonly bias: Float32Array;
}

/** Rows, and columns, of the accumulators. */
export function outputSize({ size, kernel }: LayerShape): number {
  return size - kernel + 1;
}

/** Weights that one output channel sums over. */
export function tapCount({ channels, kernel }: LayerShape): number {
  return channels * kernel * kernel;
}

/** Accumulators of one picture, [output][row][column]. */
export function accumulate({ shape, weights, bias }: Layer, input: Float32Array): Float32Array {
  const { channels, size, kernel, outputs } = shape;
  const extent = outputSize(shape);
  const sums = new Float32Array(outputs * extent * extent);
  let tap = 0;
  for (let output = 0; output < outputs; output++) {
    const first = output * extent * extent;
    sums.fill(bias[output]!, first, first + extent * extent);
    for (let channel = 0; channel < channels; channel++) {
      for (let a = 0; a < kernel; a++) {
        for (let b = 0; b < kernel; b++) {
          const weight = weights[tap++]!;
          if (weight === 0) continue;
          for (let row = 0; row < extent; row++) {
            const line = (channel * size + row + a) * size + b;
            const sum = first + row * extent;
            for (let column = 0; column < extent; column++)
              sums[sum + column]! += weight * input[line + column]!;
          }
        }
      }
    }
  }
  return sums;
}

/** What the client does between two layers: shift, clip, pool. Accumulators and activations NCHW. */
export function activate(accumulators: Tensor, { shift, pool }: { shift: number; pool: number }): Tensor {
  const activations = requantize(accumulators, {
    kind: 'qlinear',
    scale: [2 ** -shift],
    outputZeroPoint: 0,
    clamp: { lo: 0, hi: LARGEST_ACTIVATION },
  });
  return pool === 1 ? activations : maxPool(activations, pool);
}

/** Windows of pool x pool that do not overlap. */
function maxPool({ shape, data }: Tensor, pool: number): Tensor {
  const [batch = 1, channels = 1, size = 1] = shape;
  const extent = Math.floor(size / pool);
  const pooled = new Float64Array(batch * channels * extent * extent);
  for (let cell = 0; cell < pooled.length; cell++) {
    const plane = Math.floor(cell / (extent * extent));
    const [row, column] = [Math.floor(cell / extent) % extent, cell % extent];
    for (let within = 0; within < pool * pool; within++) {
      const [y, x] = [row * pool + Math.floor(within / pool), column * pool + (within % pool)];
      pooled[cell] = Math.max(pooled[cell]!, data[(plane * size + y) * size + x]!);
    }
  }
  return makeTensor([batch, channels, extent, extent], pooled);
}

/** The digit with the highest score; the smallest of them when several have it. */
export function answer(scores: ArrayLike<number>): number {
  let best = 0;
  for (let digit = 1; digit < scores.length; digit++) if (scores[digit]! > scores[best]!) best = digit;
  return best;
}
