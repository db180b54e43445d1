import type { Tensor } from '../../compiler/base/tensor.ts';

/** Planes of tensors of one picture, NCHW. */

export interface Extents {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export function sizeOf({ shape }: Tensor): Extents {
  const [, channels = 0, height = 0, width = 0] = shape;
  return { channels, height, width };
}

/** One channel, row by row. */
export function planeOf(tensor: Tensor, channel: number): Float64Array {
  const { height, width } = sizeOf(tensor);
  return tensor.data.subarray(channel * height * width, (channel + 1) * height * width);
}

/** Whole numbers with every digit, others with seven: what a float32 holds. */
export function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
}
