import { disposedError } from '../compiler/base/errors.ts';
import { uploadForm } from '../compiler/lowerings/plan.ts';
import type { Plan } from '../compiler/lowerings/plan.ts';
import type { Tensor } from '../compiler/base/tensor.ts';
import type { DisposableHandle } from '../runtime/disposable.ts';
import { convolve } from '../runtime/clear/loops.ts';
import { compareTensors } from '../runtime/clear/compare.ts';
import type { Mismatch } from '../runtime/clear/compare.ts';
import { createEvaluator } from '../runtime/evaluator/evaluator.ts';
import type { Evaluator, EvaluatorOptions } from '../runtime/evaluator/evaluator.ts';
import { loadSeal } from '../runtime/seal/module.ts';
import { longWork } from '../runtime/longWork.ts';
import type { Weights } from '../runtime/evaluator/weights.ts';
import { planFacts } from './runReport.ts';
import type { RunReport } from './runReport.ts';
import { makeHint, openRunClient } from './runSides.ts';
import { SealJudge } from './sealJudge.ts';
import type { HintFacts, JudgeMode } from './sealJudge.ts';

/** What one encrypted run gave. */
export interface RunResult {
  /** What `run --json` prints. */
  readonly report: RunReport;
  /** What decryption gave, NCHW. */
  readonly output: Tensor;
  /** The first integer that differs from the cleartext convolution, null when all are equal. */
  readonly firstMismatch: Mismatch | null;
  /** Whether the transformed weights stayed in memory, and what they take. */
  readonly weights: Weights;
}

/** The steps of a run, in the order in which they are announced. */
export type RunStep =
  'load SEAL' | Exclude<keyof RunReport['ms'], 'offline' | 'online'> | 'judge' | 'compare';

/** How a run computes and whom it tells; everything has a default. */
export interface RunOptions {
  /** What the transformed weights may take, bytes; past it they are made at each use. Default 1 GiB. */
  readonly weightMemoryBytes?: number;
  /**
   * What SEAL, as the judge of our own arithmetic, is asked: to decrypt and to compute the words (`full`, the default), to
   * `decrypt` alone, or nothing (`none`), and then it is not loaded where the plan does without. Plans that SEAL runs are not
   * judged.
   */
  readonly judge?: JudgeMode;
  /** The hint of the plan, where it has one and it is computed already. Default: computed, under a fresh public seed. */
  readonly hint?: HintFacts;
  /** Told when a step begins (done 0 of 1) and how far it is. */
  readonly onProgress?: (step: RunStep, done: number, total: number) => void;
  /** Aborts between two steps: each step but the first is one long synchronous computation. */
  readonly signal?: AbortSignal;
}

/** A client and a server of one plan, kept for several inputs. */
export interface Runner extends DisposableHandle {
  /**
   * Encryption, evaluation, decryption, comparison with the cleartext convolution. The report's times of keygen and
   * prepare are those of the one time when they were done.
   * @param input NCHW, raw values, of exactly the plan's shape
   * @throws CipherconvError `shape-mismatch` or `out-of-range` for an input that the plan was not made for; the signal's
   * reason when it aborts.
   */
  readonly run: (input: Tensor, options?: Pick<RunOptions, 'signal'>) => Promise<RunResult>;
}

/**
 * Makes the keys and prepares the weights of a plan; the caller disposes of the runner.
 * @throws CipherconvError `plan-rejected`; the signal's reason when it aborts.
 */
export async function openRunner(plan: Plan, options: RunOptions = {}): Promise<Runner> {
  const announce = options.onProgress ?? ((): void => undefined);
  let signal = options.signal;
  const step = async <T>(name: RunStep, work: () => T | Promise<T>): Promise<Timed<T>> => {
    announce(name, 0, 1);
    // One turn of the event loop, so that an interrupt is noticed between the long synchronous steps.
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    return timed(work);
  };
  const mode = options.judge ?? 'full';
  const memory =
    options.weightMemoryBytes === undefined ? {} : { weightMemoryBytes: options.weightMemoryBytes };
  let active: 'prepare' | 'evaluate' = 'prepare';
  const onProgress = (done: number, total: number): void => {
    announce(active, done, total);
  };
  const owned: DisposableHandle[] = [];
  const own = <T extends DisposableHandle | null>(handle: T): T => {
    if (handle !== null) owned.push(handle);
    return handle;
  };
  const dispose = (): void => {
    for (const handle of owned.splice(0).reverse()) handle.dispose();
  };
  const open = async (): Promise<Runner['run']> => {
    if (mode !== 'none' || uploadForm(plan) === 'seal-seeded') await step('load SEAL', loadSeal);
    const hints = await timed(() => options.hint ?? makeHint(plan, signal));
    const client = await step('keygen', async () => own(await openRunClient(plan, hints.value)));
    const { evaluationKeys } = client.value;
    const evaluator = await step('prepare', async () =>
      own(await prepare(plan, evaluationKeys, { ...memory, onProgress })),
    );
    const judge = own(await SealJudge.open(plan, hints.value, mode, memory));
    const once = hints.ms + client.ms + evaluator.ms;
    return async (input, of = {}) => {
      signal = of.signal;
      const ready = await timed(() => {
        client.value.prepare();
      });
      const exchange = await step('encrypt', () => client.value.begin(input));
      const { upload } = exchange.value;
      active = 'evaluate';
      const response = await step('evaluate', () => evaluator.value.evaluate(upload));
      // Where nothing came back there is nothing to measure: what is predicted holds.
      const measuredBudgetBits =
        response.value.length === 0
          ? plan.noise.predictedBudgetBits
          : longWork(() => exchange.value.budgetBits(response.value));
      const keys = judge === null ? [] : exchange.value.keys();
      const output = await step('decrypt', () => exchange.value.decrypt(response.value));
      const judged = { upload, response: response.value, keys, output: output.value };
      const seal = judge === null ? null : (await step('judge', () => judge.judge(judged))).value;
      const expected = await step('compare', () => convolve(plan.spec, input));
      const { match, mismatches, outputs, first } = compareTensors(expected.value, output.value);
      const report: RunReport = {
        match: match && agrees(seal),
        mismatches,
        outputs,
        ...planFacts(plan),
        seal,
        noise: { predictedBudgetBits: plan.noise.predictedBudgetBits, measuredBudgetBits },
        ms: {
          keygen: client.ms,
          prepare: evaluator.ms,
          encrypt: exchange.ms,
          evaluate: response.ms,
          decrypt: output.ms,
          offline: rounded(once + ready.ms),
          online: rounded(exchange.ms + response.ms + output.ms),
        },
        bytes: {
          keys: evaluationKeys.length,
          upload: totalLength(upload),
          response: totalLength(response.value),
        },
      };
      return { report, output: output.value, firstMismatch: first, weights: evaluator.value.weights };
    };
  };
  const run = await open().catch((error: unknown) => {
    dispose();
    throw error;
  });
  let isDisposed = false;
  const end = (): void => {
    isDisposed = true;
    dispose();
  };
  return {
    run: async (input, of) => {
      if (isDisposed) throw disposedError('runner');
      return run(input, of);
    },
    dispose: end,
    [Symbol.dispose]: end,
  };
}

/** A run is right only if SEAL agrees, where it was asked. */
function agrees(seal: RunReport['seal']): boolean {
  return seal === null || (seal.decryptsEqual && seal.wordsEqual !== false);
}

/**
 * Runs a plan as client and server in one: keys, encryption, evaluation, decryption, comparison with the cleartext
 * convolution.
 * @param input NCHW, raw values, of exactly the plan's shape
 * @throws CipherconvError `shape-mismatch` or `out-of-range` for an input that the plan was not made for.
 */
export async function run(plan: Plan, input: Tensor, options: RunOptions = {}): Promise<RunResult> {
  const runner = await openRunner(plan, options);
  try {
    return await runner.run(input, options);
  } finally {
    runner.dispose();
  }
}

async function prepare(plan: Plan, keys: Uint8Array, options: EvaluatorOptions): Promise<Evaluator> {
  const evaluator = await createEvaluator(plan, options);
  try {
    evaluator.loadEvaluationKeys(keys);
    return evaluator;
  } catch (error) {
    evaluator.dispose();
    throw error;
  }
}

interface Timed<T> {
  readonly value: T;
  /** Milliseconds, to the microsecond. */
  readonly ms: number;
}

async function timed<T>(work: () => T | Promise<T>): Promise<Timed<T>> {
  const start = performance.now();
  const value = await longWork(work);
  return { value, ms: rounded(performance.now() - start) };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function totalLength(messages: readonly Uint8Array[]): number {
  return messages.reduce((sum, bytes) => sum + bytes.length, 0);
}
