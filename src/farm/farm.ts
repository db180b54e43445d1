import { availableParallelism } from 'node:os';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { AsyncDisposableHandle } from '../../runtime/disposable.ts';
import { workerFile } from '../../runtime/pool/workerFile.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { FarmConnection } from './connection.ts';
import { loadFarmPackages } from './packages.ts';
import type { Split } from './pieces.ts';
import { farmPlan } from './plan.ts';
import { PlanQueue } from './planQueue.ts';
import type { FarmContext } from './queues.ts';
import { parseRedisUrl } from './redisUrl.ts';
import { farmStatus } from './status.ts';
import type { FarmStatus } from './status.ts';
import { submitAll } from './submit.ts';
import type { FarmInput, FarmResult } from './submit.ts';
import { FarmWorkerProcess } from './worker.ts';
import type { StopOutcome, WorkerEvent } from './worker.ts';
import { WorkerWatch } from './workerWatch.ts';

/** How a farm is reached; everything has a default. */
export interface FarmOptions {
  /** Certificates of authorities, PEM, that are trusted for `rediss://`. Default: the system's. */
  readonly ca?: string;
  /** How long a Redis that was there may be away before everything gives up, milliseconds. Default: 5 minutes. */
  readonly patienceMs?: number;
  /** How long bytes that nobody fetches stay in the Redis, milliseconds. Default: 24 hours. */
  readonly expireMs?: number;
  /** Told, in a sentence, when the Redis is away, is back, or is full, or when jobs wait and no worker takes them. */
  readonly onNotice?: (sentence: string) => void;
}

/** How a batch is submitted; everything has a default. */
export interface SubmitOptions {
  /** Inputs under way at the same time: bounds the memory of the Redis and of this process. Default: 64, fewer of large ones. */
  readonly inFlight?: number;
  /** Jobs that may wait in the queue of the plan, whoever submitted them, before this adds more. Default: 10,000. */
  readonly mostWaiting?: number;
  /** The message with the evaluation keys, for plans with rotations; it travels once. */
  readonly evaluationKeys?: Uint8Array;
  /** Whether an input becomes several jobs, which needs a plan with its weights. Default: `off`. */
  readonly split?: Split;
}

/** How a worker works; everything has a default. */
export interface WorkOptions {
  /** Jobs evaluated at the same time, each in a process of its own. Default: the cores of the machine. */
  readonly concurrency?: number;
  /** Resident memory of such a process, bytes. Default: 512 MiB. */
  readonly memoryBytes?: number;
  /** What one evaluation may take, milliseconds. Default: 10 minutes. */
  readonly deadlineMs?: number;
  /** After so long without a sign of life a worker has died, and others take its jobs, milliseconds. Default: 15 seconds. */
  readonly lockMs?: number;
  /** Script of the processes that evaluate. Default: the one of this package. */
  readonly workerFile?: string;
  /** Told what happens. */
  readonly onEvent?: (event: WorkerEvent) => void;
}

/** A worker that takes jobs until it is stopped. */
export interface FarmWorker extends AsyncDisposableHandle {
  /** The plans whose jobs it takes, by their digests. */
  readonly digests: readonly string[];
  /**
   * Aborts when the Redis lets this process in no more, as after a change of its password; the reason is a CipherconvError
   * `server`. The worker stops by itself then: what it had begun goes back to the queue, which costs no attempt. Where it
   * can no longer say so, others take these jobs after `lockMs`.
   */
  readonly refused: AbortSignal;
  /**
   * Takes no more jobs, and resolves when those under way are done and their results stored, or cannot be. BullMQ may keep a
   * process alive that was `cut-off` from its Redis: end it.
   * @param graceMs after it others do what is not done by then, milliseconds; default: a minute
   */
  stop(graceMs?: number): Promise<StopOutcome>;
}

/** A farm: whoever submits and whoever works, at one Redis. */
export interface Farm extends AsyncDisposableHandle {
  /** The Redis, without user name and password. */
  readonly redis: string;
  /**
   * Has uploads evaluated. Results come as they are ready, in any order; each is taken out of the Redis when the next one
   * is asked for. What a worker cannot do is a result of kind `failed`.
   * @param plan a client plan, or a plan with its weights
   * @throws CipherconvError `server` when the Redis cannot be used, `malformed-message` or `wrong-plan` for an input that
   * is none of the plan.
   */
  submit(
    plan: ClientPlan | StoredPlan,
    inputs: AsyncIterable<FarmInput> | Iterable<FarmInput>,
    options?: SubmitOptions,
  ): AsyncGenerator<FarmResult, void, undefined>;
  /**
   * Takes jobs of plans, and evaluates them in disposable processes.
   * @param plans proved, as `parsePlan` or `compile` do it
   * @throws CipherconvError `server` when the Redis cannot be used, `usage` when the plans do not fit into a process.
   */
  work(plans: readonly StoredPlan[], options?: WorkOptions): Promise<FarmWorker>;
  /**
   * How much is on its way.
   * @throws CipherconvError `server` when the Redis cannot be used.
   */
  status(): Promise<FarmStatus>;
}

const MIB = 2 ** 20;
const DEFAULT_IN_FLIGHT = 64;
/** What uploads under way may take together, unless one alone takes more, bytes. */
const IN_FLIGHT_BYTES = 256 * MIB;
const GRACE_MS = 60_000;
const DEFAULT_MOST_WAITING = 10_000;

/**
 * Connects to a farm. Needs the packages bullmq and ioredis, which are installed beside this one.
 * @param url `redis://[user:password@]host[:port][/database]`, or `rediss://` with TLS
 * @throws CipherconvError `unsupported` when a package is missing, `usage` for the address, `server` when there is no Redis
 * that lets us in.
 */
export async function createFarm(url: string, options: FarmOptions = {}): Promise<Farm> {
  return new RedisFarm(await openContext(url, options));
}

/** What everything of a farm works with. Whoever opens it closes its connection. */
export async function openContext(url: string, options: FarmOptions): Promise<FarmContext> {
  const {
    ca = null,
    patienceMs = 300_000,
    expireMs = 24 * 3600_000,
    onNotice: notice = () => undefined,
  } = options;
  const address = parseRedisUrl(url, ca);
  const packages = await loadFarmPackages();
  const connection = await FarmConnection.open(packages, address, { patienceMs, notice });
  return { packages, connection, notice, expireMs };
}

/** Inputs of a plan under way, where nobody says how many: fewer of large ones. */
function defaultInFlight(exchangeBytes: number): number {
  return Math.max(2, Math.min(DEFAULT_IN_FLIGHT, Math.floor(IN_FLIGHT_BYTES / exchangeBytes)));
}

class RedisFarm implements Farm {
  readonly #context: FarmContext;

  constructor(context: FarmContext) {
    this.#context = context;
  }

  get redis(): string {
    return this.#context.connection.shown;
  }

  async *submit(
    plan: ClientPlan | StoredPlan,
    inputs: AsyncIterable<FarmInput> | Iterable<FarmInput>,
    { inFlight, mostWaiting = DEFAULT_MOST_WAITING, evaluationKeys, split = 'off' }: SubmitOptions = {},
  ): AsyncGenerator<FarmResult, void, undefined> {
    if (inFlight !== undefined) requireCount('inFlight', inFlight);
    requireCount('mostWaiting', mostWaiting);
    const queue = await PlanQueue.open(this.#context, await farmPlan(plan, split), mostWaiting);
    const watch = this.#watch(queue);
    try {
      const keys = queue.checkedKeys(evaluationKeys ?? null);
      const { upload, response } = queue.plan.lengths;
      const exchange = [...upload, ...response].reduce((sum, length) => sum + length, 0);
      for await (const result of submitAll(queue, inputs, keys, inFlight ?? defaultInFlight(exchange))) {
        watch.progress();
        yield result;
      }
    } finally {
      watch.stop();
      await queue.close();
    }
  }

  #watch(queue: PlanQueue): WorkerWatch {
    const { connection, notice } = this.#context;
    return new WorkerWatch(
      queue,
      () => connection.isAway,
      notice,
      `no worker takes jobs of the plan ${queue.plan.digest} at ${connection.shown}: waiting for one; farm worker starts it`,
    );
  }

  async work(plans: readonly StoredPlan[], options: WorkOptions = {}): Promise<FarmWorker> {
    const worker = await FarmWorkerProcess.start(this.#context, plans, {
      concurrency: options.concurrency ?? availableParallelism(),
      memoryBytes: options.memoryBytes ?? 512 * MIB,
      deadlineMs: options.deadlineMs ?? 600_000,
      lockMs: options.lockMs ?? 15_000,
      workerFile: options.workerFile ?? workerFile(import.meta.url, '../server/workers/worker'),
      onEvent: options.onEvent ?? (() => undefined),
    });
    const stop = (graceMs: number = GRACE_MS): Promise<StopOutcome> => worker.stop(graceMs);
    const dispose = async (): Promise<void> => {
      await stop();
    };
    return {
      digests: worker.plans.map(({ digest }) => digest),
      refused: worker.refused,
      stop,
      dispose,
      [Symbol.asyncDispose]: dispose,
    };
  }

  status(): Promise<FarmStatus> {
    return farmStatus(this.#context);
  }

  dispose(): Promise<void> {
    this.#context.connection.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function requireCount(where: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw new CipherconvError({
    code: 'usage',
    where,
    message: 'not a number of jobs',
    expected: 'a whole number from 1 on',
    found: String(count),
  });
}
