import { bitLength } from '../base/interval.ts';
import { digitBits } from '../bfv/dropStep.ts';
import { largestModulusBits } from '../bfv/security.ts';
import type { Degree } from '../bfv/security.ts';
import type { Objective } from '../cost/estimate.ts';
import { rowNorm } from './candidates.ts';
import type { Candidate, PackedTile, SearchRequest } from './degreeCandidates.ts';
import { directCounts } from './direct/cost.ts';
import { dropUnderPrimes } from './dropBits.ts';
import { hintCost, hintEstimate } from './hintCost.ts';
import type { HintCost, HintCounts } from './hintCost.ts';
import { hintWires, PrimeSource } from './hintWire.ts';
import type { HintWire, HintWireDemand } from './hintWire.ts';

/** The candidates of the search with hints: a packing, with each q and dropped bits that is best at something. */

/** What a wire is to a candidate of several primes: uploads travel whole. */
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
    if (modulus.dataPrimes.length > 1)
      return [this.#candidate(degree, packed, this.#severalPrimes(degree, packed))];
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

  #severalPrimes(degree: Degree, { packing, modulus }: PackedTile): WireFacts {
    const { plainModulus, outputElements } = this.#request;
    const { dataPrimes: primes } = modulus;
    const noise = this.#noise(degree, packing.outputsPerProduct);
    const coefficients = { uploadC0: 0, responseC1: 0, responseC0: outputElements };
    const choice = dropUnderPrimes({ degree, plainModulus, noise, primes, coefficients, protocol: 'hint' });
    const bits = digitBits(primes);
    const responseBits = bits - (choice?.dropped.responseC0 ?? 0);
    return { uploadBits: bits, responseBits, primeBits: bits, limbs: null };
  }

  #wiresOf(degree: Degree, perProduct: number): readonly HintWire[] {
    const key = `${degree} ${perProduct}`;
    const known = this.#wires.get(key);
    if (known !== undefined) return known;
    const { plainModulus, securityBits } = this.#request;
    const noise = this.#noise(degree, perProduct);
    const allowedBits = largestModulusBits(degree, securityBits);
    const wires = hintWires({ degree, plainModulus, noise, allowedBits }, this.#primes);
    this.#wires.set(key, wires);
    return wires;
  }

  /** The noise of rows of so many outputs, without what is dropped. */
  #noise(degree: Degree, perProduct: number): HintWireDemand['noise'] {
    const { plainModulus, failure, channelL1, channelL2Squared, outputElements } = this.#request;
    return {
      degree,
      plainModulus,
      failure,
      rowL1: rowNorm(channelL1, perProduct),
      rowL2Squared: rowNorm(channelL2Squared, perProduct),
      coefficients: outputElements,
    };
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
