import { WIRE_NANOSECONDS } from '../cost/costs.gen.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import { RING_NANOSECONDS, ringProduct } from '../cost/ringCosts.ts';
import type { Degree } from '../bfv/security.ts';
import { directKernel } from './cost.ts';
import type { DirectCounts } from './cost.ts';

/** What one inference with hints costs: of every result c0 alone is computed, at the output positions alone. */

/** What of a candidate the costs follow from, all block groups together. */
export interface HintCounts {
  readonly degree: Degree;
  readonly dataPrimeBits: readonly number[];
  readonly inputCiphertexts: number;
  readonly outputCiphertexts: number;
  /** Coefficients of c0 that travel up. */
  readonly uploadCoefficients: number;
  readonly uploadBits: number;
  /** Elements of the output: coefficients of c0 that travel down. */
  readonly outputElements: number;
  readonly responseBits: number;
  /** Rows of the hint: results of one block group. */
  readonly hintRows: number;
}

/** Times of one inference, and its bytes. */
export interface HintCost {
  /** From the input to the result, one-time keys prepared: client and server together. */
  readonly onlineMilliseconds: number;
  /** Preparing the one-time key of the inference. */
  readonly offlineMilliseconds: number;
  /** Upload and response of one inference. */
  readonly bytes: number;
  /** The hint, downloaded once. */
  readonly hintBytes: number;
}

/** JavaScript around one ciphertext, nanoseconds. */
const AROUND = 1000;

/** Estimated times and bytes of one inference with hints. */
export function hintCost(counts: HintCounts, direct: DirectCounts): HintCost {
  const { degree, dataPrimeBits, inputCiphertexts, outputCiphertexts } = counts;
  const primes = dataPrimeBits.length;
  const { pack, unpack } = WIRE_NANOSECONDS;
  const { coefficient, draw } = RING_NANOSECONDS;
  const ends =
    counts.uploadCoefficients * (coefficient + pack + unpack) +
    counts.outputElements * (pack + unpack + coefficient) +
    (inputCiphertexts + outputCiphertexts) * AROUND;
  const kernel = directKernel({ degree, counts: { ...counts, products: 0 } }, direct, 'c0');
  const masks = dataPrimeBits.reduce((sum, bits) => sum + ringProduct(degree, bits, 'kept'), 0);
  const offline =
    (inputCiphertexts + outputCiphertexts) * masks + (inputCiphertexts + direct.blockGroups) * degree * draw;
  const qBits = dataPrimeBits.reduce((sum, bits) => sum + bits, 0);
  return {
    onlineMilliseconds: ((ends + kernel) * primes) / 1e6,
    offlineMilliseconds: offline / 1e6,
    bytes: Math.ceil(
      (counts.uploadCoefficients * counts.uploadBits + counts.outputElements * counts.responseBits) / 8,
    ),
    hintBytes: (counts.hintRows * degree * qBits) / 8,
  };
}

/**
 * The cost by an objective; the bytes hold an inference's share of the hint.
 * @param inferences that share its download
 */
export function hintEstimate(cost: HintCost, objective: Objective, inferences: number): CostEstimate {
  const milliseconds =
    objective === 'total' ? cost.onlineMilliseconds + cost.offlineMilliseconds : cost.onlineMilliseconds;
  return { milliseconds, bytes: Math.ceil(cost.bytes + cost.hintBytes / inferences) };
}
