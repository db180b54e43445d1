import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { contiguous, toTensor } from './copy.ts';
import { fromTensor, permute } from './strided.ts';
import { checkShape, groupFilter } from './windows.ts';

/**
 * The seven-fold loop in the layout of TensorFlow: NHWC input, HWIO weights, the sum over rows, columns and channels of
 * one window innermost.
 * @param input raw values, NHWC
 * @returns accumulators, NHWC, exact for inputs in the declared range
 * @throws CipherconvError `shape-mismatch`
 */
function convolveNhwc(spec: ConvSpec, input: Tensor): Tensor {
  checkShape(spec, { ...input, shape: [0, 3, 1, 2].map((axis) => input.shape[axis] ?? 0) });
  const { batch, channels, height, width, zeroPoint } = spec.input;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const [top, left, bottom, right] = spec.pads;
  const [strideY, strideX] = spec.strides;
  const [dilationY, dilationX] = spec.dilations;
  const outHeight = Math.floor((height + top + bottom - (kernelHeight - 1) * dilationY - 1) / strideY) + 1;
  const outWidth = Math.floor((width + left + right - (kernelWidth - 1) * dilationX - 1) / strideX) + 1;
  const outputs = outChannels / spec.group;
  const x = input.data.map((value) => value - zeroPoint);
  const filters = Array.from({ length: spec.group }, (_, g) => contiguous(groupFilter(spec, g)).data);
  const data = new Float64Array(batch * outHeight * outWidth * outChannels);
  let cell = 0;
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < outHeight; i++) {
      for (let j = 0; j < outWidth; j++) {
        for (let o = 0; o < outChannels; o++) {
          const g = Math.floor(o / outputs);
          const w = filters[g]!;
          const filter = o - g * outputs;
          let sum = spec.bias[o]!;
          for (let a = 0; a < kernelHeight; a++) {
            const y = i * strideY - top + a * dilationY;
            if (y < 0 || y >= height) continue;
            for (let e = 0; e < kernelWidth; e++) {
              const column = j * strideX - left + e * dilationX;
              if (column < 0 || column >= width) continue;
              const pixel = ((n * height + y) * width + column) * channels + g * channelsPerGroup;
              const tap = (a * kernelWidth + e) * channelsPerGroup;
              for (let c = 0; c < channelsPerGroup; c++) {
                sum += x[pixel + c]! * w[(tap + c) * outputs + filter]!;
              }
            }
          }
          data[cell++] = sum;
        }
      }
    }
  }
  return { shape: [batch, outHeight, outWidth, outChannels], data };
}

/** `convolveNhwc` behind the interface of every executor: NCHW in and out. */
export function convolveLoopsNhwc(spec: ConvSpec, input: Tensor): Tensor {
  const output = convolveNhwc(spec, toTensor(permute(fromTensor(input), [0, 2, 3, 1])));
  return toTensor(permute(fromTensor(output), [0, 3, 1, 2]));
}
