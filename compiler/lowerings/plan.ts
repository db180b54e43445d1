import type { Interval, Width } from '../base/interval.ts';
import { resultNoise } from '../bfv/noise.ts';
import type { DroppedBits, Failure, NoiseStages, ResultNoiseInput } from '../bfv/noise.ts';
import { diagonalsNoise } from '../diagonals/noise.ts';
import type { DiagonalsNoiseInput, DiagonalsNorms } from '../diagonals/noise.ts';
import type { ToeplitzPacking } from '../toeplitz/packing.ts';
import { slotGeometry } from '../diagonals/packing.ts';
import type { DiagonalsPacking } from '../diagonals/packing.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import { outputShape } from '../convolution/spec.ts';
import type { ConvShape, ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';

/**
 * A plan is plain, frozen, JSON data: everything that was decided and why. The program is a pure function of it
 * (program.ts), `verify` proves the two right against the spec, and the runtime executes them.
 */

export type { DroppedBits } from '../bfv/noise.ts';

export type Lowering = 'toeplitz' | 'diagonals';
/** `ntt`: SEAL's evaluator, everything in NTT form. `direct`: shift-and-add over raw coefficients (programSteps.ts). */
export type Kernel = 'ntt' | 'direct';
export type Objective = 'latency' | 'bandwidth';
/** How c1 of an upload travels: the 64-byte seed that SEAL expands to it, or its coefficients. */
export type UploadForm = 'seeded' | 'whole';

/** BFV parameters. */
export interface Parameters {
  /** Ring degree N. */
  readonly degree: Degree;
  /** t. */
  readonly plainModulus: number;
  /** Primes that carry data, decimal strings. */
  readonly dataPrimes: readonly string[];
  /** SEAL's special prime, decimal; present exactly when there are several data primes or something is rotated. */
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

/** What the noise of a diagonals plan follows from; integers that may pass 2^53 in decimal. See noiseDiagonals.ts. */
export interface DiagonalsNoiseFacts {
  readonly failure: Failure;
  readonly rowL1: string;
  readonly rotatedL1: string;
  readonly freshSquare: string;
  readonly keySquare: string;
  readonly rotations: number;
}

export interface DiagonalsPlanNoise extends DiagonalsNoiseFacts {
  /** Budget in bits that SEAL reports at least, but for the probability that `failure` names. */
  readonly predictedBudgetBits: number;
}

/** The evaluation keys that a plan needs: exactly these, known before any is made. */
export interface PlanKeys {
  /** Left rotations by 1 to N/2 - 1 slots, ascending; 0 first where the slot rows are exchanged. */
  readonly steps: readonly number[];
  /** Bytes of all keys as they travel. */
  readonly bytes: number;
}

/** What one run of the plan costs, counted from the program. */
export interface PlanCounts {
  readonly inputCiphertexts: number;
  readonly outputCiphertexts: number;
  /** Plaintext x ciphertext products. */
  readonly products: number;
  /** Ciphertext transforms, forward (one an input, or a rotation of it) and back (one a sum of products). */
  readonly ntt: number;
  /** Rotations and exchanges of slot rows: key switches. */
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

/** What really travels, of each block group; the chunks and rows of a diagonals plan are its ciphertexts. */
export interface Transfer {
  /** Input chunks that some row reads, ascending; the others are never encrypted. */
  readonly usedChunks: readonly number[];
  /** Result rows without any term: their residues are 0, known in the clear, never computed. */
  readonly emptyRows: readonly number[];
}

/** How ciphertexts travel. */
export interface PlanWire extends DroppedBits {
  readonly upload: UploadForm;
}

/** What every plan holds, whatever its lowering. */
interface PlanBase {
  readonly format: 'cipherconv-plan';
  readonly version: 2;
  /** Version of the compiler that made the plan. */
  readonly compiler: string;
  readonly spec: ConvSpec;
  readonly analysis: PlanAnalysis;
  readonly parameters: Parameters;
  readonly kernel: Kernel;
  /** Present exactly when the kernel is `direct`. */
  readonly direct: DirectLanes | null;
  readonly windows: DecodeWindows;
  readonly transfer: Transfer;
  readonly wire: PlanWire;
  readonly counts: PlanCounts;
  readonly bytes: PlanBytes;
  readonly report: PlanReport;
}

/** Coefficients: no rotations, no keys. */
export interface ToeplitzPlan extends PlanBase {
  readonly packing: ToeplitzPacking;
  readonly noise: PlanNoise;
}

/** Slots: rotations, with evaluation keys from the client. */
export interface DiagonalsPlan extends PlanBase {
  readonly packing: DiagonalsPacking;
  readonly noise: DiagonalsPlanNoise;
  readonly keys: PlanKeys;
}

export type Plan = ToeplitzPlan | DiagonalsPlan;

export function isToeplitz(plan: Plan): plan is ToeplitzPlan {
  return plan.packing.lowering === 'toeplitz';
}

/** All that encrypting and decrypting needs, whatever the lowering. It holds no weight. */
interface ClientViewBase {
  readonly shape: ConvShape;
  readonly parameters: Parameters;
  readonly windows: DecodeWindows;
  readonly transfer: Transfer;
  readonly wire: PlanWire;
}

export interface ToeplitzView extends ClientViewBase {
  readonly packing: ToeplitzPacking;
}

export interface DiagonalsView extends ClientViewBase {
  readonly packing: DiagonalsPacking;
  readonly keys: PlanKeys;
}

export type ClientView = ToeplitzView | DiagonalsView;

export function isToeplitzView(view: ClientView): view is ToeplitzView {
  return view.packing.lowering === 'toeplitz';
}

/** The client's part of a plan: weights, biases and analysis left out. */
export function clientView(plan: ToeplitzPlan): ToeplitzView;
export function clientView(plan: DiagonalsPlan): DiagonalsView;
export function clientView(plan: Plan): ClientView;
export function clientView(plan: Plan): ClientView {
  const { spec, parameters, windows, transfer, wire } = plan;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed } = spec.weights;
  const weights = { outChannels, channelsPerGroup, kernelHeight, kernelWidth, bits, signed };
  const { name, input, strides, pads, dilations, group } = spec;
  const shape = { name, input, weights, strides, pads, dilations, group };
  const view = { shape, parameters, windows, transfer, wire };
  return isToeplitz(plan)
    ? { ...view, packing: plan.packing }
    : { ...view, packing: plan.packing, keys: plan.keys };
}

/** What the noise of a toeplitz plan's results depends on. */
export function noiseInput(
  plan: Pick<ToeplitzPlan, 'spec' | 'parameters'> & {
    readonly noise: NoiseFacts;
    readonly wire: DroppedBits;
  },
): ResultNoiseInput {
  const { batch, channels, height, width } = outputShape(plan.spec);
  const { failure, rowL1, rowL2Squared } = plan.noise;
  return {
    degree: plan.parameters.degree,
    plainModulus: plan.parameters.plainModulus,
    failure,
    rowL1,
    rowL2Squared,
    coefficients: elementCount([batch, channels, height, width]),
    dropped: plan.wire,
  };
}

/** Norms as a plan keeps them. */
export function normFacts(norms: DiagonalsNorms): Omit<DiagonalsNoiseFacts, 'failure'> {
  return {
    rowL1: String(norms.rowL1),
    rotatedL1: String(norms.rotatedL1),
    freshSquare: String(norms.freshSquare),
    keySquare: String(norms.keySquare),
    rotations: norms.rotations,
  };
}

/** What the noise of a diagonals plan's results depends on. */
export function diagonalsNoiseInput(
  plan: Pick<DiagonalsPlan, 'spec' | 'parameters' | 'packing'> & {
    readonly noise: DiagonalsNoiseFacts;
    readonly wire: DroppedBits;
  },
): DiagonalsNoiseInput {
  const { spec, packing, parameters, noise, wire } = plan;
  return {
    degree: parameters.degree,
    plainModulus: parameters.plainModulus,
    failure: noise.failure,
    dataPrimes: parameters.dataPrimes.map(BigInt),
    specialPrime: parameters.specialPrime === null ? null : BigInt(parameters.specialPrime),
    norms: {
      rowL1: BigInt(noise.rowL1),
      rotatedL1: BigInt(noise.rotatedL1),
      freshSquare: BigInt(noise.freshSquare),
      keySquare: BigInt(noise.keySquare),
      rotations: noise.rotations,
    },
    coefficients: parameters.degree * slotGeometry(spec, packing).resultCiphertexts,
    dropped: wire,
  };
}

/** The noise of a plan's results after each step, whatever its lowering. */
export function planNoise(plan: Plan): NoiseStages {
  return isToeplitz(plan) ? resultNoise(noiseInput(plan)) : diagonalsNoise(diagonalsNoiseInput(plan));
}

/** Bytes of the evaluation keys that the client sends once; none for toeplitz. */
export function keyBytes(plan: Plan): number {
  return isToeplitz(plan) ? 0 : plan.keys.bytes;
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
