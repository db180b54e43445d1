import { axisLayout, axisShapes, pitches } from './packing.ts';
import type { AxisLayout, AxisShape } from './packing.ts';
import { DEGREES } from './security.ts';
import type { ConvShape } from './spec.ts';

/**
 * Whether BFV can carry a convolution at 128 bits, without searching. A checked spec has t <= 2^52 and rows of L1 norm
 * below 2^51, so t * 2 * 21.5 * L1 stays far below the 868 bits that the table allows at the largest degree: the modulus
 * never refuses (`makeSpec` already has). What can is the ring: one output with all its taps must fit into it.
 */

/** Coefficients that the tightest layout of one output takes: one channel of one output, over both stride layouts. */
export function coefficientsOfOneOutput(shape: ConvShape): number {
  const { rows, columns } = axisShapes(shape);
  let fewest = Infinity;
  for (const row of layouts(rows)) {
    for (const column of layouts(columns)) fewest = Math.min(fewest, pitches(row, column).channelPitch);
  }
  return fewest;
}

function layouts(axis: AxisShape): AxisLayout[] {
  return (axis.stride === 1 ? [1] : [axis.stride, 1]).map((factor) => axisLayout(axis, factor, 1));
}

/** The largest ring there is. */
export const LARGEST_DEGREE = Math.max(...DEGREES);
