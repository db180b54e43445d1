import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/**
 * The convolution in the clear, by its definition: seven nested loops over NCHW input and OIHW weights, with the
 * semantics of ONNX ConvInteger (a padded tap contributes 0). It is the oracle that encrypted results are compared
 * with, so it takes nothing but types from the compiler: no shape, no index, no helper.
 */

/** Taps first..last - 1 of one axis that fall on the image when tap 0 stands at `start` (which may be negative). */
function tapsOnImage(
  start: number,
  size: number,
  kernel: number,
  dilation: number,
): { first: number; end: number } {
  let first = 0;
  while (first < kernel && start + first * dilation < 0) first++;
  let end = kernel;
  while (end > first && start + (end - 1) * dilation >= size) end--;
  return { first, end };
}

function outputSize(
  size: number,
  before: number,
  after: number,
  kernel: number,
  dilation: number,
  stride: number,
): number {
  const covered = (kernel - 1) * dilation + 1;
  return 1 + Math.floor((before + size + after - covered) / stride);
}

/**
 * Accumulators, NCHW: bias[o] + sum of (x - inputZeroPoint) * (w - weightZeroPoint[o]). Exact: every sum of a checked
 * spec stays below 2^53.
 * @param input raw values, NCHW
 * @throws RangeError when the input does not have the shape of the spec.
 */
export function convolve(spec: ConvSpec, input: Tensor): Tensor {
  const { batch, channels, height, width, zeroPoint } = spec.input;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, values, zeroPoints } = spec.weights;
  const [strideY, strideX] = spec.strides;
  const [top, left, bottom, right] = spec.pads;
  const [dilationY, dilationX] = spec.dilations;
  if (input.shape.join() !== [batch, channels, height, width].join()) {
    throw new RangeError(
      `expected an input [${batch}, ${channels}, ${height}, ${width}], found [${input.shape.join(', ')}]`,
    );
  }
  const outHeight = outputSize(height, top, bottom, kernelHeight, dilationY, strideY);
  const outWidth = outputSize(width, left, right, kernelWidth, dilationX, strideX);
  const outputsPerGroup = outChannels / spec.group;
  const x = input.data.map((value) => value - zeroPoint);
  const filterSize = channelsPerGroup * kernelHeight * kernelWidth;
  const w = Float64Array.from(values, (value, index) => value - zeroPoints[Math.trunc(index / filterSize)]!);
  const data = new Float64Array(batch * outChannels * outHeight * outWidth);
  let cell = 0;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const groupStart = Math.trunc(o / outputsPerGroup) * channelsPerGroup;
      for (let i = 0; i < outHeight; i++) {
        const y0 = i * strideY - top;
        const rows = tapsOnImage(y0, height, kernelHeight, dilationY);
        for (let j = 0; j < outWidth; j++) {
          const x0 = j * strideX - left;
          const columns = tapsOnImage(x0, width, kernelWidth, dilationX);
          let sum = spec.bias[o]!;
          for (let c = 0; c < channelsPerGroup; c++) {
            const plane = (n * channels + groupStart + c) * height;
            const filter = (o * channelsPerGroup + c) * kernelHeight;
            for (let a = rows.first; a < rows.end; a++) {
              const line = (plane + y0 + a * dilationY) * width + x0;
              const tap = (filter + a) * kernelWidth;
              for (let b = columns.first; b < columns.end; b++) {
                sum += x[line + b * dilationX]! * w[tap + b]!;
              }
            }
          }
          data[cell++] = sum;
        }
      }
    }
  }
  return { shape: [batch, outChannels, outHeight, outWidth], data };
}
