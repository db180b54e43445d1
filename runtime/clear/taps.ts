import type { ConvSpec } from '../../compiler/spec.ts';
import type { Tensor } from '../../compiler/tensor.ts';
import { packColumns } from './lanes.ts';
import { convolveLines } from './lines.ts';
import { multiplyAdd } from './product.ts';
import { permute, select } from './strided.ts';

/**
 * The convolution as a sum over kernel offsets: tap (a, e) adds (pixels x Cin) times (Cin x Cout), where the pixels are
 * the image shifted by (a, e), dilated and strided, seen through strides and never copied.
 * @param input raw values, NCHW, in the declared range
 * @returns accumulators, NCHW, exact
 * @throws CipherconvError as `checkInput`
 */
export function convolveTaps(spec: ConvSpec, input: Tensor): Tensor {
  return convolveLines(spec, input, (filter, layout) => {
    const [kernelHeight = 0, kernelWidth = 0] = filter.shape;
    const taps = Array.from({ length: kernelHeight * kernelWidth }, (_, tap) => {
      const row = Math.floor(tap / kernelWidth);
      return {
        row,
        column: tap % kernelWidth,
        columns: packColumns(select(select(filter, row), tap % kernelWidth), layout),
      };
    });
    return (patches, sums) => {
      const byTap = permute(patches, [1, 2, 0, 3]);
      for (const { row, column, columns } of taps) {
        multiplyAdd(select(select(byTap, row), column), columns, sums);
      }
    };
  });
}
