import { disposedError } from '../../../compiler/base/errors.ts';
import type { StepSchedule } from '../../../compiler/toeplitz/direct/steps.ts';
import { DirectMachine, kernelSource } from './machine.ts';
import type { DirectEngines } from './machine.ts';
import type { CodingTimes } from '../../wire/codingClock.ts';
import { POLYNOMIALS } from './lists.ts';
import type { Polynomial } from '../../wire/coefficients.ts';
import type { Evaluator, EvaluatorOptions, Progress } from '../types.ts';
import { requireCiphertextCount } from '../../seal/ciphertext.ts';
import { checkTransfer } from '../transfer.ts';
import type { CheckedTransfer } from '../transfer.ts';
import { listBytes, placementLists } from '../prepared.ts';
import type { Weights } from '../weights.ts';
import { requireKeyBytes } from '../../wire/evaluationKeys.ts';
import { layoutLengths, responseRooms } from '../../wire/lengths.ts';
import { layoutOfGroups } from '../../../compiler/toeplitz/layout.ts';
import { wireOf } from '../../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../../compiler/toeplitz/program.ts';

/** Evaluates with the `direct` kernel: shift-and-add over raw coefficients, without SEAL. */
export class DirectEvaluator implements Evaluator {
  readonly weights: Weights;
  readonly preparedBytes: number;
  readonly coding: CodingTimes;
  /** Null once it is disposed of: its memory goes with it, whoever still holds the evaluator. */
  #machine: DirectMachine | null;
  readonly #transfer: CheckedTransfer;
  readonly #schedule: StepSchedule;
  readonly #polynomials: readonly Polynomial[];
  readonly #makeResponse: () => Uint8Array[];
  readonly #groups: number;
  readonly #onProgress: Progress | null;
  readonly #products: number;

  constructor(
    engines: DirectEngines,
    plan: ToeplitzPlan,
    program: ToeplitzProgram,
    options: EvaluatorOptions,
  ) {
    const source = kernelSource(plan, program);
    const { schedule } = source;
    this.#onProgress = options.onProgress ?? null;
    this.#transfer = checkTransfer(plan, program);
    const machine = new DirectMachine(engines, plan, this.#transfer, source);
    this.#machine = machine;
    this.coding = machine.coding;
    this.#schedule = schedule;
    this.#polynomials = POLYNOMIALS[source.computed];
    const layout = layoutOfGroups(program.blockGroups, plan.transfer);
    const { response } = layoutLengths(plan.parameters, wireOf(plan), layout);
    this.#makeResponse = responseRooms(response, options.reuseResponse ?? false);
    this.#groups = program.blockGroups.length;
    this.#products = this.#groups * program.rows.reduce((sum, terms) => sum + terms.length, 0);
    const bytes = schedule.blocks.reduce((sum, { weights }) => sum + weights.byteLength, 0);
    this.weights = { kind: 'resident', count: program.plaintexts.length, bytes };
    const { planesBytes, ownBytes } = machine.kernel.layout;
    const lists = schedule.blocks.reduce(
      (sum, { planes, exponents }) => sum + planes.byteLength + exponents.byteLength,
      0,
    );
    const placements = program.blockGroups.flatMap(placementLists);
    this.preparedBytes =
      planesBytes + ownBytes + lists + bytes + machine.packerBytes + listBytes([], placements);
    this.#onProgress?.(program.plaintexts.length, program.plaintexts.length);
  }

  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#open();
    requireKeyBytes(0, bytes);
  }

  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    const machine = this.#open();
    requireCiphertextCount('upload', this.#groups * this.#transfer.position.size, upload.length);
    const response = this.#makeResponse();
    const { planes, blocks } = this.#schedule;
    const all = this.#groups * this.#polynomials.length * blocks.length;
    let computed = 0;
    for (let group = 0; group < this.#groups; group++) {
      for (let plane = 0; plane < planes.length; plane++) machine.loadPlane(plane, group, upload);
      for (const polynomial of this.#polynomials) {
        for (let block = 0; block < blocks.length; block++) {
          machine.computeBlock(block, group, polynomial, response);
          this.#tellProgress(++computed / all);
        }
      }
    }
    return response;
  }

  #tellProgress(fraction: number): void {
    this.#onProgress?.(Math.round(fraction * this.#products), this.#products);
  }

  #open(): DirectMachine {
    if (this.#machine === null) throw disposedError('evaluator');
    return this.#machine;
  }

  dispose(): void {
    this.#machine = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
