import { DEGREES } from '../bfv/security.ts';
import type { ConvShape } from '../convolution/shape.ts';
import { axisLayout, axisShapes, pitches } from './packing.ts';
import type { AxisLayout, AxisShape } from './packing.ts';

/** Whether the ring has room for one output with all its taps, the least that a toeplitz plan needs. */

/** Coefficients that the tightest layout of one output takes: one channel of one output, over both stride layouts. */
function coefficientsOfOneOutput(shape: ConvShape): number {
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
const LARGEST_DEGREE = Math.max(...DEGREES);

/** Why no ring has room, or null. */
export function noRoom(shape: ConvShape): string | null {
  const coefficients = coefficientsOfOneOutput(shape);
  if (coefficients <= LARGEST_DEGREE) return null;
  return `one output takes ${coefficients} coefficients of at most ${LARGEST_DEGREE}`;
}
