import { bitLength } from '../base/interval.ts';
import { largestModulusBits } from '../bfv/security.ts';
import type { Degree } from '../bfv/security.ts';
import type { Objective } from '../cost/estimate.ts';
import { rowNorm } from './candidates.ts';
import type { Candidate, PackedTile, SearchRequest } from './degreeCandidates.ts';
import { directCounts } from './direct/cost.ts';
import { hintCost, hintEstimate } from './hintCost.ts';
import type { HintCost, HintCounts } from './hintCost.ts';
import { hintWires, PrimeSource } from './hintWire.ts';
import type { HintWire } from './hintWire.ts';

/** The candidates of the search with hints: a packing, with each q and dropped bits that is best at something. */

/** What a wire is to a candidate of several primes: of those everything travels. */
type WireFacts = Pick<HintWire, 'uploadBits' | 'responseBits' | 'primeBits'> & {
  /** Digits of an input; null: those that the primes take. */
  readonly limbs: number | null;
};

export class HintCandidates {
  readonly #request: SearchRequest;
  readonly #primes: PrimeSource;
  readonly #wires = new Map<string, readonly HintWire[]>();

  constructor(request: SearchRequest) {
    this.#request = request;
    this.#primes = new PrimeSource(request.plainModulus);
  }

  /** One candidate for each q and dropped bits. */
  of(degree: Degree, packed: PackedTile): Candidate[] {
    const { packing, modulus } = packed;
    if (modulus.dataPrimes.length > 1) {
      const bits = modulus.dataPrimes.reduce((sum, prime) => sum + bitLength(prime), 0);
      const facts = { uploadBits: bits, responseBits: bits, primeBits: bits, limbs: null };
      return [this.#candidate(degree, packed, facts)];
    }
    return this.#wiresOf(degree, packing.outputsPerProduct).map((wire) =>
      this.#candidate(degree, { ...packed, modulus: { ...modulus, dataPrimes: [wire.prime] } }, wire),
    );
  }

  #candidate(degree: Degree, packed: PackedTile, wire: WireFacts): Candidate {
    const { objective, inferences } = this.#request;
    const { packing, modulus } = packed;
    const cost = costOf(this.#request, degree, packed, wire);
    return {
      degree,
      packing,
      kernel: 'direct',
      modulus,
      estimate: hintEstimate(cost, objective, inferences),
    };
  }

  #wiresOf(degree: Degree, perProduct: number): readonly HintWire[] {
    const key = `${degree} ${perProduct}`;
    const known = this.#wires.get(key);
    if (known !== undefined) return known;
    const { plainModulus, failure, channelL1, channelL2Squared, outputElements, securityBits } =
      this.#request;
    const wires = hintWires(
      {
        degree,
        plainModulus,
        noise: {
          degree,
          plainModulus,
          failure,
          rowL1: rowNorm(channelL1, perProduct),
          rowL2Squared: rowNorm(channelL2Squared, perProduct),
          coefficients: outputElements,
        },
        allowedBits: largestModulusBits(degree, securityBits),
      },
      this.#primes,
    );
    this.#wires.set(key, wires);
    return wires;
  }
}

function costOf(
  { shape, outputElements }: SearchRequest,
  degree: Degree,
  packed: PackedTile,
  wire: WireFacts,
): HintCost {
  const { packing, modulus, tiling } = packed;
  const groups = Math.ceil(tiling.blocks / packing.blocksPerCiphertext);
  const rows = Math.ceil(shape.weights.outChannels / packing.outputsPerProduct);
  const inputCiphertexts = groups * Math.ceil(tiling.phaseChannels / packing.channelsPerCiphertext);
  const counts: HintCounts = {
    degree,
    dataPrimeBits: modulus.dataPrimes.map((prime) => bitLength(prime)),
    inputCiphertexts,
    outputCiphertexts: groups * rows,
    uploadCoefficients: Math.min(inputCiphertexts * tiling.degree, readCoefficients(packed)),
    uploadBits: wire.uploadBits,
    outputElements,
    responseBits: wire.responseBits,
    hintRows: rows,
  };
  const direct = directCounts(shape, packing, modulus.dataPrimes, tiling);
  return hintCost(counts, wire.limbs === null ? direct : { ...direct, limbs: wire.limbs });
}

/** Coefficients that some output reads: the window of every tile; other outputs of a product read beyond it. */
function readCoefficients({ packing, tiling }: PackedTile): number {
  const { rows, columns, blocks, phaseChannels } = tiling;
  const window =
    ((rows.tileSize - 1) * rows.step + rows.reach + 1) *
    ((columns.tileSize - 1) * columns.step + columns.reach + 1);
  return blocks * phaseChannels * window * (2 * packing.outputsPerProduct - 1);
}

/** Estimates differ by less than the machine does: within this part of the least the other cost decides. */
const AS_GOOD = 0.03;

/** The candidate that costs least by the objective, the one with the least other cost among those about as good. */
export function bestHint(candidates: readonly Candidate[], objective: Objective): Candidate | null {
  const byBytes = objective === 'bandwidth';
  const first = ({ estimate }: Candidate): number => (byBytes ? estimate.bytes : estimate.milliseconds);
  const second = ({ estimate }: Candidate): number => (byBytes ? estimate.milliseconds : estimate.bytes);
  const least = candidates.reduce((most, candidate) => Math.min(most, first(candidate)), Infinity);
  let best: Candidate | null = null;
  for (const candidate of candidates) {
    if (first(candidate) > least * (1 + AS_GOOD)) continue;
    if (best === null || second(candidate) < second(best)) best = candidate;
  }
  return best;
}
