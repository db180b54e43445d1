import { bitLength } from '../base/interval.ts';
import { droppedFromC1, largestNoise } from './noise.ts';
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
  /** Noise of the results before the response is rounded, when so many low bits of the upload's c0 are dropped. */
  readonly products: (uploadC0: number) => TwiceNoise;
}

export interface WireChoice {
  readonly prime: bigint;
  readonly dropped: DroppedBits;
  /** Bits of all coefficients that travel. */
  readonly bits: number;
}

/** The largest drop whose noise, `cost(bits)` in halves and doubling with each bit, stays within `room`. */
export function largestDrop(room: bigint, costOfOneBit: bigint, limit: number): number {
  if (room < costOfOneBit) return 0;
  return Math.min(limit, bitLength(room / costOfOneBit));
}

/** The best drops under one prime, or null when its room is too small for the noise itself. */
export function dropUnder(demand: DropDemand, prime: bigint): WireChoice | null {
  const { coefficients, degree } = demand;
  const room = largestNoise(prime, demand.plainModulus);
  const qBits = bitLength(prime);
  // At least two bits of every coefficient travel.
  const limit = qBits - 2;
  let best: WireChoice | null = null;
  for (let uploadC0 = 0; uploadC0 <= limit; uploadC0++) {
    const products = demand.products(uploadC0);
    if (products > room) break;
    const most = largestDrop(room - products, droppedFromC1(1, degree), limit);
    for (let responseC1 = 0; responseC1 <= most; responseC1++) {
      const left = room - products - droppedFromC1(responseC1, degree);
      const responseC0 = largestDrop(left, 2n, limit);
      const bits =
        coefficients.uploadC0 * (qBits - uploadC0) +
        coefficients.responseC1 * (qBits - responseC1) +
        coefficients.responseC0 * (qBits - responseC0);
      if (best === null || bits < best.bits)
        best = { prime, dropped: { uploadC0, responseC0, responseC1 }, bits };
    }
  }
  return best;
}
