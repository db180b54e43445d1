import { availableParallelism } from 'node:os';
import { disposedError } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { resultsOfPart, splitProgram, uploadOfPart } from '../../compiler/toeplitz/parts.ts';
import type { Part } from '../../compiler/toeplitz/parts.ts';
import { BLOCK_ROWS } from '../../compiler/toeplitz/direct/steps.ts';
import { createEvaluator } from '../evaluator/evaluator.ts';
import { DEFAULT_WEIGHT_MEMORY_BYTES } from '../evaluator/types.ts';
import type { Evaluator } from '../evaluator/types.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { replyOf } from './message.ts';
import type { PartOptions, WorkerTask } from './message.ts';
import type { EvaluatorPool, PoolOptions } from './poolTypes.ts';
import { SharedPool } from './sharedPool.ts';
import { ownBytes, runTask, startThread } from './thread.ts';
import { endThreads } from './threadsEnd.ts';
import type { Thread } from './thread.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { buildToeplitz, computedRows } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

export type { EvaluatorPool, PoolOptions } from './poolTypes.ts';

/** No pool: the evaluator of this thread. */
function singlePool(evaluator: Evaluator): EvaluatorPool {
  const dispose = (): Promise<void> => {
    evaluator.dispose();
    return Promise.resolve();
  };
  return {
    workers: 1,
    evaluate: (upload, options) => {
      options?.signal?.throwIfAborted();
      return Promise.resolve(evaluator.evaluate(upload));
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** One part of the plan and the one thread that computes it: weights stay where they are. */
interface WorkerHandle {
  readonly thread: Thread;
  /** Positions in the whole upload, and in the whole response. */
  readonly upload: readonly number[];
  readonly results: readonly number[];
}

class PartsPool implements EvaluatorPool {
  readonly #workers: readonly WorkerHandle[];
  readonly #uploads: number;
  readonly #results: number;
  #isDisposed = false;

  constructor(plan: ToeplitzPlan, program: ToeplitzProgram, parts: readonly Part[], options: PartOptions) {
    this.#workers = parts.map((part) => ({
      thread: startThread({ plan, duty: { kind: 'part', part, options } }),
      upload: uploadOfPart(plan, program, part),
      results: resultsOfPart(program, part),
    }));
    this.#uploads = program.blockGroups.length * plan.transfer.usedChunks.length;
    this.#results = this.#workers.reduce((sum, { results }) => sum + results.length, 0);
  }

  get workers(): number {
    return this.#workers.length;
  }

  /** Makes every worker load what its kernel needs and transform its weights. */
  async warmUp(): Promise<void> {
    await Promise.all(
      this.#workers.map(async ({ thread }) =>
        replyOf(await runTask(thread, { kind: 'warm-up' }, [], undefined), 'ready'),
      ),
    );
  }

  async evaluate(
    upload: readonly Uint8Array[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Uint8Array[]> {
    if (this.#isDisposed) throw disposedError('pool');
    requireCiphertextCount('upload', this.#uploads, upload.length);
    const readers = new Array<number>(upload.length).fill(0);
    for (const worker of this.#workers) for (const position of worker.upload) readers[position]!++;
    const response = new Array<Uint8Array>(this.#results);
    await Promise.all(
      this.#workers.map(async ({ thread, upload: wanted, results }) => {
        // The last reader takes the buffer itself, the others a copy.
        const own = wanted.map((position) => ownBytes(upload[position]!, --readers[position]! > 0));
        const task: WorkerTask = { kind: 'evaluate', upload: own };
        replyOf(await runTask(thread, task, own, signal), 'results').results.forEach((bytes, index) => {
          response[results[index]!] = bytes;
        });
      }),
    );
    return response;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await Promise.all(this.#workers.map(({ thread }) => endThreads(thread)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Threads that are worth starting: each gets a block of rows at least. */
function usefulWorkers(program: ToeplitzProgram, workers: number): number {
  const blocks = Math.ceil(computedRows(program).length / BLOCK_ROWS);
  return Math.min(workers, program.blockGroups.length * blocks);
}

/**
 * With the direct kernel workers fill and read the same planes. With the ntt kernel each has its own part: by block
 * groups each input goes to one worker, which needs nobody else; by rows each transforms all inputs for itself.
 */
function threadedPool(
  plan: ToeplitzPlan,
  workers: number,
  options: PoolOptions,
): PartsPool | SharedPool | null {
  const program = buildToeplitz(plan);
  const {
    kernel = plan.execution.kernel,
    weightMemoryBytes = DEFAULT_WEIGHT_MEMORY_BYTES,
    reuseResponse = false,
  } = options;
  if (kernel === 'direct') {
    const useful = usefulWorkers(program, workers);
    return useful > 1 ? new SharedPool(plan, program, useful, reuseResponse) : null;
  }
  const parts = splitProgram(plan, program, workers);
  return parts.length > 1 ? new PartsPool(plan, program, parts, { kernel, weightMemoryBytes }) : null;
}

/**
 * Prepares a plan for evaluation on several threads, each with its own instance of the kernel. One worker, or a plan that
 * does not split, means no thread at all.
 * @throws CipherconvError `plan-rejected`.
 */
export async function createEvaluatorPool(plan: Plan, options: PoolOptions = {}): Promise<EvaluatorPool> {
  const { workers = availableParallelism(), ...evaluatorOptions } = options;
  // Rotations share their keys and sums: a diagonals plan stays in one piece.
  const pool = plan.lowering === 'toeplitz' && workers > 1 ? threadedPool(plan, workers, options) : null;
  if (pool === null) return singlePool(await createEvaluator(plan, evaluatorOptions));
  try {
    await pool.warmUp();
  } catch (error) {
    await pool.dispose();
    throw error;
  }
  return pool;
}
