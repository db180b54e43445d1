import { CipherconvError } from '../base/errors.ts';
import { axisLayout, axisShapes, pitches } from '../toeplitz/packing.ts';
import type { AxisLayout, AxisShape } from '../toeplitz/packing.ts';
import { refuseLarge } from '../diagonals/search.ts';
import { DEGREES } from '../bfv/security.ts';
import { outputShape } from '../convolution/spec.ts';
import type { ConvShape, ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';

/**
 * Whether BFV can carry a convolution at 128 bits, without searching. A checked spec has t <= 2^52 and rows of L1 norm
 * below 2^51, so t * 2 * 21.5 * L1 stays far below the 868 bits that the table allows at the largest degree: the modulus
 * never refuses (`makeSpec` already has). What can is the ring: in coefficients one output with all its taps must fit into
 * it; what does not is left to slots, and they take only so many products.
 */

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

/**
 * Why no lowering carries the convolution, or null. No search is run: where slots take the size but a search of minutes
 * would find no room for their noise, this is null all the same, and compile says so.
 */
export function refusalOf(spec: ConvSpec): string | null {
  const coefficients = coefficientsOfOneOutput(spec);
  if (coefficients <= LARGEST_DEGREE) return null;
  const output = outputShape(spec);
  try {
    refuseLarge(spec, elementCount([output.batch, output.channels, output.height, output.width]));
    return null;
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const slots = `${error.details.expected ?? ''}, found ${error.details.found ?? ''}`;
    return `one output takes ${coefficients} coefficients of at most ${LARGEST_DEGREE}; in slots expected ${slots}`;
  }
}
