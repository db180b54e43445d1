import { centredInputRange } from '../../compiler/spec.ts';
import type { ConvSpec } from '../../compiler/spec.ts';
import type { Tensor } from '../../compiler/tensor.ts';
import { checkInput } from '../checkInput.ts';
import { largestL1, planLanes, unpackSums } from './lanes.ts';
import type { Lanes } from './lanes.ts';
import { select, strided } from './strided.ts';
import type { Strided } from './strided.ts';
import { channelRange, geometryOf, groupFilter, padImage, windows } from './windows.ts';

/**
 * Adds one line of outputs to `sums` [outWidth, columns].
 * @param patches the line's windows [outWidth, kernelHeight, kernelWidth, channels of the group], zero copy
 */
export type LineProduct = (patches: Strided, sums: Float64Array) => void;

/** Prepares the product for the filter of one group, [kernelHeight, kernelWidth, channels, outputs]. */
export type PrepareProduct = (filter: Strided, layout: Lanes) => LineProduct;

/** The lanes of one group's filter: M = largest |x - zeroPoint| in range * largest L1 norm bounds every partial sum. */
export function groupLanes(spec: ConvSpec, filter: Strided): Lanes {
  const { lo, hi } = centredInputRange(spec.input);
  // At least 1, so that M bounds the weights themselves as well.
  const largestInput = Math.max(1, Math.abs(lo), Math.abs(hi));
  return planLanes(filter.shape.at(-1) ?? 0, largestInput * largestL1(filter));
}

/**
 * The frame of the matrix executors: one product per group, image and output row, so that what it touches stays in the
 * cache and nothing larger than the padded input is ever stored.
 * @returns accumulators, NCHW
 * @throws CipherconvError as `checkInput`: the sums are exact for inputs in the declared range
 */
export function convolveLines(spec: ConvSpec, input: Tensor, prepare: PrepareProduct): Tensor {
  checkInput(input, spec);
  const patches = windows(padImage(input, spec.pads, spec.input.zeroPoint), geometryOf(spec));
  const [batch = 0, outHeight = 0, outWidth = 0] = patches.shape;
  const { outChannels, channelsPerGroup } = spec.weights;
  const shape = [batch, outChannels, outHeight, outWidth];
  const data = new Float64Array(batch * outChannels * outHeight * outWidth);
  const outputs = outChannels / spec.group;
  const plane = outHeight * outWidth;
  for (let g = 0; g < spec.group; g++) {
    const filter = groupFilter(spec, g);
    const layout = groupLanes(spec, filter);
    const multiply = prepare(filter, layout);
    const bias = spec.bias.slice(g * outputs, (g + 1) * outputs);
    const visible = channelRange(patches, g * channelsPerGroup, channelsPerGroup);
    const sums = new Float64Array(outWidth * layout.columns);
    for (let n = 0; n < batch; n++) {
      const image = select(visible, n);
      for (let i = 0; i < outHeight; i++) {
        sums.fill(0);
        multiply(select(image, i), sums);
        const offset = (n * outChannels + g * outputs) * plane + i * outWidth;
        unpackSums(sums, layout, bias, strided(data, [outWidth, outputs], [1, plane], offset));
      }
    }
  }
  return { shape, data };
}
