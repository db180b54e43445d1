import { SEED_BYTES } from '../bfv/wireBytes.ts';
import { DIRECT_NANOSECONDS, MICROSECONDS, WIRE_NANOSECONDS } from '../cost/costs.gen.ts';
import type { Degree } from '../bfv/security.ts';
import type { CostEstimate } from '../cost/estimate.ts';

/** How many operations a candidate needs, for all block groups together. */
interface OperationCounts {
  readonly inputCiphertexts: number;
  readonly products: number;
  readonly outputCiphertexts: number;
}

/** What of a candidate both kernels' estimates follow from. */
export interface CandidateCounts {
  readonly degree: Degree;
  readonly dataPrimeBits: readonly number[];
  readonly counts: OperationCounts;
  readonly outputElements: number;
}

/** Bytes of one run: the kernels differ in none. */
function estimateBytes({ degree, dataPrimeBits, counts, outputElements }: CandidateCounts): number {
  const qBits = dataPrimeBits.reduce((sum, bits) => sum + bits, 0);
  const polynomialBytes = Math.ceil((degree * qBits) / 8);
  return (
    counts.inputCiphertexts * (polynomialBytes + SEED_BYTES) +
    counts.outputCiphertexts * polynomialBytes +
    Math.ceil((outputElements * qBits) / 8)
  );
}

/**
 * Estimated cost of one run with the ntt kernel. Every operation works prime by prime, so its time is taken as
 * proportional to the number of data primes. Weights are transformed once per plan and not counted. The times are those of
 * SEAL's evaluator, also where our own arithmetic takes a third of them: plans keep their kernels.
 */
export function estimateNtt(candidate: CandidateCounts): CostEstimate {
  const cost = MICROSECONDS[candidate.degree];
  const { inputCiphertexts, outputCiphertexts } = candidate.counts;
  const client = inputCiphertexts * cost.encrypt + outputCiphertexts * cost.decrypt;
  return {
    milliseconds: ((client + nttServer(candidate)) * candidate.dataPrimeBits.length) / 1000,
    bytes: estimateBytes(candidate),
  };
}

/** Microseconds of the server with the ntt kernel, one data prime. */
export function nttServer({ degree, counts }: Pick<CandidateCounts, 'degree' | 'counts'>): number {
  const cost = MICROSECONDS[degree];
  const { inputCiphertexts, products, outputCiphertexts } = counts;
  return (
    inputCiphertexts * (cost.load + cost.toNtt) +
    products * cost.multiply +
    Math.max(0, products - outputCiphertexts) * cost.add +
    outputCiphertexts * (cost.fromNtt + cost.save)
  );
}

/** What the direct kernel's estimate needs beside. */
export interface DirectCounts {
  readonly limbs: number;
  /** Steps (pairs of multiply-accumulates) of all rows of one block group, rows that only fill up a block included. */
  readonly fourRowSteps: number;
  readonly oneRowSteps: number;
  readonly blockGroups: number;
  /** Coefficients of c0 that the kernel computes of one result; of c1 it computes all. */
  readonly positions: number;
  /** Coefficients that the digits of an input reach before coefficient 0. */
  readonly reach: number;
}

/** Estimated cost of one run with the direct kernel, in the same terms. */
export function estimateDirect(candidate: CandidateCounts, direct: DirectCounts): CostEstimate {
  const cost = MICROSECONDS[candidate.degree];
  const { inputCiphertexts, outputCiphertexts } = candidate.counts;
  const kernel = directKernel(candidate, direct, 'both');
  const expand = (candidate.degree * WIRE_NANOSECONDS.expand) / 1000;
  const around = inputCiphertexts * (cost.encrypt + expand) + outputCiphertexts * cost.decrypt;
  return {
    milliseconds: ((kernel / 1000 + around) * candidate.dataPrimeBits.length) / 1000,
    bytes: estimateBytes(candidate),
  };
}

/** Nanoseconds of the direct kernel on c0 at the outputs, on c1 everywhere, or on both, one data prime. */
export function directKernel(
  { degree, counts }: Pick<CandidateCounts, 'degree' | 'counts'>,
  direct: DirectCounts,
  polynomials: 'c0' | 'c1' | 'both',
): number {
  const nanoseconds = DIRECT_NANOSECONDS;
  const { inputCiphertexts, outputCiphertexts } = counts;
  const coefficients = { c0: direct.positions, c1: degree, both: degree + direct.positions }[polynomials];
  const computed = direct.limbs * coefficients;
  const inputs = inputCiphertexts * (polynomials === 'both' ? 2 : 1);
  return (
    direct.blockGroups *
      computed *
      (direct.fourRowSteps * nanoseconds.fourRows + direct.oneRowSteps * nanoseconds.oneRow) +
    outputCiphertexts * computed * nanoseconds.finish +
    inputs * (degree + direct.reach) * direct.limbs * nanoseconds.split
  );
}
