import { disposedError } from '../compiler/base/errors.ts';
import type { Plan } from '../compiler/lowerings/plan.ts';
import type { Tensor } from '../compiler/base/tensor.ts';
import type { DisposableHandle } from '../runtime/disposable.ts';
import { convolve } from '../runtime/clear/loops.ts';
import { createClient } from '../runtime/client/client.ts';
import type { Client } from '../runtime/client/client.ts';
import { compareTensors } from '../runtime/clear/compare.ts';
import type { Mismatch } from '../runtime/clear/compare.ts';
import { createEvaluator } from '../runtime/evaluator/evaluator.ts';
import type { Evaluator, EvaluatorOptions } from '../runtime/evaluator/evaluator.ts';
import { loadSeal } from '../runtime/seal/module.ts';
import { longWork } from '../runtime/longWork.ts';
import type { Weights } from '../runtime/evaluator/weights.ts';
import { planFacts } from './runReport.ts';
import type { RunReport } from './runReport.ts';
import { clientView } from '../compiler/lowerings/views.ts';

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
export type RunStep = 'load SEAL' | keyof RunReport['ms'] | 'compare';

/** How a run computes and whom it tells; everything has a default. */
export interface RunOptions {
  /** What the transformed weights may take, bytes; past it they are made at each use. Default 1 GiB. */
  readonly weightMemoryBytes?: number;
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
  await step('load SEAL', loadSeal);
  const client = await step('keygen', () => makeClient(plan));
  const { encryptor, keys } = client.value;
  let active: 'prepare' | 'evaluate' = 'prepare';
  const memory =
    options.weightMemoryBytes === undefined ? {} : { weightMemoryBytes: options.weightMemoryBytes };
  const onProgress = (done: number, total: number): void => {
    announce(active, done, total);
  };
  const evaluator = await step('prepare', () => prepare(plan, keys, { ...memory, onProgress })).catch(
    (error: unknown) => {
      encryptor.dispose();
      throw error;
    },
  );
  let isDisposed = false;
  const run: Runner['run'] = async (input, of = {}) => {
    if (isDisposed) throw disposedError('runner');
    signal = of.signal;
    const upload = await step('encrypt', () => encryptor.encrypt(input));
    active = 'evaluate';
    const response = await step('evaluate', () => evaluator.value.evaluate(upload.value));
    const output = await step('decrypt', () => encryptor.decrypt(response.value));
    const measuredBudgetBits = longWork(() => encryptor.measuredBudgetBits(response.value));
    const expected = await step('compare', () => convolve(plan.spec, input));
    const { match, mismatches, outputs, first } = compareTensors(expected.value, output.value);
    const report: RunReport = {
      match,
      mismatches,
      outputs,
      ...planFacts(plan),
      noise: { predictedBudgetBits: plan.noise.predictedBudgetBits, measuredBudgetBits },
      ms: {
        keygen: client.ms,
        prepare: evaluator.ms,
        encrypt: upload.ms,
        evaluate: response.ms,
        decrypt: output.ms,
      },
      bytes: {
        keys: keys.length,
        upload: totalLength(upload.value),
        response: totalLength(response.value),
      },
    };
    return { report, output: output.value, firstMismatch: first, weights: evaluator.value.weights };
  };
  const dispose = (): void => {
    isDisposed = true;
    evaluator.value.dispose();
    encryptor.dispose();
  };
  return { run, dispose, [Symbol.dispose]: dispose };
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

/** A client and the evaluation keys that it sends. */
async function makeClient(plan: Plan): Promise<{ encryptor: Client; keys: Uint8Array }> {
  const encryptor = await createClient(clientView(plan));
  try {
    return { encryptor, keys: encryptor.evaluationKeys() };
  } catch (error) {
    encryptor.dispose();
    throw error;
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
  return { value, ms: Math.round((performance.now() - start) * 1000) / 1000 };
}

function totalLength(messages: readonly Uint8Array[]): number {
  return messages.reduce((sum, bytes) => sum + bytes.length, 0);
}
