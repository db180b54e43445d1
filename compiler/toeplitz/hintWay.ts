import { DIRECT_NANOSECONDS } from '../cost/costs.gen.ts';
import { RING_NANOSECONDS } from '../cost/ringCosts.ts';

/** What the hint of a plan sums up. */
export interface HintSums {
  readonly degree: number;
  /** Polynomials of weights, and the weights in them. */
  readonly products: number;
  readonly taps: number;
  /** Lane primes of all data primes together, and limbs of the direct kernel. */
  readonly lanes: number;
  readonly limbs: number;
}

/**
 * Whether transforms take less time than the direct kernel: with many channels a polynomial has many taps, each of which the
 * direct kernel takes for every coefficient and limb, while a transform takes them all at once.
 */
export function transformsAreFaster({ degree, products, taps, lanes, limbs }: HintSums): boolean {
  // A lift, a transform and a product take a little less than the product and the transform back of a mask.
  const transforms = products * lanes * Math.log2(degree) * RING_NANOSECONDS.butterfly;
  return transforms < taps * limbs * DIRECT_NANOSECONDS.fourRows;
}
