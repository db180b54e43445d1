import type { Tensor } from '../compiler/base/tensor.ts';
import type { Plan } from '../compiler/lowerings/plan.ts';
import { clientView } from '../compiler/lowerings/views.ts';
import { wireOf } from '../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../compiler/toeplitz/plan.ts';
import { compareTensors } from '../runtime/clear/compare.ts';
import { decryptWithSeal } from '../runtime/client/sealDecrypt.ts';
import type { TernaryKey } from '../runtime/client/types.ts';
import type { DisposableHandle } from '../runtime/disposable.ts';
import { createJudge } from '../runtime/evaluator/judge.ts';
import type { Evaluator } from '../runtime/evaluator/evaluator.ts';
import type { RunReport } from './runReport.ts';

/**
 * What SEAL has to say about a run: `full` lets it evaluate the uploads too and compares the words, `decrypt` lets it decrypt
 * alone, `none` leaves it out.
 */
export type JudgeMode = 'full' | 'decrypt' | 'none';

/** A plan with hints has these. */
export interface HintFacts {
  /** What the public polynomials are drawn from. */
  readonly publicSeed: Uint8Array;
  /** The rows that follow from them. */
  readonly hint: Uint8Array;
}

/** One run: what went up, what came back, and with what it was decrypted. */
export interface JudgedRun {
  readonly upload: readonly Uint8Array[];
  readonly response: readonly Uint8Array[];
  readonly keys: readonly TernaryKey[];
  readonly output: Tensor;
}

/** Microsoft SEAL as the judge of our own arithmetic: nobody's uploads but our own come before it. */
export class SealJudge implements DisposableHandle {
  readonly #plan: ToeplitzPlan;
  readonly #hints: HintFacts | null;
  readonly #evaluator: Evaluator | null;

  private constructor(plan: ToeplitzPlan, hints: HintFacts | null, evaluator: Evaluator | null) {
    this.#plan = plan;
    this.#hints = hints;
    this.#evaluator = evaluator;
  }

  /** Null where SEAL itself encrypts and decrypts, or nobody asks for a judge. */
  static async open(
    plan: Plan,
    hints: HintFacts | null,
    mode: JudgeMode,
    memory: { readonly weightMemoryBytes?: number },
  ): Promise<SealJudge | null> {
    if (mode === 'none' || plan.lowering !== 'toeplitz' || plan.execution.upload === 'seal-seeded')
      return null;
    const wants = mode === 'full' && plan.counts.outputCiphertexts > 0;
    const evaluator = wants ? await createJudge(plan, hints?.publicSeed ?? null, memory) : null;
    return new SealJudge(plan, hints, evaluator);
  }

  /** Whether SEAL computes the same words of the response (and of the hint), and decrypts to the same integers. */
  async judge({ upload, response, keys, output }: JudgedRun): Promise<NonNullable<RunReport['seal']>> {
    const { outputCiphertexts } = this.#plan.counts;
    // Nothing is left out, and nothing comes besides.
    if (response.length !== outputCiphertexts)
      return { decryptsEqual: false, wordsEqual: this.#evaluator === null ? null : false };
    const wire = wireOf(this.#plan);
    const rows = this.#rows(response);
    const full = rows === null ? response : response.map((bytes, index) => join(bytes, rows[index]!));
    const fullWire = rows === null ? wire : ({ ...wire, upload: 'whole', responseC1: 0 } as const);
    const decrypted = await decryptWithSeal(clientView(this.#plan), keys, full, fullWire);
    const words = this.#evaluator?.evaluate(upload) ?? null;
    return {
      decryptsEqual: compareTensors(output, decrypted).match,
      wordsEqual: words === null ? null : areEqual(words, full),
    };
  }

  /** Of every result its row of the hint, which stands for c1. */
  #rows(response: readonly Uint8Array[]): Uint8Array[] | null {
    if (this.#hints === null) return null;
    const { hint } = this.#hints;
    const rows =
      this.#plan.counts.outputCiphertexts /
      (this.#plan.counts.inputCiphertexts / this.#plan.transfer.usedChunks.length);
    const bytes = hint.length / rows;
    return response.map((_, index) => hint.subarray((index % rows) * bytes, ((index % rows) + 1) * bytes));
  }

  dispose(): void {
    this.#evaluator?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}

function areEqual(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  return left.length === right.length && left.every((bytes, index) => isEqual(bytes, right[index]!));
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
