import { bitLength } from '../base/interval.ts';
import { DIRECT_NANOSECONDS } from '../cost/costs.gen.ts';
import { lanePrimes, RING_NANOSECONDS, ringProduct } from '../cost/ringCosts.ts';

/** What the hint of a plan sums up. */
export interface HintSums {
  readonly degree: number;
  /** Public polynomials, one for every input of a block group. */
  readonly inputs: number;
  /** Polynomials of weights, and the weights in them. */
  readonly products: number;
  readonly taps: number;
  /** Lane primes of all data primes together, and limbs of the direct kernel. */
  readonly lanes: number;
  readonly limbs: number;
}

/** Of the direct kernel, with many channels. */
const TAPS_PER_STEP = 2;
/** Transformed public polynomials may take so much. */
const MOST_BYTES = 2 ** 28;

/**
 * Whether transforms take less time than the direct kernel: with many channels a polynomial has many taps, each of which the
 * direct kernel takes for every coefficient and limb, while a transform takes them all at once.
 */
export function transformsAreFaster({ degree, inputs, products, taps, lanes, limbs }: HintSums): boolean {
  // Values and quotients, 32 bits each.
  if (inputs * lanes * 8 * degree > MOST_BYTES) return false;
  // A lift, a transform and a product take a little less than the product and the transform back of a mask.
  const transforms = products * lanes * Math.log2(degree) * RING_NANOSECONDS.butterfly;
  return transforms < (taps / TAPS_PER_STEP) * limbs * DIRECT_NANOSECONDS.fourRows;
}

/** Nanoseconds of the hint by transforms: of weights and inputs forward, of every row back. */
export function transformNanoseconds(
  { degree, inputs, products }: Pick<HintSums, 'degree' | 'inputs' | 'products'>,
  rows: number,
  dataPrimes: readonly bigint[],
  rowL1: number,
): number {
  return dataPrimes.reduce((sum, prime) => {
    const bits = bitLength(prime);
    const transform = lanePrimes(bits, rowL1) * degree * Math.log2(degree) * RING_NANOSECONDS.butterfly;
    return sum + (products + inputs) * transform + rows * ringProduct(degree, bits, 'kept', rowL1);
  }, 0);
}
