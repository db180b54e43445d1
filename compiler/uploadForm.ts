import { MICROSECONDS, WIRE_NANOSECONDS } from './costs.gen.ts';
import { bitLength } from './interval.ts';
import type { Kernel, Objective, Parameters, UploadForm } from './plan.ts';

/**
 * How uploads travel. A seed of 64 bytes instead of c1 halves the upload, and costs the server its expansion; whole
 * ciphertexts cost the line as many bits again, and packing at both ends. Which takes longer depends on the line.
 */

/** A common access line; what it takes to send a byte is only weighed here. */
export const DEFAULT_LINK_MEGABITS_PER_SECOND = 100;

export interface UploadDemand {
  readonly parameters: Parameters;
  readonly kernel: Kernel;
  readonly objective: Objective;
  /** Megabits per second between client and server. */
  readonly linkMegabitsPerSecond: number;
}

/** Microseconds that one ciphertext costs more when it is sent seeded; negative where seeded is the faster. */
export function microsecondsOfSeeding({
  parameters,
  kernel,
  linkMegabitsPerSecond,
}: Omit<UploadDemand, 'objective'>): number {
  const { degree, dataPrimes } = parameters;
  const cost = MICROSECONDS[degree];
  // The direct kernel reads a whole ciphertext off the wire; of a seeded one it asks SEAL for c1.
  const seeded = kernel === 'direct' ? cost.load + cost.save : cost.load;
  const whole = kernel === 'direct' ? 0 : cost.loadWhole;
  const coding = (degree * (WIRE_NANOSECONDS.pack + WIRE_NANOSECONDS.unpack)) / 1000;
  const bits = dataPrimes.reduce((sum, prime) => sum + degree * bitLength(BigInt(prime)), 0);
  return dataPrimes.length * (seeded - whole - coding) - bits / linkMegabitsPerSecond;
}

/** The form by the objective: fewer bytes for bandwidth, and for latency whatever takes less time; seeded among equals. */
export function chooseUploadForm(demand: UploadDemand): UploadForm {
  const { objective } = demand;
  switch (objective) {
    case 'bandwidth':
      return 'seeded';
    case 'latency':
      return microsecondsOfSeeding(demand) > 0 ? 'whole' : 'seeded';
    default:
      return objective satisfies never;
  }
}
