import type { Interval, Width } from '../base/interval.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import type { DroppedBits, Failure } from '../bfv/noise.ts';
import type { ConvShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { SEAL_SEED_BYTES, SEED_BYTES } from '../bfv/wireBytes.ts';
import type { Objective } from '../cost/estimate.ts';

/** What every plan holds, whatever its lowering. */

/** `ntt`: products of transforms, everything in NTT form. `direct`: shift-and-add over raw coefficients (toeplitz/direct/steps.ts). */
export type Kernel = 'ntt' | 'direct';

/**
 * How c1 of an upload travels.
 * `seeded`: as a seed that ChaCha20 expands to it. `seal-seeded`: as the 64-byte seed that SEAL expands to it.
 * `whole`: as its coefficients. `hint`: not at all, because it is public and the same for every upload of the plan.
 */
export type UploadForm = 'seeded' | 'seal-seeded' | 'whole' | 'hint';

/** Bytes of what stands for c1 in an upload of that form, where c1 itself does not travel. */
export function seedBytes(upload: UploadForm): number {
  switch (upload) {
    case 'seeded':
      return SEED_BYTES;
    case 'seal-seeded':
      return SEAL_SEED_BYTES;
    case 'whole':
    case 'hint':
      return 0;
    default:
      return upload satisfies never;
  }
}

/**
 * What client and server exchange. `standard`: every upload has a c1 of its own, and every response both polynomials.
 * `hint`: c1 is fixed for the plan, so what the server makes of it is computed once, the hint; each inference takes a
 * fresh secret, and only c0 travels.
 */
export type Protocol = 'standard' | 'hint';

/** The protocol of a plan whose uploads travel so. */
export function protocolOf({ upload }: Pick<PlanWire, 'upload'>): Protocol {
  return upload === 'hint' ? 'hint' : 'standard';
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

/** Exact accumulator ranges of a plan's convolution, bias included (see `AccumulatorAnalysis`). */
export interface PlanAnalysis {
  /** Hull of the accumulators of all channels. */
  readonly interval: Interval;
  /** Exact accumulator range of each output channel. */
  readonly channels: readonly Interval[];
  /** max over channels of hi - lo + 1. */
  readonly decodeWidth: number;
  /** Width that holds `interval`. */
  readonly required: Width;
}

/** What one run of the plan costs, counted from the program. */
export interface PlanCounts {
  /** Ciphertexts of one upload. */
  readonly inputCiphertexts: number;
  /** Ciphertexts of one response. */
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
  /** Bytes of all input ciphertexts, message headers and evaluation keys not counted. */
  readonly upload: number;
  /** Bytes of all result ciphertexts, message headers not counted. */
  readonly response: number;
}

/** Why some candidates were not taken; one entry a degree and kind of reason. */
export interface RefusedCandidate {
  /** Ring degree N of the candidates. */
  readonly degree: Degree;
  /** Why they were not taken, as one clause. */
  readonly reason: string;
}

/** What the search for the plan came to. */
export interface PlanReport {
  /** Candidates whose cost was computed. */
  readonly considered: number;
  /** Estimated milliseconds of one run on the machine of the cost table. */
  readonly estimatedMilliseconds: number;
  /** Candidates that were not taken, by degree. */
  readonly refused: readonly RefusedCandidate[];
}

/** What really travels, of each block group; the chunks and rows of a diagonals plan are its ciphertexts. */
export interface SentCiphertexts {
  /** Input chunks that some row reads, ascending; the others are never encrypted. */
  readonly usedChunks: readonly number[];
  /** Result rows without any term: their residues are 0, known in the clear, never computed. */
  readonly emptyRows: readonly number[];
}

/** How ciphertexts travel: what is dropped of them, and how c1 of an upload goes. */
export interface PlanWire extends DroppedBits {
  /** How c1 of every input ciphertext travels. */
  readonly upload: UploadForm;
}

/** What every plan holds, whatever its lowering. */
export interface PlanBase {
  /** Mark of plan files. */
  readonly format: 'cipherconv-plan';
  /** Version of the plan format; other versions are refused. */
  readonly version: 3;
  /** Version of the compiler that made the plan. */
  readonly compiler: string;
  /** Name of the lowering: the discriminant. */
  readonly lowering: string;
  /** What was asked for. */
  readonly request: PlanRequest;
  /** The convolution, weights included. */
  readonly spec: ConvSpec;
  /** Exact accumulator ranges, on which the choice of t rests. */
  readonly analysis: PlanAnalysis;
  /** BFV parameters. */
  readonly parameters: Parameters;
  /** Where elements stand; each lowering has its own. */
  readonly packing: object;
  /** What the noise bound follows from, and the budget that it leaves. */
  readonly noise: {
    /** When an honest result may decrypt wrong. */
    readonly failure: Failure;
    /** Noise budget that results have left at least, bits. */
    readonly predictedBudgetBits: number;
  };
  /** How residues become accumulators. */
  readonly windows: DecodeWindows;
  /** Which ciphertexts really travel. */
  readonly transfer: SentCiphertexts;
  /** Low bits that do not travel. */
  readonly wire: DroppedBits;
  /** What one run costs in operations. */
  readonly counts: PlanCounts;
  /** What one run costs on the line, bytes. */
  readonly bytes: PlanBytes;
  /** What the search for the plan came to. */
  readonly report: PlanReport;
}

/** All that encrypting and decrypting needs, whatever the lowering. It holds no weight. */
export interface ClientViewBase {
  /** Name of the lowering: the discriminant. */
  readonly lowering: string;
  /** The convolution without its weights. */
  readonly shape: ConvShape;
  /** BFV parameters. */
  readonly parameters: Parameters;
  /** How residues become accumulators. */
  readonly windows: DecodeWindows;
  /** Which ciphertexts really travel. */
  readonly transfer: SentCiphertexts;
  /** How ciphertexts travel. */
  readonly wire: PlanWire;
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

/** The evaluation keys that a plan needs: exactly these, known before any is made. */
export interface PlanKeys {
  /** Left rotations by 1 to N/2 - 1 slots, ascending. */
  readonly steps: readonly number[];
  /** Whether the slot rows are exchanged, which takes one key more. */
  readonly exchange: boolean;
  /** Bytes of all keys as they travel. */
  readonly bytes: number;
}

/** Numbers of the rows without any entry, ascending. */
export function emptyRows(rows: readonly (readonly unknown[])[]): number[] {
  return rows.flatMap((entries, row) => (entries.length === 0 ? [row] : []));
}

/** Evaluation keys of a plan, the exchange of the slot rows included. */
export function keyCount({ steps, exchange }: Pick<PlanKeys, 'steps' | 'exchange'>): number {
  return steps.length + (exchange ? 1 : 0);
}

/** What was asked for when a plan was compiled, defaults filled in; part of the plan, so that nobody has to guess. */
export interface PlanRequest {
  /** A lowering by its name, or the cheapest. */
  readonly lowering: string;
  /** What is minimized. */
  readonly objective: Objective;
  /** The ring degree N, or whichever is cheapest. */
  readonly degree: Degree | 'auto';
  /** Bits of security by the table. */
  readonly security: SecurityBits;
  /** When an honest result may decrypt wrong; `auto` leaves it to the lowering. */
  readonly failure: Failure | 'auto';
  /** What executes a toeplitz plan. */
  readonly kernel: Kernel | 'auto';
  /** How c1 of uploads travels. */
  readonly upload: 'seeded' | 'whole' | 'auto';
  /** Whether c1 is fixed for the plan; `auto` takes what `inferences` of them cost less with. */
  readonly protocol: Protocol | 'auto';
  /** `seal` leaves everything under encryption to SEAL, client and server; `auto` does not. */
  readonly engine: 'auto' | 'seal';
  /** How many inferences one client is expected to ask for. */
  readonly inferences: number;
  /** The line between client and server, megabits per second. */
  readonly linkMegabitsPerSecond: number;
}
