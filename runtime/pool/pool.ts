import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { isToeplitz } from '../../compiler/plan.ts';
import type { Plan, ToeplitzPlan } from '../../compiler/plan.ts';
import { buildProgram } from '../../compiler/program.ts';
import { resultsOfPart, splitProgram, uploadOfPart } from '../../compiler/programParts.ts';
import type { Part } from '../../compiler/programParts.ts';
import { createEvaluator } from '../evaluator.ts';
import type { Evaluator, EvaluatorOptions } from '../evaluatorTypes.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { resultsOf } from './message.ts';
import type { WorkerReply, WorkerSetup, WorkerTask } from './message.ts';

/** Evaluates a plan on several threads. The results are those of one thread, byte for byte. */
export interface EvaluatorPool {
  /** Threads that evaluate; 1 means this one. */
  readonly workers: number;
  /**
   * As `Evaluator.evaluate`. With several workers the buffers of `upload` move to them and are empty afterwards.
   * @throws CipherconvError `malformed-tensor`; an `AbortError` when `signal` aborts, the workers that were busy are
   * replaced then.
   */
  evaluate(upload: readonly Uint8Array[], options?: { readonly signal?: AbortSignal }): Promise<Uint8Array[]>;
  dispose(): Promise<void>;
}

export interface PoolOptions extends Pick<EvaluatorOptions, 'weightMemoryBytes' | 'kernel'> {
  /** Default: as many as there are cores. */
  readonly workers?: number;
}

/** No pool: the evaluator of this thread. */
function singlePool(evaluator: Evaluator): EvaluatorPool {
  return {
    workers: 1,
    evaluate: (upload, options) => {
      options?.signal?.throwIfAborted();
      return Promise.resolve(evaluator.evaluate(upload));
    },
    dispose: () => {
      evaluator.dispose();
      return Promise.resolve();
    },
  };
}

/** piscina takes an array only; its types follow an overload of Node's postMessage that is not one. */
type TransferList = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>;

/** One part of the plan and the one thread that computes it: weights stay where they are. */
interface Seat {
  readonly thread: Piscina<WorkerTask, WorkerReply>;
  /** Positions in the whole upload, and in the whole response. */
  readonly upload: readonly number[];
  readonly results: readonly number[];
}

/** The worker's file beside this one: .ts when running from source, .js from the build. */
function workerFile(): string {
  const own = fileURLToPath(import.meta.url);
  return fileURLToPath(new URL(`./worker${extname(own)}`, import.meta.url));
}

/** Bytes that may be moved away: whole buffers, and only to one worker. */
function ownBytes(bytes: Uint8Array, isShared: boolean): Uint8Array {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return isWhole && !isShared ? bytes : Uint8Array.from(bytes);
}

class WorkerPool implements EvaluatorPool {
  readonly #seats: readonly Seat[];
  readonly #uploads: number;
  readonly #results: number;

  constructor(plan: ToeplitzPlan, parts: readonly Part[], options: WorkerSetup['options']) {
    const program = buildProgram(plan);
    this.#seats = parts.map((part) => {
      const workerData: WorkerSetup = { plan, part, options };
      return {
        thread: new Piscina({ filename: workerFile(), minThreads: 1, maxThreads: 1, workerData }),
        upload: uploadOfPart(plan, program, part),
        results: resultsOfPart(program, part),
      };
    });
    this.#uploads = program.blockGroups.length * plan.transfer.usedChunks.length;
    this.#results = this.#seats.reduce((sum, { results }) => sum + results.length, 0);
  }

  get workers(): number {
    return this.#seats.length;
  }

  /** Makes every worker load SEAL and transform its weights. */
  async warmUp(): Promise<void> {
    await Promise.all(
      this.#seats.map(async ({ thread }) => resultsOf(await thread.run({ kind: 'warm-up' }))),
    );
  }

  async evaluate(
    upload: readonly Uint8Array[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Uint8Array[]> {
    requireCiphertextCount('upload', this.#uploads, upload.length);
    const readers = new Array<number>(upload.length).fill(0);
    for (const seat of this.#seats) for (const position of seat.upload) readers[position]!++;
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const response = new Array<Uint8Array>(this.#results);
    await Promise.all(
      this.#seats.map(async ({ thread, upload: wanted, results }) => {
        // The last reader takes the buffer itself, the others a copy.
        const own = wanted.map((position) => ownBytes(upload[position]!, --readers[position]! > 0));
        const task: WorkerTask = { kind: 'evaluate', upload: own };
        const transferList = own.map((bytes) => bytes.buffer) as unknown as TransferList;
        const reply = await thread.run(task, { ...signal, transferList });
        resultsOf(reply).forEach((bytes, index) => {
          response[results[index]!] = bytes;
        });
      }),
    );
    return response;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#seats.map(({ thread }) => thread.destroy()));
  }
}

/**
 * Prepares a plan for evaluation on several threads, one SEAL and one kernel instance each. One worker, or a plan that
 * does not split, means no thread at all.
 * @throws CipherconvError `plan-rejected`.
 */
export async function createEvaluatorPool(plan: Plan, options: PoolOptions = {}): Promise<EvaluatorPool> {
  const { workers = availableParallelism(), ...evaluatorOptions } = options;
  // Rotations share their keys and sums: a diagonals plan stays in one piece.
  if (!isToeplitz(plan) || workers === 1) return singlePool(await createEvaluator(plan, evaluatorOptions));
  const parts = splitProgram(plan, buildProgram(plan), workers);
  if (parts.length === 1) return singlePool(await createEvaluator(plan, evaluatorOptions));
  const pool = new WorkerPool(plan, parts, evaluatorOptions);
  try {
    await pool.warmUp();
  } catch (error) {
    await pool.dispose();
    throw error;
  }
  return pool;
}
