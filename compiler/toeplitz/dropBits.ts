import type { DropDemand, WireChoice } from '../bfv/dropBits.ts';
import type { ResultNoiseInput } from './noise.ts';
import type { Objective } from '../cost/estimate.ts';
import { resultNoise } from './noise.ts';
import { NOTHING_DROPPED } from '../bfv/noise.ts';
import { dropUnder } from '../bfv/dropBits.ts';
import { bitLength } from '../base/interval.ts';
import { MAX_PRIME_BITS, nttPrimes } from '../rings/primes.ts';

export interface WireDemand extends Omit<DropDemand, 'products'> {
  /** The noise without rounding. */
  readonly noise: Omit<ResultNoiseInput, 'dropped' | 'protocol'>;
  /** The smallest q that the noise without rounding allows, one prime. */
  readonly prime: bigint;
  readonly objective: Objective;
  /** Bits of q that the security table allows. */
  readonly allowedBits: number;
}

/** A larger q than this many bits over the smallest never pays: every bit more costs one on every coefficient. */
const EXTRA_BITS = 6;

/** q and the dropped bits by the objective; the smaller q among equals. */
export function chooseWire(demand: WireDemand): WireChoice {
  const { noise } = demand;
  const dropDemand: DropDemand = {
    ...demand,
    products: (uploadC0) =>
      resultNoise({ ...noise, dropped: { ...NOTHING_DROPPED, uploadC0 }, protocol: 'standard' }).products,
  };
  let best = dropUnder(dropDemand, demand.prime) ?? {
    prime: demand.prime,
    dropped: NOTHING_DROPPED,
    bits: Infinity,
  };
  const smallest = bitLength(demand.prime);
  const extra = demand.objective === 'bandwidth' ? EXTRA_BITS : 0;
  const largest = Math.min(smallest + extra, MAX_PRIME_BITS, demand.allowedBits);
  for (let bits = smallest + 1; bits <= largest; bits++) {
    const [prime] = nttPrimes(demand.degree, bits, 1);
    if (prime === undefined) continue;
    const choice = dropUnder(dropDemand, prime);
    if (choice !== null && choice.bits < best.bits) best = choice;
  }
  return best;
}
