import { internalError } from '../compiler/errors.ts';
import type { ToeplitzPlan } from '../compiler/plan.ts';
import type { ToeplitzProgram } from '../compiler/program.ts';
import { scheduleSteps } from '../compiler/programSteps.ts';
import { DirectMachine, kernelSource, requireLanes } from './directMachine.ts';
import type { DirectEngines } from './directMachine.ts';
import type { CodingTimes } from './codingClock.ts';
import type { Evaluator, EvaluatorOptions, Progress } from './evaluatorTypes.ts';
import { requireCiphertextCount } from './seal/ciphertext.ts';
import { checkTransfer } from './transfer.ts';
import type { CheckedTransfer } from './transfer.ts';
import type { Weights } from './weights.ts';
import { requireKeyBytes } from './wire/evaluationKeys.ts';

/** Evaluates with the `direct` kernel: shift-and-add over raw coefficients, without SEAL. */
export class DirectEvaluator implements Evaluator {
  readonly weights: Weights;
  readonly #machine: DirectMachine;
  readonly #transfer: CheckedTransfer;
  readonly #planes: number;
  readonly #groups: number;
  readonly #onProgress: Progress | null;
  readonly #products: number;
  #isDisposed = false;

  constructor(
    engines: DirectEngines,
    plan: ToeplitzPlan,
    program: ToeplitzProgram,
    options: EvaluatorOptions,
  ) {
    const lanes = requireLanes(plan, program);
    const schedule = scheduleSteps(program, lanes.laneL1);
    this.#onProgress = options.onProgress ?? null;
    this.#transfer = checkTransfer(plan, program);
    this.#machine = new DirectMachine(engines, plan, kernelSource(plan, program, lanes, schedule));
    this.#planes = schedule.planes.length;
    this.#groups = program.blockGroups.length;
    this.#products = this.#groups * program.rows.reduce((sum, terms) => sum + terms.length, 0);
    const bytes = schedule.blocks.reduce((sum, { weights }) => sum + weights.byteLength, 0);
    this.weights = { kind: 'resident', count: program.plaintexts.length, bytes };
    this.#onProgress?.(program.plaintexts.length, program.plaintexts.length);
  }

  get coding(): CodingTimes {
    return this.#machine.coding;
  }

  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#assertOpen();
    requireKeyBytes(0, bytes);
  }

  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    this.#assertOpen();
    const { rows, position } = this.#transfer;
    requireCiphertextCount('upload', this.#groups * position.size, upload.length);
    const results: Uint8Array[] = [];
    for (let group = 0; group < this.#groups; group++) {
      for (let plane = 0; plane < this.#planes; plane++) this.#loadPlane(plane, group, upload);
      this.#machine.computeGroup(group, (_, bytes) => {
        results.push(bytes);
        this.#onProgress?.(
          Math.round((results.length / (this.#groups * rows.length)) * this.#products),
          this.#products,
        );
      });
    }
    return results;
  }

  #loadPlane(plane: number, group: number, upload: readonly Uint8Array[]): void {
    const { position } = this.#transfer;
    this.#machine.loadPlane(plane, group, (chunk) => {
      const index = position.get(chunk);
      if (index === undefined) throw internalError(`chunk ${chunk} does not travel`);
      const at = group * position.size + index;
      return { bytes: upload[at]!, where: `upload[${at}]` };
    });
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw internalError('the evaluator has been disposed of');
  }

  dispose(): void {
    this.#isDisposed = true;
  }
}
