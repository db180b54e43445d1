import { elementCount } from '../base/tensor.ts';
import { outputShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { LOWERINGS } from './registry.ts';

/**
 * Whether BFV can carry a convolution at 128 bits, without searching. A checked spec has t <= 2^52 and rows of L1 norm
 * below 2^51, so t * 2 * 21.5 * L1 stays far below the 868 bits that the table allows at the largest degree: the modulus
 * never refuses (`makeSpec` already has). What can is the ring: in coefficients one output with all its taps must fit into
 * it; what does not is left to slots, and they take only so many products.
 */

/**
 * Why no lowering carries the convolution, or null. No search is run: where slots take the size but a search of minutes
 * would find no room for their noise, this is null all the same, and compile says so.
 */
export function refusalOf(spec: ConvSpec): string | null {
  const { batch, channels, height, width } = outputShape(spec);
  const outputElements = elementCount([batch, channels, height, width]);
  const reasons: string[] = [];
  for (const lowering of LOWERINGS) {
    const reason = lowering.cannotCarry(spec, outputElements);
    if (reason === null) return null;
    reasons.push(reason);
  }
  return reasons.join('; ');
}
