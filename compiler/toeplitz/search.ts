import type { Steps } from '../base/steps.ts';
import { estimateDirect, estimateNtt } from './cost.ts';
import { CipherconvError } from '../base/errors.ts';
import { bitLength } from '../base/interval.ts';
import { NOTHING_DROPPED } from '../bfv/noise.ts';
import type { Failure } from '../bfv/noise.ts';
import { axisShapes, pitches } from './packing.ts';
import type { AxisLayout, ToeplitzPacking } from './packing.ts';
import { chooseModulus } from '../bfv/chooseModulus.ts';
import type { ModulusChoice } from '../bfv/chooseModulus.ts';
import { directCounts } from './direct/cost.ts';
import type { Tiling } from './direct/cost.ts';
import { DEGREES, largestModulusBits } from '../bfv/security.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import type { ConvShape, OutputShape } from '../convolution/shape.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import { resultNoise } from './noise.ts';
import type { Kernel, RefusedCandidate } from '../lowering/plan.ts';
import { describeEstimate, isCheaper } from '../cost/estimate.ts';
import { splitSizes, rowNorm, axisCandidates, productsOfGroup } from './candidates.ts';

/**
 * The packing search: every ring degree, space-to-depth or direct strides, tile shapes, outputs per product and
 * channels per ciphertext and both kernels, in a fixed order; the cheapest candidate by the cost model wins, the first among equals.
 * Bounded: extents are taken only at ceil(extent / k), and tiles below 1/16 of the ring only where the image is smaller.
 */

export interface SearchRequest {
  readonly shape: ConvShape;
  readonly output: OutputShape;
  /** Elements of the output, all images. */
  readonly outputElements: number;
  readonly plainModulus: number;
  /** Norms of the centred weights of each output channel, modulo t. */
  readonly channelL1: readonly number[];
  readonly channelL2Squared: readonly number[];
  readonly failure: Failure;
  readonly objective: Objective;
  readonly securityBits: SecurityBits;
  readonly degrees: readonly Degree[];
  /** Kernels that may execute the plan; the earlier among equals. */
  readonly kernels: readonly Kernel[];
}

export interface SearchResult {
  readonly packing: ToeplitzPacking;
  readonly kernel: Kernel;
  readonly degree: Degree;
  readonly dataPrimes: readonly bigint[];
  readonly specialPrime: bigint | null;
  readonly estimate: CostEstimate;
  readonly considered: number;
  readonly refused: readonly RefusedCandidate[];
}

type FoundModulus = Extract<ModulusChoice, { kind: 'found' }>;

interface Candidate {
  readonly packing: ToeplitzPacking;
  readonly kernel: Kernel;
  readonly modulus: FoundModulus;
  readonly estimate: CostEstimate;
}

/** Searches one ring degree. */
class DegreeSearch {
  best: Candidate | null = null;
  considered = 0;
  /** Fewest bits of q that were needed and not allowed. */
  missingBits: number | null = null;
  readonly #request: SearchRequest;
  readonly #degree: Degree;
  readonly #outputs: { perProduct: number; modulus: FoundModulus }[] = [];
  readonly #outputElements: number;

  constructor(request: SearchRequest, degree: Degree) {
    this.#request = request;
    this.#degree = degree;
    this.#outputElements = request.outputElements;
    for (const perProduct of splitSizes(request.output.channels).reverse()) this.#tryOutputs(perProduct);
  }

  /** Finds q for `perProduct` outputs in one product; more outputs need more bits, so a refusal ends the list. */
  #tryOutputs(perProduct: number): void {
    if (this.missingBits !== null) return;
    const { failure, channelL1, channelL2Squared, plainModulus, securityBits } = this.#request;
    const { response: noise } = resultNoise({
      degree: this.#degree,
      plainModulus,
      failure,
      rowL1: rowNorm(channelL1, perProduct),
      rowL2Squared: rowNorm(channelL2Squared, perProduct),
      coefficients: this.#outputElements,
      dropped: NOTHING_DROPPED,
    });
    const modulus = chooseModulus({ degree: this.#degree, plainModulus, noise, securityBits });
    if (modulus.kind === 'refused') this.missingBits = modulus.neededBits;
    else this.#outputs.push({ perProduct, modulus });
  }

  get carriesNothing(): boolean {
    return this.#outputs.length === 0;
  }

  tryTile(rows: AxisLayout, columns: AxisLayout): void {
    const { rowPitch, channelPitch } = pitches(rows, columns);
    const slots = Math.floor(this.#degree / channelPitch);
    if (slots === 0) return;
    const wholeImage = rows.tileCount === 1 && columns.tileCount === 1;
    if (!wholeImage && slots > SMALLEST_TILE_PARTS) return;
    const { shape } = this.#request;
    const phaseChannels = shape.input.channels * rows.phases.length * columns.phases.length;
    const blocks = shape.input.batch * rows.tileCount * columns.tileCount;
    for (const { perProduct, modulus } of this.#outputs) {
      if (perProduct > slots) break;
      for (const channels of splitSizes(phaseChannels)) {
        if (channels * perProduct > slots) continue;
        const packing: ToeplitzPacking = {
          phaseFactors: { rows: rows.factor, columns: columns.factor },
          tile: { height: rows.tileSize, width: columns.tileSize },
          rowPitch,
          channelPitch,
          channelsPerCiphertext: channels,
          blocksPerCiphertext: Math.min(blocks, Math.floor(slots / (channels * perProduct))),
          outputsPerProduct: perProduct,
        };
        this.#consider(packing, modulus, { rows, columns, phaseChannels, blocks, degree: this.#degree });
      }
    }
  }

  #consider(packing: ToeplitzPacking, modulus: FoundModulus, tiling: Tiling): void {
    const { shape, objective, kernels } = this.#request;
    const { phaseChannels, blocks } = tiling;
    const groups = Math.ceil(blocks / packing.blocksPerCiphertext);
    const resultRows = Math.ceil(shape.weights.outChannels / packing.outputsPerProduct);
    const chunks = Math.ceil(phaseChannels / packing.channelsPerCiphertext);
    const candidate = {
      degree: this.#degree,
      dataPrimeBits: modulus.dataPrimes.map((prime) => bitLength(prime)),
      counts: {
        inputCiphertexts: groups * chunks,
        products: groups * productsOfGroup(shape, packing, phaseChannels, chunks, resultRows),
        outputCiphertexts: groups * resultRows,
      },
      outputElements: this.#outputElements,
    };
    this.considered++;
    for (const kernel of kernels) {
      const estimate =
        kernel === 'ntt'
          ? estimateNtt(candidate)
          : estimateDirect(candidate, directCounts(shape, packing, modulus.dataPrimes, tiling));
      if (this.best === null || isCheaper(estimate, this.best.estimate, objective)) {
        this.best = { packing, kernel, modulus, estimate };
      }
    }
  }
}

/** A tile smaller than this part of the ring wastes more on its halo than it saves. */
const SMALLEST_TILE_PARTS = 16;

/** Why nothing fits, by how much, and what would help. */
function refuseAll(
  request: SearchRequest,
  searches: readonly { degree: Degree; search: DegreeSearch }[],
): never {
  const best = searches.at(-1);
  const largest = best?.degree ?? 1024;
  const allowed = largestModulusBits(largest, request.securityBits);
  if (allowed === 0) {
    throw new CipherconvError({
      code: 'beyond-bfv',
      message: `no q gives ${request.securityBits} bits of security at ring degree ${largest}`,
      expected: 'a ring degree of at least 2048',
      hint: 'allow a larger --degree',
    });
  }
  const needed = best?.search.missingBits ?? null;
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
  const searches = request.degrees.map((degree) => ({ degree, search: new DegreeSearch(request, degree) }));
  for (const { search } of searches) {
    if (search.carriesNothing) continue;
    for (const rows of rowCandidates) {
      for (const columns of columnCandidates) search.tryTile(rows, columns);
      yield;
    }
  }
  let best: { degree: Degree; candidate: Candidate } | null = null;
  for (const { degree, search } of searches) {
    if (search.best === null) continue;
    if (best === null || isCheaper(search.best.estimate, best.candidate.estimate, request.objective)) {
      best = { degree, candidate: search.best };
    }
  }
  if (best === null) refuseAll(request, searches);
  const chosen = best;
  return {
    packing: chosen.candidate.packing,
    kernel: chosen.candidate.kernel,
    degree: chosen.degree,
    dataPrimes: chosen.candidate.modulus.dataPrimes,
    specialPrime: chosen.candidate.modulus.specialPrime,
    estimate: chosen.candidate.estimate,
    considered: searches.reduce((sum, { search }) => sum + search.considered, 0),
    refused: searches.flatMap(({ degree, search }) => refusals(request, degree, search, chosen)),
  };
}

function refusals(
  request: SearchRequest,
  degree: Degree,
  search: DegreeSearch,
  chosen: { degree: Degree; candidate: Candidate },
): RefusedCandidate[] {
  const found: RefusedCandidate[] = [];
  if (search.missingBits !== null) {
    const what = search.carriesNothing ? 'the noise of one output' : 'more outputs in one product';
    const allowed = largestModulusBits(degree, request.securityBits);
    found.push({
      degree,
      reason:
        allowed === 0
          ? `no q gives ${request.securityBits} bits of security at this degree`
          : `${what} needs a q of ${search.missingBits} bits, the table allows ${allowed}`,
    });
  }
  if (!search.carriesNothing && search.best === null) {
    found.push({ degree, reason: 'no tile of the image fits into the ring' });
  }
  if (search.best !== null && degree !== chosen.degree) {
    found.push({
      degree,
      reason: `its best packing costs ${describeEstimate(search.best.estimate)}, the chosen one ${describeEstimate(chosen.candidate.estimate)}`,
    });
  }
  return found;
}
