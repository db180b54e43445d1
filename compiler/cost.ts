import { MICROSECONDS } from './costs.gen.ts';
import type { Degree } from './security.ts';

/** How many operations a candidate needs, for all block groups together. */
export interface OperationCounts {
  readonly inputCiphertexts: number;
  readonly products: number;
  readonly outputCiphertexts: number;
}

export interface CostEstimate {
  /** Client and server together, one thread, on the machine of the cost table. */
  readonly milliseconds: number;
  /** Upload and response, coefficients at the bits of q, seeded upload. */
  readonly bytes: number;
}

const SEED_BYTES = 64;

/**
 * Estimated cost of one run with the ntt kernel. Every operation works prime by prime, so its time is taken as
 * proportional to the number of data primes. Weights are transformed once per plan and not counted.
 */
export function estimateCost(
  degree: Degree,
  dataPrimeBits: readonly number[],
  counts: OperationCounts,
  outputElements: number,
): CostEstimate {
  const cost = MICROSECONDS[degree];
  const { inputCiphertexts, products, outputCiphertexts } = counts;
  const microseconds =
    inputCiphertexts * (cost.encrypt + cost.load + cost.toNtt) +
    products * cost.multiply +
    Math.max(0, products - outputCiphertexts) * cost.add +
    outputCiphertexts * (cost.fromNtt + cost.save + cost.decrypt);
  const qBits = dataPrimeBits.reduce((sum, bits) => sum + bits, 0);
  const polynomialBytes = Math.ceil((degree * qBits) / 8);
  return {
    milliseconds: (microseconds * dataPrimeBits.length) / 1000,
    bytes:
      inputCiphertexts * (polynomialBytes + SEED_BYTES) +
      outputCiphertexts * polynomialBytes +
      Math.ceil((outputElements * qBits) / 8),
  };
}
