import type { AxisShape, AxisLayout, ToeplitzPacking } from './packing.ts';
import { axisLayout } from './packing.ts';
import type { ConvShape } from '../convolution/shape.ts';
import { chunkRange } from './program.ts';

/** What the packing search tries, and what follows from a candidate by counting. */

/** Distinct values of ceil(extent / k), largest first: the sizes that split an extent into equal parts. */
export function splitSizes(extent: number): number[] {
  const sizes = [extent];
  for (let size = extent; size > 1; sizes.push(size)) {
    // The fewest parts that make a part smaller than `size`.
    const parts = Math.ceil(extent / (size - 1));
    size = Math.ceil(extent / parts);
  }
  return sizes;
}

/** Largest sum of `perRow` neighbouring channels' norms (L1, or squared L2), grouped as result rows are. */
export function rowNorm(norms: readonly number[], perRow: number): number {
  let largest = 0;
  for (let first = 0; first < norms.length; first += perRow) {
    let sum = 0;
    for (let index = first; index < Math.min(first + perRow, norms.length); index++) sum += norms[index]!;
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** Axis layouts for all split sizes of the outputs, largest tile first, for each useful space-to-depth factor. */
export function axisCandidates(shape: AxisShape): AxisLayout[] {
  const factors = shape.stride === 1 ? [1] : [shape.stride, 1];
  return factors.flatMap((factor) =>
    splitSizes(shape.outputSize).map((size) => axisLayout(shape, factor, size)),
  );
}

export function productsOfGroup(
  shape: ConvShape,
  packing: ToeplitzPacking,
  phaseChannels: number,
  chunks: number,
  resultRows: number,
): number {
  if (shape.group === 1) return chunks * resultRows;
  let products = 0;
  for (let row = 0; row < resultRows; row++) {
    const { first, last } = chunkRange(shape, { packing, phaseChannels }, row);
    products += last - first + 1;
  }
  return products;
}
