import type { Steps } from '../base/steps.ts';
import { estimateDiagonals } from './cost.ts';
import type { DiagonalsCounts } from './cost.ts';
import { collectSteps, countSteps, stepCandidates } from './steps.ts';
import type { DiagonalStep, StepCounts } from './steps.ts';
import { CipherconvError } from '../base/errors.ts';
import { bitLength } from '../base/interval.ts';
import type { Failure } from '../bfv/noise.ts';
import type { DiagonalsNorms } from './noise.ts';
import { planeLength, rowLength, slotGeometry, slotRowPitch } from './packing.ts';
import type { DiagonalsPacking, RotationSteps, SlotGeometry, SlotLayout } from './packing.ts';
import { batchingPrime, chooseSizes, DATA_PRIMES, powersOfTwo } from './parameters.ts';
import type { RotationDemand } from './parameters.ts';
import { largestModulusBits } from '../bfv/security.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import type { OutputShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { compareEstimates, describeEstimate } from '../cost/estimate.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import type { RefusedCandidate } from '../lowering/plan.ts';
import { hasSeveralTaps, matrixEntries } from './entries.ts';

/**
 * The diagonals search: every ring degree, plane pitches tight or dividing the slot row, and every way to split rotations
 * into babies and giants; counts are exact, noise and cost are estimated. All candidates come back, cheapest first,
 * because only the program's exact norms say whether q really carries one.
 */

export interface DiagonalsRequest {
  readonly spec: ConvSpec;
  readonly output: OutputShape;
  /** Values that a decode window tells apart. */
  readonly decodeWidth: number;
  readonly failure: Failure;
  readonly objective: Objective;
  readonly securityBits: SecurityBits;
  readonly degrees: readonly Degree[];
}

export interface DiagonalsCandidate {
  readonly degree: Degree;
  readonly packing: DiagonalsPacking;
  readonly plainModulus: number;
  /** Data primes that the estimate takes. */
  readonly dataPrimeCount: number;
  readonly estimate: CostEstimate;
}

export interface DiagonalsSearch {
  /** Cheapest first, the first found among equals. */
  readonly candidates: readonly DiagonalsCandidate[];
  readonly considered: number;
  readonly refused: readonly RefusedCandidate[];
}

/** Smallest power of two not below `value`. */
function powerOfTwo(value: number): number {
  return 2 ** bitLength(value - 1);
}

/** Ways to lay planes out: as close as they fit, and in equal shares of the slot row, where rotations go round. */
function slotLayouts(spec: ConvSpec, degree: Degree): SlotLayout[] {
  const length = rowLength(degree);
  const rowPitch = slotRowPitch(spec);
  const planeSize = planeLength(spec, rowPitch);
  const planes = spec.input.batch * spec.input.channels;
  if (planeSize > length) return [{ degree, rowPitch, planePitch: length, planesPerRow: 1, period: null }];
  const fitting = Math.floor(length / planeSize);
  const tight = { degree, rowPitch, planePitch: planeSize, planesPerRow: fitting };
  const shares = powerOfTwo(fitting + 1) / 2;
  const even = { degree, rowPitch, planePitch: length / shares, planesPerRow: shares };
  const evenPeriod = powerOfTwo(planes);
  return [
    { ...even, period: evenPeriod <= shares ? evenPeriod : null },
    { ...tight, period: planes <= fitting ? planes : null },
  ];
}

/**
 * Norms as they come out on average: a plaintext's coefficients are spread evenly over (-t/2, t/2), so its L1 norm is
 * about N t / 4 and its L2 norm about sqrt(N / 12) t. Rounded up a little; the exact norms decide in the end.
 */
function expectedNorms(degree: number, plainModulus: number, steps: StepCounts): DiagonalsNorms {
  const l1 = (BigInt(degree) * BigInt(plainModulus) * 26n) / 100n;
  const l2 = BigInt(Math.ceil(Math.sqrt(degree / 11) * plainModulus));
  const { termsOfRow, rotatedTermsOfRow, termsByInput, termsByBaby, rotationsOfRow } = steps;
  const squares = (counts: readonly number[], unit: bigint): bigint =>
    counts.reduce((sum, count) => sum + (BigInt(count) * unit) ** 2n, 0n);
  return {
    rowL1: BigInt(termsOfRow) * l1,
    rotatedL1: BigInt(rotatedTermsOfRow) * l1,
    freshSquare: squares(termsByInput, l2),
    keySquare: squares(termsByBaby, l1) + BigInt(rotationsOfRow),
    rotations: rotationsOfRow,
  };
}

/** Fewest microseconds, or bytes, over the numbers of data primes; null where no q carries the candidate. */
function estimateCandidate(
  request: DiagonalsRequest,
  geometry: SlotGeometry,
  plainModulus: number,
  steps: RotationSteps,
  counts: StepCounts,
): DiagonalsCandidate | null {
  const { degree, rowPitch, planePitch, planesPerRow, period } = geometry.layout;
  const demand: RotationDemand = {
    degree,
    plainModulus,
    failure: request.failure,
    securityBits: request.securityBits,
    norms: expectedNorms(degree, plainModulus, counts),
    coefficients: degree * geometry.resultCiphertexts,
    rotates: counts.keys > 0,
  };
  let best: DiagonalsCandidate | null = null;
  for (const dataPrimeCount of DATA_PRIMES) {
    const [estimate] = estimateOf(demand, dataPrimeCount, counts);
    if (estimate === undefined) continue;
    const packing = { rowPitch, planePitch, planesPerRow, period, steps };
    const candidate = { degree, packing, plainModulus, dataPrimeCount, estimate };
    if (best === null || compareEstimates(estimate, best.estimate, request.objective) < 0) best = candidate;
    // One more prime costs time and, by more key halves, bytes: only where fewer cannot do it.
    else break;
  }
  return best;
}

/**
 * The least that a plan can take: as few ciphertexts as hold the elements, as few products as hold the entries of the
 * matrix, one rotation where slots have to move, at the cheapest degree with room for the expected noise of that. Null
 * where no degree has room.
 */
export function leastEstimate(request: DiagonalsRequest): CostEstimate | null {
  const entries = matrixEntries(request.spec, request.output);
  const least = request.degrees.flatMap((degree) => leastAt(request, degree, entries));
  return least.sort((left, right) => compareEstimates(left, right, request.objective))[0] ?? null;
}

/** The least at one degree, with room for `entries` of the matrix; empty where it has none. */
function leastAt(
  { spec, output, decodeWidth, failure, securityBits }: DiagonalsRequest,
  degree: Degree,
  entries = 0,
): CostEstimate[] {
  const plainModulus = batchingPrime(degree, decodeWidth);
  if (plainModulus === null) return [];
  const { input } = spec;
  const inputCiphertexts = Math.ceil((input.batch * input.channels * input.height * input.width) / degree);
  const outputs = output.batch * output.channels * output.height * output.width;
  const outputCiphertexts = Math.ceil(outputs / degree);
  const rotates = hasSeveralTaps(spec, output);
  const [terms, moves] = rotates ? [2, 1] : [1, 0];
  const counts = {
    inputCiphertexts,
    outputCiphertexts,
    products: Math.max(terms * outputCiphertexts, Math.ceil(entries / degree)),
    sums: outputCiphertexts,
    transforms: inputCiphertexts + outputCiphertexts,
    rotations: moves,
    keys: moves,
  };
  const row = { termsOfRow: terms, rotatedTermsOfRow: 0, rotationsOfRow: moves };
  const norms = expectedNorms(degree, plainModulus, {
    ...counts,
    ...row,
    termsByInput: [terms],
    termsByBaby: [],
  });
  const demand = { degree, plainModulus, failure, securityBits, norms, coefficients: degree, rotates };
  return DATA_PRIMES.flatMap((count) => estimateOf(demand, count, counts)).slice(0, 1);
}

/** The estimate with `count` data primes; none where they do not carry the demand. */
function estimateOf(demand: RotationDemand, count: number, counts: DiagonalsCounts): CostEstimate[] {
  const sizes = chooseSizes(demand, count, powersOfTwo);
  if (sizes === null) return [];
  const dataBits = sizes.dataPrimes.reduce((sum, prime) => sum + bitLength(prime) - 1, 0);
  const specialBits = sizes.specialPrime === null ? 0 : bitLength(sizes.specialPrime);
  return [estimateDiagonals(demand.degree, { dataPrimeCount: count, dataBits, specialBits }, counts)];
}

interface DegreeResult {
  readonly candidates: readonly DiagonalsCandidate[];
  readonly considered: number;
  /** Why the degree gives no candidate, or null. */
  readonly reason: string | null;
}

function* searchDegree(
  request: DiagonalsRequest,
  degree: Degree,
  best: DiagonalsCandidate | null,
): Steps<DegreeResult> {
  const none = (reason: string): DegreeResult => ({ candidates: [], considered: 0, reason });
  const plainModulus = batchingPrime(degree, request.decodeWidth);
  if (plainModulus === null) return none('no t of at most 51 bits has slots');
  if (largestModulusBits(degree, request.securityBits) === 0)
    return none(`no q gives ${request.securityBits} bits of security at this degree`);
  const [least] = leastAt(request, degree);
  if (least === undefined) return none(NO_ROOM);
  if (best !== null && compareEstimates(best.estimate, least, request.objective) <= 0) {
    const own = describeEstimate(least);
    return none(
      `one ciphertext each way costs ${own}, the chosen packing ${describeEstimate(best.estimate)}`,
    );
  }
  const candidates: DiagonalsCandidate[] = [];
  let considered = 0;
  for (const layout of slotLayouts(request.spec, degree)) {
    const geometry = slotGeometry(request.spec, layout);
    const found: DiagonalStep[] = collectSteps(geometry, request.spec, plainModulus);
    for (const steps of stepCandidates(geometry, found)) {
      considered++;
      const counts = countSteps(geometry, found, steps);
      const candidate = estimateCandidate(request, geometry, plainModulus, steps, counts);
      if (candidate !== null) candidates.push(candidate);
      yield;
    }
  }
  return { candidates, considered, reason: candidates.length > 0 ? null : NO_ROOM };
}

export const NO_ROOM = 'the noise of products and rotations needs more bits of q than the table allows';

function cheapest(
  candidates: readonly DiagonalsCandidate[],
  objective: Objective,
): DiagonalsCandidate | null {
  return candidates.reduce<DiagonalsCandidate | null>(
    (best, candidate) =>
      best === null || compareEstimates(candidate.estimate, best.estimate, objective) < 0 ? candidate : best,
    null,
  );
}

/**
 * All candidates, cheapest first. A degree is passed over when the least that it can cost is no less than what is found.
 * @throws CipherconvError `beyond-bfv` when no degree carries one.
 */
export function* searchDiagonals(request: DiagonalsRequest): Steps<DiagonalsSearch> {
  const { objective } = request;
  const results: (DegreeResult & { readonly degree: Degree })[] = [];
  let best: DiagonalsCandidate | null = null;
  for (const degree of request.degrees) {
    const result: DegreeResult = yield* searchDegree(request, degree, best);
    results.push({ degree, ...result });
    best = cheapest(best === null ? result.candidates : [best, ...result.candidates], objective);
  }
  if (best === null) refuseAll(request, results.at(-1)?.reason ?? 'no degree was given');
  const chosen = best;
  return {
    candidates: results
      .flatMap((result) => result.candidates)
      .sort((left, right) => compareEstimates(left.estimate, right.estimate, objective)),
    considered: results.reduce((sum, { considered }) => sum + considered, 0),
    refused: results.flatMap(({ degree, reason, candidates }) => {
      const own = cheapest(candidates, objective);
      if (own === null) return reason === null ? [] : [{ degree, reason }];
      if (degree === chosen.degree) return [];
      const costs = `its best packing costs ${describeEstimate(own.estimate)}`;
      return [{ degree, reason: `${costs}, the chosen one ${describeEstimate(chosen.estimate)}` }];
    }),
  };
}

/** @throws CipherconvError `beyond-bfv`, always. */
export function refuseAll(request: DiagonalsRequest, reason: string): never {
  throw new CipherconvError({
    code: 'beyond-bfv',
    message: 'no parameters carry the convolution in slots',
    expected: `a ring degree among ${request.degrees.join(', ')} whose q may be large enough`,
    found: reason,
    hint: '--lowering toeplitz, or fewer bits for inputs or weights',
  });
}
