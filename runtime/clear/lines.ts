import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { largestL1, planLanes, unpackSums } from './lanes.ts';
import type { Lanes } from './lanes.ts';
import { select, strided } from './strided.ts';
import type { Strided } from './strided.ts';
import { channelRange, checkShape, geometryOf, groupFilter, padImage, windows } from './windows.ts';

/**
 * Adds one line of outputs to `sums` [outWidth, columns].
 * @param shift from the first line's windows to this line's, elements
 */
type LineProduct = (shift: number, sums: Float64Array) => void;

/**
 * Prepares the product for one group, once for all lines: they differ in nothing but where they lie.
 * @param filter [kernelHeight, kernelWidth, channels, outputs]
 * @param patches the windows of the first line [outWidth, kernelHeight, kernelWidth, channels], zero copy
 */
export type PrepareProduct = (filter: Strided, layout: Lanes, patches: Strided) => LineProduct;

/**
 * The lanes of one group's filter: M = largest centred input * largest L1 norm bounds every partial sum.
 * @param largestInput of the very input at hand, so that nothing rests on its declared range
 */
export function groupLanes(filter: Strided, largestInput: number): Lanes {
  // At least 1, so that M bounds the weights themselves as well.
  return planLanes(filter.shape.at(-1) ?? 0, Math.max(1, largestInput) * largestL1(filter));
}

/**
 * The frame of the matrix executors: one product per group, image and output row, so that what it touches stays in the
 * cache and nothing larger than the padded input is ever stored.
 * @returns accumulators, NCHW
 * @throws CipherconvError `shape-mismatch`, or `out-of-range` for inputs so large that a sum could round
 */
export function convolveLines(spec: ConvSpec, input: Tensor, prepare: PrepareProduct): Tensor {
  checkShape(spec, input);
  const { image, largest } = padImage(input, spec.pads, spec.input.zeroPoint);
  const patches = windows(image, geometryOf(spec));
  const [batch = 0, outHeight = 0, outWidth = 0] = patches.shape;
  const [imageStride = 0, lineStride = 0] = patches.strides;
  const { outChannels, channelsPerGroup } = spec.weights;
  const shape = [batch, outChannels, outHeight, outWidth];
  const data = new Float64Array(batch * outChannels * outHeight * outWidth);
  const outputs = outChannels / spec.group;
  const plane = outHeight * outWidth;
  for (let g = 0; g < spec.group; g++) {
    const filter = groupFilter(spec, g);
    const layout = groupLanes(filter, largest);
    const visible = channelRange(patches, g * channelsPerGroup, channelsPerGroup);
    const multiply = prepare(filter, layout, select(select(visible, 0), 0));
    const bias = spec.bias.slice(g * outputs, (g + 1) * outputs);
    const firstLine = strided(data, [outWidth, outputs], [1, plane], g * outputs * plane);
    const sums = new Float64Array(outWidth * layout.columns);
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < outHeight; i++) {
        sums.fill(0);
        multiply(n * imageStride + i * lineStride, sums);
        unpackSums(sums, layout, bias, firstLine, n * outChannels * plane + i * outWidth);
      }
    }
  }
  return { shape, data };
}
