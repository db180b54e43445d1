import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { contiguous, copier } from './copy.ts';
import { packColumns } from './lanes.ts';
import { convolveLines } from './lines.ts';
import { multiplyAdd } from './product.ts';
import { strided } from './strided.ts';

/**
 * The convolution as one matrix product: the windows of the padded image, a zero-copy view
 * N x OutH x OutW x kH x kW x C, are compacted to a matrix of OutH*OutW rows per image and kH*kW*C columns, times the
 * filter matrix (kH*kW*C x Cout). Compacted a line of outputs at a time: the whole matrix would be kH*kW images large.
 * @param input raw values, NCHW
 * @returns accumulators, NCHW, exact
 * @throws CipherconvError `shape-mismatch`, or `out-of-range` for inputs so large that a sum could round
 */
export function convolveIm2col(spec: ConvSpec, input: Tensor): Tensor {
  return convolveLines(spec, input, (filter, layout, patches) => {
    const columns = packColumns(filter, layout);
    const compact = contiguous(patches);
    const matrix = strided(compact.data, [patches.shape[0]!, columns.depth]);
    const copyLine = copier(patches);
    return (shift, sums) => {
      copyLine(compact.data, shift);
      multiplyAdd(matrix, columns, sums);
    };
  });
}
