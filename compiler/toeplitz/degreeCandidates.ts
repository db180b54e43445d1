import { estimateDirect, estimateNtt } from './cost.ts';
import { bitLength } from '../base/interval.ts';
import { NO_STEPS } from '../bfv/dropStep.ts';
import type { Failure } from '../bfv/noise.ts';
import { pitches } from './packing.ts';
import type { AxisLayout, ToeplitzPacking } from './packing.ts';
import { chooseModulus } from '../bfv/chooseModulus.ts';
import type { ModulusChoice } from '../bfv/chooseModulus.ts';
import { directCounts } from './direct/cost.ts';
import type { Tiling } from './direct/cost.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import type { ConvShape, OutputShape } from '../convolution/shape.ts';
import type { CostEstimate, Objective } from '../cost/estimate.ts';
import { resultNoise } from './noise.ts';
import type { Kernel, Protocol } from '../lowering/plan.ts';
import { splitSizes, rowNorm, productsOfGroup } from './candidates.ts';

/**
 * The candidates of the packing search at one ring degree: first which q carries how many outputs, then every packing of
 * a tile, then every kernel. Nothing is compared here.
 */

/** What is searched for, and what of the convolution the search needs. */
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
  readonly protocol: Protocol;
  /** Inferences that share the download of a hint. */
  readonly inferences: number;
  /** Kernels that may execute the plan; the earlier among equals. */
  readonly kernels: readonly Kernel[];
}

type FoundModulus = Extract<ModulusChoice, { kind: 'found' }>;

/** What one ring degree carries. */
export interface DegreeOffer {
  readonly degree: Degree;
  /** Numbers of outputs in one product, ascending, each with the q that carries it; empty where none is carried. */
  readonly outputs: readonly { readonly perProduct: number; readonly modulus: FoundModulus }[];
  /** Bits of q that the first number of outputs that is not carried needs; null where all are. */
  readonly missingBits: number | null;
}

/** Finds q for each number of outputs in one product. More outputs need more bits, so a refusal ends the list. */
export function offerOf(request: SearchRequest, degree: Degree): DegreeOffer {
  const { failure, channelL1, channelL2Squared, plainModulus, securityBits } = request;
  const outputs: { perProduct: number; modulus: FoundModulus }[] = [];
  for (const perProduct of splitSizes(request.output.channels).reverse()) {
    const { response: noise } = resultNoise({
      degree,
      plainModulus,
      failure,
      rowL1: rowNorm(channelL1, perProduct),
      rowL2Squared: rowNorm(channelL2Squared, perProduct),
      coefficients: request.outputElements,
      steps: NO_STEPS,
      protocol: request.protocol,
    });
    const modulus = chooseModulus({ degree, plainModulus, noise, securityBits });
    if (modulus.kind === 'refused') return { degree, outputs, missingBits: modulus.neededBits };
    outputs.push({ perProduct, modulus });
  }
  return { degree, outputs, missingBits: null };
}

/** A packing with the q that carries it. */
export interface PackedTile {
  readonly packing: ToeplitzPacking;
  readonly modulus: FoundModulus;
  readonly tiling: Tiling;
}

/** A tile smaller than this part of the ring wastes more on its halo than it saves. */
const SMALLEST_TILE_PARTS = 16;

/** Every packing of one tile shape, in a fixed order: outputs per product, then channels per ciphertext. */
export function* packingsOfTile(
  { input }: ConvShape,
  { degree, outputs }: DegreeOffer,
  rows: AxisLayout,
  columns: AxisLayout,
): Generator<PackedTile> {
  const { rowPitch, channelPitch } = pitches(rows, columns);
  // Places for one channel of one block in a ring element.
  const places = Math.floor(degree / channelPitch);
  const isWholeImage = rows.tileCount === 1 && columns.tileCount === 1;
  if (places === 0 || (!isWholeImage && places > SMALLEST_TILE_PARTS)) return;
  const phaseChannels = input.channels * rows.phases.length * columns.phases.length;
  const blocks = input.batch * rows.tileCount * columns.tileCount;
  for (const { perProduct, modulus } of outputs) {
    if (perProduct > places) break;
    for (const channels of splitSizes(phaseChannels)) {
      if (channels * perProduct > places) continue;
      const packing: ToeplitzPacking = {
        phaseFactors: { rows: rows.factor, columns: columns.factor },
        tile: { height: rows.tileSize, width: columns.tileSize },
        rowPitch,
        channelPitch,
        channelsPerCiphertext: channels,
        blocksPerCiphertext: Math.min(blocks, Math.floor(places / (channels * perProduct))),
        outputsPerProduct: perProduct,
      };
      yield { packing, modulus, tiling: { rows, columns, phaseChannels, blocks, degree } };
    }
  }
}

/** A packing, a kernel that may execute it, and what that is estimated to cost. */
export interface Candidate {
  readonly degree: Degree;
  readonly packing: ToeplitzPacking;
  readonly kernel: Kernel;
  readonly modulus: FoundModulus;
  readonly estimate: CostEstimate;
}

/** One candidate for each kernel, in the order of the request. */
export function candidatesOf(
  { shape, kernels, outputElements }: SearchRequest,
  degree: Degree,
  { packing, modulus, tiling }: PackedTile,
): Candidate[] {
  const groups = Math.ceil(tiling.blocks / packing.blocksPerCiphertext);
  const resultRows = Math.ceil(shape.weights.outChannels / packing.outputsPerProduct);
  const chunks = Math.ceil(tiling.phaseChannels / packing.channelsPerCiphertext);
  const counted = {
    degree,
    dataPrimeBits: modulus.dataPrimes.map((prime) => bitLength(prime)),
    counts: {
      inputCiphertexts: groups * chunks,
      products: groups * productsOfGroup(shape, packing, tiling.phaseChannels, chunks, resultRows),
      outputCiphertexts: groups * resultRows,
    },
    outputElements,
  };
  return kernels.map((kernel) => {
    const estimate =
      kernel === 'ntt'
        ? estimateNtt(counted)
        : estimateDirect(counted, directCounts(shape, packing, modulus.dataPrimes, tiling));
    return { degree, packing, kernel, modulus, estimate };
  });
}
