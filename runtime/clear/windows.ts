import type { ConvSpec } from '../../compiler/spec.ts';
import { elementCount } from '../../compiler/tensor.ts';
import type { Tensor } from '../../compiler/tensor.ts';
import { copyInto } from './copy.ts';
import { fromTensor, permute, strided, view } from './strided.ts';
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

/**
 * The input with the zero point taken off and the pads materialised as zeros, channels last:
 * [batch, top + height + bottom, left + width + right, channels]. Centring comes first: a padded tap contributes 0.
 * @param input raw values, NCHW
 */
export function padImage(input: Tensor, pads: Geometry['pads'], zeroPoint: number): Strided {
  const [top, left, bottom, right] = pads;
  const [batch = 0, channels = 0, height = 0, width = 0] = input.shape;
  const shape = [batch, top + height + bottom, left + width + right, channels];
  const target = strided(new Float64Array(elementCount(shape)), shape);
  const [imageStride = 0, rowStride = 0, columnStride = 0] = target.strides;
  const source = permute(fromTensor(input), [0, 2, 3, 1]);
  const line = new Float64Array(width * channels);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < height; i++) {
      const offset = n * source.strides[0]! + i * source.strides[1]!;
      copyInto(view(source, { shape: [width, channels], strides: source.strides.slice(2), offset }), line);
      const at = n * imageStride + (top + i) * rowStride + left * columnStride;
      for (let index = 0; index < line.length; index++) target.data[at + index] = line[index]! - zeroPoint;
    }
  }
  return target;
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
