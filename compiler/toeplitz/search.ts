import type { Steps } from '../base/steps.ts';
import { CipherconvError } from '../base/errors.ts';
import { axisShapes } from './packing.ts';
import type { AxisLayout, ToeplitzPacking } from './packing.ts';
import { DEGREES, largestModulusBits } from '../bfv/security.ts';
import type { Degree } from '../bfv/security.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import type { Kernel, RefusedCandidate } from '../lowering/plan.ts';
import { describeEstimate, isCheaper } from '../cost/estimate.ts';
import { axisCandidates } from './candidates.ts';
import { candidatesOf, offerOf, packingsOfTile } from './degreeCandidates.ts';
import type { Candidate, DegreeOffer, PackedTile, SearchRequest } from './degreeCandidates.ts';
import { bestHint, HintCandidates } from './hintCandidates.ts';

/**
 * The packing search: every ring degree, space-to-depth or direct strides, tile shapes, outputs per product, channels per
 * ciphertext and both kernels, in a fixed order. The cheapest candidate by the cost model wins, the first among equals.
 * The search is bounded: extents are taken only at ceil(extent / k), and tiles below 1/16 of the ring only where the
 * image is smaller.
 */

export interface SearchResult {
  readonly packing: ToeplitzPacking;
  readonly kernel: Kernel;
  readonly degree: Degree;
  readonly dataPrimes: readonly bigint[];
  readonly estimate: CostEstimate;
  readonly considered: number;
  readonly refused: readonly RefusedCandidate[];
}

/** What the search of one ring degree found. */
interface DegreeResult {
  readonly offer: DegreeOffer;
  /** The cheapest candidate, the first among equals; null where there is none. */
  readonly best: Candidate | null;
  readonly considered: number;
}

/** The candidate to keep. Both folds compare by this alone: over the candidates of a degree, then over the degrees. */
function cheaper(best: Candidate | null, next: Candidate, objective: Objective): Candidate {
  return best === null || isCheaper(next.estimate, best.estimate, objective) ? next : best;
}

function* searchDegree(
  request: SearchRequest,
  degree: Degree,
  rowCandidates: readonly AxisLayout[],
  columnCandidates: readonly AxisLayout[],
): Steps<DegreeResult> {
  const offer = offerOf(request, degree);
  const choice = choiceFor(request);
  let considered = 0;
  // Widest first: of tiles that cost the same the one whose rows are whole keeps neighbours of the image together.
  for (const columns of columnCandidates) {
    for (const rows of rowCandidates) {
      for (const packed of packingsOfTile(request.shape, offer, rows, columns)) {
        considered++;
        choice.add(degree, packed);
      }
    }
    yield;
  }
  return { offer, best: choice.best(), considered };
}

/** Of the packings of one degree the best candidate. */
interface Choice {
  add(degree: Degree, packed: PackedTile): void;
  best(): Candidate | null;
}

function choiceFor(request: SearchRequest): Choice {
  const { objective, protocol } = request;
  if (protocol === 'hint') {
    const source = new HintCandidates(request);
    const candidates: Candidate[] = [];
    return {
      add: (degree, packed) => void candidates.push(...source.of(degree, packed)),
      best: () => bestHint(candidates, objective),
    };
  }
  let best: Candidate | null = null;
  return {
    add: (degree, packed) => {
      for (const candidate of candidatesOf(request, degree, packed))
        best = cheaper(best, candidate, objective);
    },
    best: () => best,
  };
}

/** The best of what the degrees found. */
function bestOf(found: readonly Candidate[], { protocol, objective }: SearchRequest): Candidate | null {
  if (protocol === 'hint') return bestHint(found, objective);
  return found.reduce<Candidate | null>((best, next) => cheaper(best, next, objective), null);
}

/** Why nothing fits, by how much, and what would help. */
function refuseAll(request: SearchRequest, results: readonly DegreeResult[]): never {
  const last = results.at(-1)?.offer;
  const largest = last?.degree ?? 1024;
  const allowed = largestModulusBits(largest, request.securityBits);
  if (allowed === 0) {
    throw new CipherconvError({
      code: 'beyond-bfv',
      message: `no q gives ${request.securityBits} bits of security at ring degree ${largest}`,
      expected: 'a ring degree of at least 2048',
      hint: 'allow a larger --degree',
    });
  }
  const needed = last?.missingBits ?? null;
  throw new CipherconvError({
    code: 'beyond-bfv',
    message:
      needed === null
        ? `no packing fits the ring degree ${largest}`
        : `the accumulator is too wide for BFV at ring degree ${largest} and ${request.securityBits} bits of security`,
    expected:
      needed === null
        ? `one output with all its taps within ${largest} coefficients`
        : `a coefficient modulus of at most ${allowed} bits`,
    found:
      needed === null
        ? 'a kernel that reaches over more coefficients'
        : `at least ${needed} bits needed, ${needed - allowed} too many (t = ${request.plainModulus})`,
    hint:
      largest < Math.max(...DEGREES)
        ? 'allow a larger --degree'
        : 'use fewer bits for inputs or weights, fewer taps, or split the input channels over several convolutions',
  });
}

/**
 * The cheapest packing and parameters for a convolution.
 * @throws CipherconvError `beyond-bfv` when no degree carries it; it says how many bits are missing.
 */
export function* searchPacking(request: SearchRequest): Steps<SearchResult> {
  const axes = axisShapes(request.shape);
  const rowCandidates = axisCandidates(axes.rows);
  const columnCandidates = axisCandidates(axes.columns);
  const results: DegreeResult[] = [];
  for (const degree of request.degrees)
    results.push(yield* searchDegree(request, degree, rowCandidates, columnCandidates));
  const chosen = bestOf(
    results.flatMap(({ best }) => (best === null ? [] : [best])),
    request,
  );
  if (chosen === null) refuseAll(request, results);
  return {
    packing: chosen.packing,
    kernel: chosen.kernel,
    degree: chosen.degree,
    dataPrimes: chosen.modulus.dataPrimes,
    estimate: chosen.estimate,
    considered: results.reduce((sum, { considered }) => sum + considered, 0),
    refused: results.flatMap((result) => refusals(request, result, chosen)),
  };
}

/** Why a degree was not taken, or why it could not carry more outputs in one product. */
function refusals(
  request: SearchRequest,
  { offer, best }: DegreeResult,
  chosen: Candidate,
): RefusedCandidate[] {
  const { degree, missingBits } = offer;
  const carriesNothing = offer.outputs.length === 0;
  const found: RefusedCandidate[] = [];
  if (missingBits !== null) {
    const what = carriesNothing ? 'the noise of one output' : 'more outputs in one product';
    const allowed = largestModulusBits(degree, request.securityBits);
    found.push({
      degree,
      reason:
        allowed === 0
          ? `no q gives ${request.securityBits} bits of security at this degree`
          : `${what} needs a q of ${missingBits} bits, the table allows ${allowed}`,
    });
  }
  if (!carriesNothing && best === null) {
    found.push({ degree, reason: 'no tile of the image fits into the ring' });
  }
  if (best !== null && degree !== chosen.degree) {
    found.push({
      degree,
      reason: `its best packing costs ${describeEstimate(best.estimate)}, the chosen one ${describeEstimate(chosen.estimate)}`,
    });
  }
  return found;
}
