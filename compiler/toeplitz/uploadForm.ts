import { WIRE_NANOSECONDS } from '../cost/costs.gen.ts';
import { RING_NANOSECONDS } from '../cost/ringCosts.ts';
import { bitLength } from '../base/interval.ts';
import type { Objective } from '../cost/estimate.ts';
import type { Parameters } from '../bfv/parameters.ts';

/**
 * How uploads travel. A seed of 32 bytes instead of c1 halves the upload, and costs the server its expansion; whole
 * ciphertexts cost the line as many bits again, and packing at both ends. Under primes of up to 31 bits packing alone takes
 * longer than expanding; under wider ones it depends on the line. Only the
 * direct kernel takes them whole: SEAL's evaluator throws where a sum comes out with c1 = 0, which whoever chooses c1 can
 * bring about, and whoever chooses a seed cannot.
 */

export interface UploadDemand {
  readonly parameters: Parameters;
  readonly objective: Objective;
  /** Megabits per second between client and server. */
  readonly linkMegabitsPerSecond: number;
}

/**
 * Microseconds that one ciphertext costs the direct kernel more when it is sent seeded; negative where seeded is the
 * faster.
 */
export function microsecondsOfSeeding({
  parameters,
  linkMegabitsPerSecond,
}: Pick<UploadDemand, 'parameters' | 'linkMegabitsPerSecond'>): number {
  const { degree, dataPrimes } = parameters;
  const { pack, unpack } = WIRE_NANOSECONDS;
  const { expand, expandWide } = RING_NANOSECONDS;
  return dataPrimes.reduce((sum, prime) => {
    const bits = bitLength(BigInt(prime));
    const nanoseconds = (bits > 31 ? expandWide : expand) - pack - unpack;
    return sum + (degree * nanoseconds) / 1000 - (degree * bits) / linkMegabitsPerSecond;
  }, 0);
}

/** The form by the objective: fewer bytes for bandwidth, and for latency whatever takes less time; seeded among equals. */
export function chooseUploadForm(demand: UploadDemand): 'seeded' | 'whole' {
  const { objective } = demand;
  switch (objective) {
    case 'bandwidth':
      return 'seeded';
    case 'latency':
    case 'total':
      return microsecondsOfSeeding(demand) > 0 ? 'whole' : 'seeded';
    default:
      return objective satisfies never;
  }
}
