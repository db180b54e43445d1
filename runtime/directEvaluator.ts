import { CipherconvError, internalError } from '../compiler/errors.ts';
import type { DirectLanes, ToeplitzPlan } from '../compiler/plan.ts';
import { analyzeLanes } from '../compiler/planKernel.ts';
import type { BlockGroup } from '../compiler/packingElements.ts';
import type { ToeplitzProgram } from '../compiler/program.ts';
import { scheduleSteps } from '../compiler/programSteps.ts';
import type { StepSchedule } from '../compiler/programSteps.ts';
import type { Evaluator, EvaluatorOptions, Progress } from './evaluatorTypes.ts';
import { DirectKernel } from './kernels/directKernel.ts';
import type { DirectFactory } from './kernels/directModule.ts';
import { ciphertextFrames, requireCiphertextCount } from './seal/ciphertext.ts';
import { CodingClock } from './codingClock.ts';
import { createContext } from './seal/context.ts';
import type { BfvContext } from './seal/context.ts';
import { CIPHERTEXT_WORDS_AT, saveBytes, wordHalves } from './seal/envelope.ts';
import { guardSeal } from './seal/failure.ts';
import type { Ciphertext, PublicSeal } from './seal/module.ts';
import type { SealScope } from './seal/scope.ts';
import { checkTransfer } from './transfer.ts';
import type { CheckedTransfer } from './transfer.ts';
import type { Weights } from './weights.ts';
import { ResponseCodec, UploadCodec } from './wire/ciphertexts.ts';
import { requireKeyBytes } from './wire/evaluationKeys.ts';

/** What decides whether a lane can overflow; how many folds that makes depends on the part of the rows at hand. */
const BINDING = ['limbBits', 'limbs', 'laneL1'] as const;

/**
 * The lanes of a plan for the direct kernel, analysed again: a lane that overflowed would decrypt wrong in silence.
 * @throws CipherconvError `plan-rejected`.
 */
function requireLanes(plan: ToeplitzPlan, program: ToeplitzProgram): DirectLanes {
  const analysis = analyzeLanes(plan.parameters, program);
  const found = plan.direct;
  if (analysis.kind === 'possible' && found !== null) {
    const { lanes } = analysis;
    if (BINDING.every((key) => lanes[key] === found[key])) return found;
  }
  throw new CipherconvError({
    code: 'plan-rejected',
    where: 'direct',
    message: 'the direct kernel cannot execute the plan as it says',
    expected: analysis.kind === 'possible' ? JSON.stringify(analysis.lanes) : analysis.expected,
    found: analysis.kind === 'possible' ? JSON.stringify(found) : analysis.found,
  });
}

/** Evaluates with the `direct` kernel: shift-and-add over raw coefficients. SEAL only expands the seeds of c1. */
export class DirectEvaluator implements Evaluator {
  readonly weights: Weights;
  readonly coding = new CodingClock();
  readonly #scope: SealScope;
  readonly #seal: PublicSeal;
  readonly #context: BfvContext;
  readonly #upload: UploadCodec;
  readonly #response: ResponseCodec;
  readonly #placements: readonly BlockGroup[];
  readonly #transfer: CheckedTransfer;
  readonly #schedule: StepSchedule;
  readonly #kernel: DirectKernel;
  readonly #ciphertext: Ciphertext;
  readonly #onProgress: Progress | null;
  readonly #products: number;

  constructor(
    scope: SealScope,
    seal: PublicSeal,
    factory: DirectFactory,
    plan: ToeplitzPlan,
    program: ToeplitzProgram,
    options: EvaluatorOptions,
  ) {
    const lanes = requireLanes(plan, program);
    this.#scope = scope;
    this.#seal = seal;
    this.#onProgress = options.onProgress ?? null;
    this.#context = createContext(scope, seal, plan.parameters);
    const frames = ciphertextFrames(seal, this.#context);
    this.#upload = new UploadCodec(frames, plan.parameters, plan.wire);
    this.#response = new ResponseCodec(frames, plan.parameters, plan.wire);
    this.#placements = program.blockGroups;
    this.#transfer = checkTransfer(plan, program);
    this.#schedule = scheduleSteps(program, lanes.laneL1);
    this.#kernel = new DirectKernel(factory, {
      parameters: plan.parameters,
      lanes,
      schedule: this.#schedule,
      groups: program.blockGroups,
    });
    this.#ciphertext = scope.own(new seal.Ciphertext());
    this.#products = program.rows.reduce((sum, terms) => sum + terms.length, 0);
    const bytes = this.#schedule.blocks.reduce((sum, { weights }) => sum + weights.byteLength, 0);
    this.weights = { kind: 'resident', count: program.plaintexts.length, bytes };
    this.#onProgress?.(program.plaintexts.length, program.plaintexts.length);
  }

  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#scope.assertOpen();
    requireKeyBytes(0, bytes);
  }

  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    this.#scope.assertOpen();
    const { rows, position } = this.#transfer;
    const groups = this.#placements.length;
    requireCiphertextCount('upload', groups * position.size, upload.length);
    const results = new Array<Uint8Array>(groups * rows.length);
    guardSeal('evaluate', () => {
      for (let group = 0; group < groups; group++) {
        this.#load(upload, group);
        this.#runGroup(group, results);
      }
    });
    return results;
  }

  #load(upload: readonly Uint8Array[], group: number): void {
    this.#schedule.planes.forEach(({ left, right }, plane) => {
      this.#loadChunk(upload, group, left, 0);
      if (right !== left) this.#loadChunk(upload, group, right, 1);
      this.#kernel.loadPlane(plane);
    });
  }

  /** Words of one upload into the kernel's memory: c0 from the wire, c1 from the seed as SEAL expands it. */
  #loadChunk(upload: readonly Uint8Array[], group: number, chunk: number, side: 0 | 1): void {
    const { degree, dataPrimeCount, context } = this.#context;
    const position = this.#transfer.position.get(chunk);
    if (position === undefined) throw internalError(`chunk ${chunk} does not travel`);
    const at = group * this.#transfer.position.size + position;
    const { read } = this.#placements[group]!.inputs[chunk]!;
    const envelope = this.coding.time('upload', () =>
      this.#upload.decode(upload[at]!, read, `upload[${at}]`),
    );
    this.#ciphertext.loadFromArray(context, envelope);
    const words = 2 * degree * dataPrimeCount;
    this.#kernel
      .inputWords(side)
      .set(wordHalves(saveBytes(this.#seal, this.#ciphertext), CIPHERTEXT_WORDS_AT, words));
  }

  #runGroup(group: number, results: Uint8Array[]): void {
    const { outputs } = this.#placements[group]!;
    const first = group * this.#transfer.rows.length;
    let done = 0;
    for (const batch of this.#kernel.batches) {
      this.#kernel.runBatch(batch, group);
      for (const { programRow, row } of batch.rows) {
        const words = this.#kernel.resultWords(row);
        results[first + done++] = this.coding.time('response', () =>
          this.#response.encodeComponents(words, outputs[programRow]!.coefficients),
        );
      }
      const total = this.#placements.length * this.#products;
      const share = (group + done / this.#transfer.rows.length) / this.#placements.length;
      this.#onProgress?.(Math.round(share * total), total);
    }
  }

  dispose(): void {
    this.#scope.dispose();
  }
}
