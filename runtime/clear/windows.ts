import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { permute, strided, view } from './strided.ts';
import type { Strided } from './strided.ts';

/** Where the windows of a convolution lie; pairs are [vertical, horizontal], pads [top, left, bottom, right]. */
export interface Geometry {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
}

export function geometryOf({ weights, strides, pads, dilations }: ConvSpec): Geometry {
  return { kernel: [weights.kernelHeight, weights.kernelWidth], strides, pads, dilations };
}

/** @throws CipherconvError `shape-mismatch` when the input does not have the shape of the spec (NCHW). */
export function checkShape({ input: declared }: ConvSpec, input: Tensor): void {
  const expected = [declared.batch, declared.channels, declared.height, declared.width];
  if (input.shape.join() === expected.join() && input.data.length === elementCount(expected)) return;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where: 'input',
    message: 'the tensor does not have the shape of the convolution',
    expected: `[${expected.join(', ')}] (NCHW), ${elementCount(expected)} values`,
    found: `[${input.shape.join(', ')}], ${input.data.length} values`,
  });
}

/** An image with its pads as zeros. */
export interface PaddedImage {
  /** [batch, top + height + bottom, left + width + right, channels] */
  readonly image: Strided;
  /** Largest magnitude in it. */
  readonly largest: number;
}

/**
 * Takes the zero point off, materialises the pads as zeros and puts channels last. Centring comes first: a padded tap
 * contributes 0.
 * @param input raw values, NCHW
 */
export function padImage(input: Tensor, pads: Geometry['pads'], zeroPoint: number): PaddedImage {
  const [top, left, bottom, right] = pads;
  const [batch = 0, channels = 0, height = 0, width = 0] = input.shape;
  const rowCount = top + height + bottom;
  const columnCount = left + width + right;
  const target = new Float64Array(batch * rowCount * columnCount * channels);
  let [lowest, highest] = [0, 0];
  let from = 0;
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < height; i++) {
        let to = ((n * rowCount + top + i) * columnCount + left) * channels + c;
        for (let j = 0; j < width; j++) {
          const value = input.data[from++]! - zeroPoint;
          if (value < lowest) lowest = value;
          else if (value > highest) highest = value;
          target[to] = value;
          to += channels;
        }
      }
    }
  }
  const image = strided(target, [batch, rowCount, columnCount, channels]);
  return { image, largest: Math.max(-lowest, highest) };
}

/** Positions of a dilated kernel on one padded axis. */
function positions(size: number, kernel: number, stride: number, dilation: number): number {
  return Math.floor((size - (kernel - 1) * dilation - 1) / stride) + 1;
}

/**
 * All windows of a padded image without a copy: [batch, outHeight, outWidth, kernelHeight, kernelWidth, channels] from
 * the image's own strides. Element (n, i, j, a, e, c) is the pixel that tap (a, e) sees at output cell (i, j).
 * @param image [batch, height, width, channels], any strides
 * @throws CipherconvError as `view` does, when the kernel does not fit into the image.
 */
export function windows(image: Strided, { kernel, strides, dilations }: Geometry): Strided {
  const [batch = 0, height = 0, width = 0, channels = 0] = image.shape;
  const [imageStride = 0, rowStride = 0, columnStride = 0, channelStride = 0] = image.strides;
  const outHeight = positions(height, kernel[0], strides[0], dilations[0]);
  const outWidth = positions(width, kernel[1], strides[1], dilations[1]);
  return view(image, {
    shape: [batch, outHeight, outWidth, kernel[0], kernel[1], channels],
    strides: [
      imageStride,
      strides[0] * rowStride,
      strides[1] * columnStride,
      dilations[0] * rowStride,
      dilations[1] * columnStride,
      channelStride,
    ],
  });
}

/** The channels [first, first + count) of windows as `windows` makes them; zero copy. */
export function channelRange(patches: Strided, first: number, count: number): Strided {
  const { shape, strides, offset } = patches;
  return view(patches, {
    shape: [...shape.slice(0, 5), count],
    strides,
    offset: offset + first * strides[5]!,
  });
}

/** The filter of one group with its zero points taken off: [kernelHeight, kernelWidth, channels, outputs] (HWIO). */
export function groupFilter({ weights, group }: ConvSpec, index: number): Strided {
  const { channelsPerGroup, kernelHeight, kernelWidth, values, zeroPoints } = weights;
  const outputs = weights.outChannels / group;
  const shape = [outputs, channelsPerGroup, kernelHeight, kernelWidth];
  const perOutput = channelsPerGroup * kernelHeight * kernelWidth;
  const first = index * outputs;
  const centred = Float64Array.from(
    { length: outputs * perOutput },
    (_, at) => values[first * perOutput + at]! - zeroPoints[first + Math.floor(at / perOutput)]!,
  );
  return permute(strided(centred, shape), [2, 3, 1, 0]);
}
