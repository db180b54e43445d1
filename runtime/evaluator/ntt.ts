import type { BlockGroup } from '../../compiler/toeplitz/placement.ts';
import type { Evaluator, EvaluatorOptions, Progress } from './types.ts';
import { ciphertextFrames, requireCiphertextCount } from '../seal/ciphertext.ts';
import type { CiphertextFrames } from '../seal/ciphertext.ts';
import type { CiphertextFrame } from '../seal/envelope.ts';
import type { Positions } from '../wire/coefficients.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { createContext } from '../seal/context.ts';
import type { BfvContext } from '../seal/context.ts';
import { saveBytes } from '../seal/envelope.ts';
import { guardSeal } from '../seal/failure.ts';
import type { Ciphertext, PublicSeal, SealEvaluator } from '../seal/module.ts';
import type { SealScope } from '../seal/scope.ts';
import { checkTransfer } from './transfer.ts';
import { listBytes, placementLists, polynomialListBytes, weightAllowance } from './prepared.ts';
import { buildSteps, groupsPerBatch, prepareWeights, residentBytes } from './weights.ts';
import { ResponseCodec } from '../wire/ciphertexts.ts';
import { UploadCodec } from '../wire/uploads.ts';
import type { PackingModule } from '../wire/packer.ts';
import { requireKeyBytes } from '../wire/evaluationKeys.ts';
import type { Step, Weights, WeightSource } from './weights.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

const WORD_BYTES = 8;
/** Ciphertexts for which packers and envelopes have room: words and what is packed, of uploads and of responses. */
const CODING_CIPHERTEXTS = 8;

/** Ciphertexts between the wire and SEAL's envelopes. */
export interface CiphertextCoding {
  /**
   * The envelope of an upload, valid until the next call.
   * @param index its position among the inputs of its block group
   * @throws CipherconvError `malformed-tensor`
   */
  decode(bytes: Uint8Array, index: number, read: Positions, where: string): Uint8Array;
  /** The result that stands in an envelope. */
  encode(envelope: Uint8Array, outputs: Positions): Uint8Array;
}

/** What a judge of another kernel asks for besides. */
export interface NttOptions extends EvaluatorOptions {
  /** What reads uploads and writes results. Default: what everybody has. */
  readonly coding?: (frame: CiphertextFrame) => CiphertextCoding;
}

function usualCoding(packing: PackingModule, frames: CiphertextFrames, plan: ToeplitzPlan): CiphertextCoding {
  const uploads = new UploadCodec(packing, frames, plan.parameters, wireOf(plan));
  const responses = new ResponseCodec(packing, frames, plan.parameters, wireOf(plan));
  return {
    decode: (bytes, _, read, where) => uploads.decode(bytes, read, where),
    encode: (envelope, outputs) => responses.encode(envelope, outputs),
  };
}

/** Evaluates with the `ntt` kernel: SEAL's own evaluator, everything in NTT form. */
export class NttEvaluator implements Evaluator {
  readonly weights: Weights;
  readonly preparedBytes: number;
  readonly coding = new CodingClock();
  readonly #scope: SealScope;
  readonly #seal: PublicSeal;
  readonly #context: BfvContext;
  readonly #codec: CiphertextCoding;
  readonly #placements: readonly BlockGroup[];
  readonly #usedChunks: readonly number[];
  /** Number of each row that has terms, for its placement. */
  readonly #rowNumbers: readonly number[];
  readonly #evaluator: SealEvaluator;
  readonly #source: WeightSource;
  readonly #rows: readonly (readonly Step[])[];
  readonly #groups: number;
  readonly #onProgress: Progress | null;
  /** Inputs of each group of a batch, and its accumulator: made once, reused by every row, batch and call. */
  readonly #inputs: readonly (readonly Ciphertext[])[];
  readonly #accumulators: readonly Ciphertext[];
  readonly #product: Ciphertext;

  constructor(
    scope: SealScope,
    seal: PublicSeal,
    packing: PackingModule,
    plan: ToeplitzPlan,
    program: ToeplitzProgram,
    options: NttOptions,
  ) {
    this.#scope = scope;
    this.#seal = seal;
    this.#onProgress = options.onProgress ?? null;
    this.#context = createContext(scope, seal, plan.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#codec = options.coding?.(frames.full) ?? usualCoding(packing, frames, plan);
    this.#placements = program.blockGroups;
    this.#usedChunks = plan.transfer.usedChunks;
    const transfer = checkTransfer(plan, program);
    this.#rowNumbers = transfer.rows;
    this.#evaluator = scope.own(new seal.Evaluator(this.#context.context));
    this.#rows = buildSteps(program, transfer);
    this.#groups = program.blockGroups.length;
    const used = plan.transfer.usedChunks.length;
    const ciphertextBytes = 2 * this.#context.degree * this.#context.dataPrimeCount * WORD_BYTES;
    // SEAL's evaluator keeps the program as it stands.
    const lists =
      listBytes(this.#rows, program.blockGroups.flatMap(placementLists)) +
      polynomialListBytes(program.plaintexts);
    // The inputs of a block group, its sum, a product, and what the messages are coded in.
    const rest = lists + (used + 2 + CODING_CIPHERTEXTS) * ciphertextBytes;
    const weightBytes = (program.plaintexts.length * ciphertextBytes) / 2;
    const memoryBytes = weightAllowance(options, weightBytes + rest);
    this.#source = prepareWeights(
      { scope, seal, context: this.#context, evaluator: this.#evaluator },
      program.plaintexts,
      {
        memoryBytes,
        onProgress: this.#onProgress,
      },
    );
    this.weights = this.#source.weights;
    const batch = groupsPerBatch(this.weights, memoryBytes, (used + 1) * ciphertextBytes, this.#groups);
    const make = (count: number): Ciphertext[] =>
      Array.from({ length: count }, () => scope.own(new seal.Ciphertext()));
    this.preparedBytes = residentBytes(this.weights) + rest + (batch - 1) * (used + 1) * ciphertextBytes;
    this.#inputs = Array.from({ length: batch }, () => make(used));
    this.#accumulators = make(batch);
    this.#product = scope.own(new seal.Ciphertext());
  }

  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#scope.assertOpen('evaluator');
    requireKeyBytes(0, bytes);
  }

  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    this.#scope.assertOpen('evaluator');
    const used = this.#inputs[0]!.length;
    requireCiphertextCount('upload', this.#groups * used, upload.length);
    const results = new Array<Uint8Array>(this.#groups * this.#rows.length);
    guardSeal('evaluate', () => {
      for (let first = 0; first < this.#groups; first += this.#inputs.length) {
        const count = Math.min(this.#inputs.length, this.#groups - first);
        this.#load(upload, first, count);
        this.#runBatch(first, count, results);
      }
    });
    return results;
  }

  /** Loads the inputs of the block groups first .. first + count - 1 and transforms them. */
  #load(upload: readonly Uint8Array[], first: number, count: number): void {
    for (let group = 0; group < count; group++) {
      const inputs = this.#inputs[group]!;
      inputs.forEach((ciphertext, index) => {
        const at = (first + group) * inputs.length + index;
        const { read } = this.#placements[first + group]!.inputs[this.#usedChunks[index]!]!;
        const envelope = this.coding.time('upload', () =>
          this.#codec.decode(upload[at]!, index, read, `upload[${at}]`),
        );
        ciphertext.loadFromArray(this.#context.context, envelope);
        this.#evaluator.cipherTransformToNttInplace(ciphertext);
      });
    }
  }

  #runBatch(first: number, count: number, results: Uint8Array[]): void {
    const productsPerGroup = this.#rows.reduce((sum, steps) => sum + steps.length, 0);
    let done = first * productsPerGroup;
    this.#rows.forEach((steps, row) => {
      this.#runRow(steps, count);
      for (let group = 0; group < count; group++) {
        const accumulator = this.#accumulators[group]!;
        this.#evaluator.cipherTransformFromNttInplace(accumulator);
        const { coefficients } = this.#placements[first + group]!.outputs[this.#rowNumbers[row]!]!;
        const envelope = saveBytes(this.#seal, accumulator);
        results[(first + group) * this.#rows.length + row] = this.coding.time('response', () =>
          this.#codec.encode(envelope, coefficients),
        );
      }
      done += steps.length * count;
      this.#onProgress?.(done, this.#groups * productsPerGroup);
    });
  }

  /** accumulator[group] = sum over the steps of weight * input[group], for `count` groups. */
  #runRow(steps: readonly Step[], count: number): void {
    const evaluator = this.#evaluator;
    const product = this.#product;
    for (let step = 0; step < steps.length; step++) {
      const { input, plaintext } = steps[step]!;
      const weight = this.#source.weight(plaintext);
      for (let group = 0; group < count; group++) {
        const accumulator = this.#accumulators[group]!;
        const ciphertext = this.#inputs[group]![input]!;
        if (step === 0) {
          evaluator.multiplyPlain(ciphertext, weight, accumulator);
        } else {
          evaluator.multiplyPlain(ciphertext, weight, product);
          evaluator.addInplace(accumulator, product);
        }
      }
    }
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
