import { disposedError } from '../../compiler/base/errors.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { requireKeyBytes } from '../wire/evaluationKeys.ts';
import { TransformMachine } from './transformMachine.ts';
import type { TransformEngines } from './transformMachine.ts';
import type { Evaluator, EvaluatorOptions } from './types.ts';
import type { Weights } from './weights.ts';

/**
 * Evaluates plans of the `ntt` kernel by transforms of our own, without SEAL: word for word what SEAL's evaluator gives, whose
 * transforms modulo primes above 31 bits take several times as long.
 */
export class TransformEvaluator implements Evaluator {
  readonly weights: Weights;
  readonly preparedBytes: number;
  readonly coding = new CodingClock();
  /** Null once it is disposed of: its memory goes with it, whoever still holds the evaluator. */
  #machine: TransformMachine | null;

  constructor(
    engines: TransformEngines,
    plan: ToeplitzPlan,
    program: ToeplitzProgram,
    options: EvaluatorOptions,
  ) {
    const machine = new TransformMachine(engines, plan, program, options, this.coding);
    this.#machine = machine;
    this.weights = machine.weights;
    this.preparedBytes = machine.preparedBytes;
  }

  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#open();
    requireKeyBytes(0, bytes);
  }

  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    const machine = this.#open();
    requireCiphertextCount('upload', machine.uploads, upload.length);
    return machine.evaluate(upload);
  }

  #open(): TransformMachine {
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
