import type { ConvSpec } from '../../compiler/spec.ts';
import { elementCount } from '../../compiler/tensor.ts';
import type { Tensor } from '../../compiler/tensor.ts';
import { copyInto } from './copy.ts';
import { packColumns } from './lanes.ts';
import { convolveLines } from './lines.ts';
import { multiplyAdd } from './product.ts';
import { strided } from './strided.ts';

/**
 * The convolution as one matrix product: the windows of the padded image, a zero-copy view
 * N x OutH x OutW x kH x kW x C, are compacted to a matrix of OutH*OutW rows per image and kH*kW*C columns, times the
 * filter matrix (kH*kW*C x Cout). Compacted a line of outputs at a time: the whole matrix would be kH*kW images large.
 * @param input raw values, NCHW, in the declared range
 * @returns accumulators, NCHW, exact
 * @throws CipherconvError as `checkInput`
 */
export function convolveIm2col(spec: ConvSpec, input: Tensor): Tensor {
  return convolveLines(spec, input, (filter, layout) => {
    const columns = packColumns(filter, layout);
    let matrix = new Float64Array(0);
    return (patches, sums) => {
      const count = elementCount(patches.shape);
      if (matrix.length < count) matrix = new Float64Array(count);
      copyInto(patches, matrix);
      multiplyAdd(strided(matrix, [patches.shape[0]!, columns.depth]), columns, sums);
    };
  });
}
