import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { toTensor } from './copy.ts';
import { packColumns, unpackSums } from './lanes.ts';
import { groupLanes } from './lines.ts';
import { multiplyAdd } from './product.ts';
import { permute, strided } from './strided.ts';
import type { Strided } from './strided.ts';
import { checkShape, geometryOf, groupFilter, padImage, windows } from './windows.ts';
import type { Geometry } from './windows.ts';

/** The image that `fold` makes. */
export interface ImageSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Windows in PyTorch's order, [N, C, kH, kW, OutH, OutW], as a copy. */
function unfoldWindows(image: Strided, geometry: Geometry): Tensor {
  return toTensor(permute(windows(image, geometry), [0, 5, 3, 4, 1, 2]));
}

function joined({ shape, data }: Tensor): Tensor {
  const [batch = 0, channels = 0, kernelHeight = 0, kernelWidth = 0, outHeight = 0, outWidth = 0] = shape;
  return { shape: [batch, channels * kernelHeight * kernelWidth, outHeight * outWidth], data };
}

/**
 * The columns of `torch.nn.Unfold`: [N, C*kH*kW, L] with L = OutH*OutW; row (c*kH + a)*kW + e holds what tap (a, e) of
 * channel c sees at each output cell, 0 in the pads (which may differ on the four sides).
 * @param input NCHW
 * @throws CipherconvError when the kernel does not fit into the padded image
 */
export function unfold(input: Tensor, geometry: Geometry): Tensor {
  return joined(unfoldWindows(padImage(input, geometry.pads, 0).image, geometry));
}

/**
 * The adjoint of `unfold`, `torch.nn.Fold`: every column entry is added to the pixel that it was taken from; what falls
 * on pads is dropped. fold(unfold(x)) is x times the number of windows that see each pixel.
 * @param columns [N, C*kH*kW, L]
 * @returns NCHW
 * @throws CipherconvError `shape-mismatch` when the columns do not belong to such an image
 */
export function fold(columns: Tensor, geometry: Geometry, size: ImageSize): Tensor {
  const { channels, height, width } = size;
  const [batch = 0] = columns.shape;
  const [kernelHeight, kernelWidth] = geometry.kernel;
  const [top, left, bottom, right] = geometry.pads;
  const outHeight = cells(height + top + bottom, geometry, 0);
  const outWidth = cells(width + left + right, geometry, 1);
  const expected = [batch, channels * kernelHeight * kernelWidth, outHeight * outWidth];
  if (columns.shape.join() !== expected.join()) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      message: 'the columns do not belong to this image',
      expected: `[${expected.join(', ')}]`,
      found: `[${columns.shape.join(', ')}]`,
    });
  }
  const data = new Float64Array(batch * channels * height * width);
  let at = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
      const y0 = Math.floor(tap / kernelWidth) * geometry.dilations[0] - top;
      const x0 = (tap % kernelWidth) * geometry.dilations[1] - left;
      for (let cell = 0; cell < outHeight * outWidth; cell++, at++) {
        const y = y0 + Math.floor(cell / outWidth) * geometry.strides[0];
        const x = x0 + (cell % outWidth) * geometry.strides[1];
        if (y < 0 || y >= height || x < 0 || x >= width) continue;
        data[(plane * height + y) * width + x]! += columns.data[at]!;
      }
    }
  }
  return { shape: [batch, channels, height, width], data };
}

function cells(padded: number, { kernel, strides, dilations }: Geometry, axis: 0 | 1): number {
  const reach = (kernel[axis] - 1) * dilations[axis] + 1;
  return Math.max(0, Math.floor((padded - reach) / strides[axis]) + 1);
}

/** The columns of group `g` of image `n` as (L x depth), a transposed view. */
function groupColumns({ data, shape }: Tensor, n: number, firstRow: number, depth: number): Strided {
  const [, rows = 0, cellCount = 0] = shape;
  return strided(data, [cellCount, depth], [1, cellCount], (n * rows + firstRow) * cellCount);
}

/**
 * The convolution over the unfold layout: filter (Cout x C*kH*kW) times columns (C*kH*kW x L), per image and group.
 * Stores all columns of the batch: kH*kW times the input.
 * @param input raw values, NCHW
 * @returns accumulators, NCHW, exact
 * @throws CipherconvError `shape-mismatch`, or `out-of-range` for inputs so large that a sum could round
 */
export function convolveUnfold(spec: ConvSpec, input: Tensor): Tensor {
  checkShape(spec, input);
  const { image, largest } = padImage(input, spec.pads, spec.input.zeroPoint);
  const patches = unfoldWindows(image, geometryOf(spec));
  const [batch = 0, , kernelHeight = 0, kernelWidth = 0, outHeight = 0, outWidth = 0] = patches.shape;
  const columns = joined(patches);
  const cellCount = outHeight * outWidth;
  const { outChannels, channelsPerGroup } = spec.weights;
  const depth = channelsPerGroup * kernelHeight * kernelWidth;
  const outputs = outChannels / spec.group;
  const data = new Float64Array(batch * outChannels * cellCount);
  for (let g = 0; g < spec.group; g++) {
    const filter = permute(groupFilter(spec, g), [2, 0, 1, 3]);
    const layout = groupLanes(filter, largest);
    const packed = packColumns(filter, layout);
    const bias = spec.bias.slice(g * outputs, (g + 1) * outputs);
    for (let n = 0; n < batch; n++) {
      const sums = new Float64Array(cellCount * layout.columns);
      multiplyAdd(groupColumns(columns, n, g * depth, depth), packed, sums);
      const offset = (n * outChannels + g * outputs) * cellCount;
      unpackSums(sums, layout, bias, strided(data, [cellCount, outputs], [1, cellCount], offset));
    }
  }
  return { shape: [batch, outChannels, outHeight, outWidth], data };
}
