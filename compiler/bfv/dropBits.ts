import { allSteps, digitBits } from './dropStep.ts';
import { droppedFromC0, droppedFromC1, largestNoise } from './noise.ts';
import type { DroppedBits, TwiceNoise } from './noise.ts';
import type { Degree } from './security.ts';

/**
 * How many low bits of the ciphertexts need not travel: whatever noise the rule leaves room for may be made by
 * rounding. For latency q stays the smallest there is, and only the room it happens to leave is used. For bandwidth q
 * and the dropped bits are chosen together, because a q of a bit or two more leaves room for many more dropped bits.
 */

export interface DropDemand {
  readonly degree: Degree;
  readonly plainModulus: number;
  /** Coefficients that travel in all: of c0 up, of c1 down, of c0 down. */
  readonly coefficients: {
    readonly uploadC0: number;
    readonly responseC1: number;
    readonly responseC0: number;
  };
  /** Noise of the results before the response is rounded, when c0 of the upload travels in such steps. */
  readonly products: (uploadC0: bigint) => TwiceNoise;
  /** Most bits that may be dropped of an upload. */
  readonly mostOfUpload: number;
}

export interface WireChoice {
  readonly primes: readonly bigint[];
  readonly dropped: DroppedBits;
  /** Bits of all coefficients that travel. */
  readonly bits: number;
}

/** The most bits whose noise stays within `room`; it grows with the bits. 0 where none does. */
export function largestDrop(
  steps: readonly bigint[],
  room: bigint,
  noiseOf: (step: bigint) => TwiceNoise,
): number {
  let [passes, fails] = [0, steps.length];
  while (fails - passes > 1) {
    const middle = (passes + fails) >> 1;
    if (noiseOf(steps[middle]!) <= room) passes = middle;
    else fails = middle;
  }
  return passes;
}

/** The best drops under these primes, or null when their room is too small for the noise itself. */
export function dropUnder(demand: DropDemand, primes: readonly bigint[]): WireChoice | null {
  const { coefficients, degree } = demand;
  const q = primes.reduce((product, prime) => product * prime, 1n);
  const room = largestNoise(q, demand.plainModulus);
  const qBits = digitBits(primes);
  const steps = allSteps(primes);
  let best: WireChoice | null = null;
  for (const [uploadC0, step] of steps.entries()) {
    if (uploadC0 > demand.mostOfUpload) break;
    const products = demand.products(step);
    if (products > room) break;
    const most = largestDrop(steps, room - products, (ofC1) => droppedFromC1(ofC1, degree));
    for (let responseC1 = 0; responseC1 <= most; responseC1++) {
      const left = room - products - droppedFromC1(steps[responseC1]!, degree);
      const responseC0 = largestDrop(steps, left, droppedFromC0);
      const bits =
        coefficients.uploadC0 * (qBits - uploadC0) +
        coefficients.responseC1 * (qBits - responseC1) +
        coefficients.responseC0 * (qBits - responseC0);
      if (best === null || bits < best.bits)
        best = { primes, dropped: { uploadC0, responseC0, responseC1 }, bits };
    }
  }
  return best;
}
