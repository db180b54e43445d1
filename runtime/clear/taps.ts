import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { contiguous } from './copy.ts';
import { packColumns } from './lanes.ts';
import { convolveLines } from './lines.ts';
import { multiplyAdd } from './product.ts';
import { permute, select, strided, view } from './strided.ts';
import type { Strided } from './strided.ts';

/** [kernelHeight, kernelWidth, channels, outputs] -> [kernelHeight, 1, kernelWidth * channels, outputs]. */
function joinFilter(filter: Strided): Strided {
  const [kernelHeight = 0, kernelWidth = 0, channels = 0, outputs = 0] = filter.shape;
  return strided(contiguous(filter).data, [kernelHeight, 1, kernelWidth * channels, outputs]);
}

/** [outWidth, kernelHeight, kernelWidth, channels] -> [outWidth, kernelHeight, 1, kernelWidth * channels]; zero copy. */
function joinPatches(patches: Strided): Strided {
  const [outWidth = 0, kernelHeight = 0, kernelWidth = 0, channels = 0] = patches.shape;
  return view(patches, {
    shape: [outWidth, kernelHeight, 1, kernelWidth * channels],
    strides: patches.strides,
  });
}

/**
 * The convolution as a sum over kernel offsets: tap (a, e) adds (pixels x Cin) times (Cin x Cout), where the pixels are
 * the image shifted by (a, e), dilated and strided, seen through strides and never copied.
 *
 * Where the taps of a kernel row see neighbouring pixels with all their channels (no horizontal dilation, one group),
 * their pixels already lie in one run of memory, and the row is one product: (pixels x kW*Cin) times (kW*Cin x Cout).
 * @param input raw values, NCHW
 * @returns accumulators, NCHW, exact
 * @throws CipherconvError `shape-mismatch`, or `out-of-range` for inputs so large that a sum could round
 */
export function convolveTaps(spec: ConvSpec, input: Tensor): Tensor {
  const isRowOneRun = spec.dilations[1] === 1 && spec.group === 1;
  return convolveLines(spec, input, (groupFilter, layout, patches) => {
    const filter = isRowOneRun ? joinFilter(groupFilter) : groupFilter;
    const byTap = permute(isRowOneRun ? joinPatches(patches) : patches, [1, 2, 0, 3]);
    const [kernelHeight = 0, kernelWidth = 0] = filter.shape;
    const products = Array.from({ length: kernelHeight * kernelWidth }, (_, tap) => {
      const [a, e] = [Math.floor(tap / kernelWidth), tap % kernelWidth];
      return {
        pixels: select(select(byTap, a), e),
        columns: packColumns(select(select(filter, a), e), layout),
      };
    });
    return (shift, sums) => {
      for (const { pixels, columns } of products) multiplyAdd(pixels, columns, sums, shift);
    };
  });
}
