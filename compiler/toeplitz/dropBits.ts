import { dataPrimesOfBits } from '../bfv/chooseModulus.ts';
import { dropUnder } from '../bfv/dropBits.ts';
import type { DropDemand, WireChoice } from '../bfv/dropBits.ts';
import { digitBits, NO_STEPS } from '../bfv/dropStep.ts';
import { NOTHING_DROPPED } from '../bfv/noise.ts';
import type { Objective } from '../cost/estimate.ts';
import type { Protocol } from '../lowering/plan.ts';
import { MAX_PRIME_BITS } from '../rings/primes.ts';
import { largestShift } from './hint.ts';
import { resultNoise } from './noise.ts';
import type { ResultNoiseInput } from './noise.ts';

export interface WireDemand extends Omit<DropDemand, 'products' | 'mostOfUpload'> {
  /** The noise without rounding. */
  readonly noise: Omit<ResultNoiseInput, 'steps' | 'protocol'>;
  /** Hints under one prime choose q otherwise: hintWire.ts. */
  readonly protocol: Protocol;
  /** The smallest q that the noise without rounding allows. */
  readonly primes: readonly bigint[];
}

/** A larger q than this many bits over the smallest never pays: every bit more costs one on every coefficient. */
const EXTRA_BITS = 6;

/** The most that can be dropped under the primes as they are. */
export function dropUnderPrimes(demand: WireDemand, primes = demand.primes): WireChoice | null {
  const { noise, protocol, degree } = demand;
  const products = (uploadC0: bigint): bigint =>
    resultNoise({ ...noise, steps: { ...NO_STEPS, uploadC0 }, protocol }).products;
  const mostOfUpload = protocol === 'hint' ? largestShift(degree, primes.length) : Infinity;
  return dropUnder({ ...demand, products, mostOfUpload }, primes);
}

/**
 * q and the dropped bits by the objective; the smaller q among equals. As many primes as the smallest q has.
 * @param allowedBits bits of q that the security table allows
 */
export function chooseWire(demand: WireDemand, objective: Objective, allowedBits: number): WireChoice {
  const { primes, degree, plainModulus } = demand;
  let best = dropUnderPrimes(demand) ?? { primes, dropped: NOTHING_DROPPED, bits: Infinity };
  const smallest = digitBits(primes);
  const extra = objective === 'bandwidth' ? EXTRA_BITS : 0;
  const largest = Math.min(smallest + extra, primes.length * MAX_PRIME_BITS, allowedBits);
  for (let bits = smallest + 1; bits <= largest; bits++) {
    const larger = dataPrimesOfBits(degree, bits, plainModulus);
    const choice = larger === null ? null : dropUnderPrimes(demand, larger);
    if (choice !== null && choice.bits < best.bits) best = choice;
  }
  return best;
}
