import type { Interval, Width } from './interval.ts';
import type { DroppedBits, Failure, ResultNoiseInput } from './noise.ts';
import type { ToeplitzPacking } from './packing.ts';
import type { Degree, SecurityBits } from './security.ts';
import { outputShape } from './spec.ts';
import type { ConvShape, ConvSpec } from './spec.ts';
import { elementCount } from './tensor.ts';

export type { DroppedBits } from './noise.ts';

/**
 * A plan is plain, frozen, JSON data: everything that was decided and why. The program is a pure function of it
 * (program.ts), `verify` proves the two right against the spec, and the runtime executes them.
 */

export type Lowering = 'toeplitz';
/** `ntt`: SEAL's evaluator, everything in NTT form. `direct`: shift-and-add over raw coefficients (programSteps.ts). */
export type Kernel = 'ntt' | 'direct';
export type Objective = 'latency' | 'bandwidth';

/** BFV parameters. */
export interface Parameters {
  /** Ring degree N. */
  readonly degree: Degree;
  /** t. */
  readonly plainModulus: number;
  /** Primes that carry data, decimal strings. */
  readonly dataPrimes: readonly string[];
  /** SEAL's special prime, decimal; present exactly when there are several data primes. */
  readonly specialPrime: string | null;
  readonly securityBits: SecurityBits;
}

/**
 * How residues become accumulators: output channel o's value is low[o] + ((r - residueLow[o]) mod t), because the
 * encrypted sum, which leaves the bias out, lies in [residueLow[o], residueLow[o] + t).
 */
export interface DecodeWindows {
  /** Exact low end of the accumulator of each output channel. */
  readonly low: readonly number[];
  /** low[o] - bias[o]. */
  readonly residueLow: readonly number[];
}

export interface PlanAnalysis {
  /** Hull of the accumulators of all channels. */
  readonly interval: Interval;
  /** Exact accumulator range of each output channel. */
  readonly channels: readonly Interval[];
  /** max over channels of hi - lo + 1. */
  readonly decodeWidth: number;
  readonly required: Width;
}

/** What the noise follows from, beside the parameters. */
export interface NoiseFacts {
  /** When an honest result may decrypt wrong. */
  readonly failure: Failure;
  /** Largest L1 norm of a row of weight polynomials (centred lift). */
  readonly rowL1: number;
  /** Largest squared L2 norm of a row. */
  readonly rowL2Squared: number;
}

export interface PlanNoise extends NoiseFacts {
  /** Budget in bits that SEAL reports at least, by the worst-case rule. */
  readonly predictedBudgetBits: number;
}

/** How the direct kernel's 32-bit lanes sum without overflow; planKernel.ts derives and proves it. */
export interface DirectLanes {
  /** Bits of a balanced digit, at most 16. */
  readonly limbBits: number;
  /** Digits of a residue, of every data prime. */
  readonly limbs: number;
  /** Largest L1 norm of weights that one lane may sum: floor((2^31 - 1) / 2^(limbBits - 1)). */
  readonly laneL1: number;
  /** Most partial sums of a result, each reduced on its own: 1 where every row stays within `laneL1`. */
  readonly folds: number;
}

/** What one run of the plan costs, counted from the program. */
export interface PlanCounts {
  readonly inputCiphertexts: number;
  readonly outputCiphertexts: number;
  /** Plaintext x ciphertext products. */
  readonly products: number;
  /** Ciphertext transforms, forward (one an input) and back (one a result). */
  readonly ntt: number;
  readonly rotations: number;
  /** Weight polynomials transformed once per plan. */
  readonly weightPlaintexts: number;
}

/** Bytes of all ciphertexts of one run, exact. */
export interface PlanBytes {
  readonly upload: number;
  readonly response: number;
}

/** Why some candidates were not taken; one entry a degree and kind of reason. */
export interface RefusedCandidate {
  readonly degree: Degree;
  readonly reason: string;
}

export interface PlanReport {
  readonly objective: Objective;
  /** Candidates whose cost was computed. */
  readonly considered: number;
  /** Estimated milliseconds of one run on the machine of the cost table. */
  readonly estimatedMilliseconds: number;
  readonly refused: readonly RefusedCandidate[];
}

/** What really travels, of each block group. */
export interface Transfer {
  /** Input chunks that some row reads, ascending; the others are never encrypted. */
  readonly usedChunks: readonly number[];
  /** Result rows without any term: their residues are 0, known in the clear, never computed. */
  readonly emptyRows: readonly number[];
}

export interface Plan {
  readonly format: 'cipherconv-plan';
  readonly version: 1;
  /** Version of the compiler that made the plan. */
  readonly compiler: string;
  readonly spec: ConvSpec;
  readonly analysis: PlanAnalysis;
  readonly parameters: Parameters;
  readonly packing: ToeplitzPacking;
  readonly kernel: Kernel;
  /** Present exactly when the kernel is `direct`. */
  readonly direct: DirectLanes | null;
  readonly windows: DecodeWindows;
  readonly transfer: Transfer;
  /** Low bits of the coefficients that do not travel. */
  readonly wire: DroppedBits;
  readonly noise: PlanNoise;
  readonly counts: PlanCounts;
  readonly bytes: PlanBytes;
  readonly report: PlanReport;
}

/** All that encrypting and decrypting needs. It holds no weight. */
export interface ClientView {
  readonly shape: ConvShape;
  readonly parameters: Parameters;
  readonly packing: ToeplitzPacking;
  readonly windows: DecodeWindows;
  readonly transfer: Transfer;
  readonly wire: DroppedBits;
}

/** The client's part of a plan: weights, biases and analysis left out. */
export function clientView(plan: Plan): ClientView {
  const { spec, parameters, packing, windows, transfer, wire } = plan;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed } = spec.weights;
  const weights = { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed };
  const { name, input, strides, pads, dilations, group } = spec;
  return {
    shape: { name, input, weights, strides, pads, dilations, group },
    parameters,
    packing,
    windows,
    transfer,
    wire,
  };
}

/** What the noise of a plan's results depends on. */
export function noiseInput(
  plan: Pick<Plan, 'spec' | 'parameters' | 'wire'> & { readonly noise: NoiseFacts },
): ResultNoiseInput {
  const { batch, channels, height, width } = outputShape(plan.spec);
  const { failure, rowL1, rowL2Squared } = plan.noise;
  return {
    degree: plan.parameters.degree,
    failure,
    rowL1,
    rowL2Squared,
    coefficients: elementCount([batch, channels, height, width]),
    dropped: plan.wire,
  };
}

/** Product of the primes that carry data: the q of noise and decryption. */
export function dataModulus(parameters: Parameters): bigint {
  return parameters.dataPrimes.reduce((product, prime) => product * BigInt(prime), 1n);
}

/** Bits of every prime, the special one last, as SEAL is given them. */
export function coeffModulusBits(parameters: Parameters): number[] {
  return allPrimes(parameters).map((prime) => prime.toString(2).length);
}

/** Every prime in SEAL's order: data primes, then the special prime if there is one. */
export function allPrimes(parameters: Parameters): bigint[] {
  const primes = parameters.dataPrimes.map(BigInt);
  return parameters.specialPrime === null ? primes : [...primes, BigInt(parameters.specialPrime)];
}

/** Value of output channel `channel` for residue `residue` in [0, t). Exact for all safe integers. */
export function decodeResidue(
  windows: DecodeWindows,
  plainModulus: number,
  channel: number,
  residue: number,
): number {
  const residueLow = windows.residueLow[channel]!;
  const base = ((residueLow % plainModulus) + plainModulus) % plainModulus;
  const distance = residue >= base ? residue - base : residue - base + plainModulus;
  return windows.low[channel]! + distance;
}
