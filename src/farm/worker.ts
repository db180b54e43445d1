import type { StoredPlan } from '../frontend/planFile.ts';
import { largest } from '../server/limits.ts';
import { plansLines, servedPlans } from '../server/plans.ts';
import type { ServedPlan } from '../server/plans.ts';
import { BufferPool } from '../server/workers/bufferPool.ts';
import { WorkerPool } from '../server/workers/pool.ts';
import { deferred } from './deferred.ts';
import { KeyCache } from './keyCache.ts';
import { PLANS_KEY } from './names.ts';
import type { BullWorker } from './packages.ts';
import { bullOptions } from './queues.ts';
import type { FarmContext } from './queues.ts';
import { WorkerJobs } from './workerJobs.ts';

export interface WorkerSettings {
  /** Jobs evaluated at the same time, each in a process of its own. */
  readonly concurrency: number;
  /** Resident memory of such a process, bytes. */
  readonly memoryBytes: number;
  /** What one evaluation may take, milliseconds. */
  readonly deadlineMs: number;
  /** After so long without a sign of life a worker has died, and others take its jobs, milliseconds. */
  readonly lockMs: number;
  /** Script of the processes. */
  readonly workerFile: string;
  readonly onEvent: (event: WorkerEvent) => void;
}

/** What happens in a worker. */
export interface WorkerEvent {
  /**
   * A job is `done`, or `failed` at this attempt; a job was `dropped` whose upload is gone, so that nobody waits for it, or
   * whoever does submits it again; a job was `taken-over` from a worker that has died; a process was `replaced`; or there is
   * `trouble` with the queue.
   */
  readonly kind: 'done' | 'failed' | 'dropped' | 'taken-over' | 'replaced' | 'trouble';
  /** One line about it, of a stranger in part: to be printed with care. */
  readonly text: string;
}

/**
 * How a worker stopped: everything under way was `finished` and its results stored, or it was `cut-off`, by the time or
 * because its Redis was away; others do what it had begun.
 */
export type StopOutcome = 'finished' | 'cut-off';

/** Times that workers may die under a job before it is called poison. */
const MOST_STALLS = 5;
/** Points of one minute each from which `status` tells the throughput. */
const METRIC_MINUTES = 60;
const KEYS_BYTES = 2 ** 28;
/** Buffers that wait for the next job. */
const IDLE_BYTES = 2 ** 26;
/** How long a stopping worker waits for a Redis that is away, and how often it looks, milliseconds. */
const AWAY_GRACE_MS = 3000;
const STOP_LOOK_MS = 200;

/** A worker of the farm: takes jobs of its plans until it is stopped. Holds no key that decrypts. */
export class FarmWorkerProcess {
  readonly plans: readonly ServedPlan[];
  readonly #connection: FarmContext['connection'];
  readonly #pool: WorkerPool;
  readonly #workers: readonly BullWorker[];
  #stopped: Promise<StopOutcome> | null = null;

  private constructor(
    { connection }: FarmContext,
    plans: readonly ServedPlan[],
    pool: WorkerPool,
    workers: readonly BullWorker[],
  ) {
    this.#connection = connection;
    this.plans = plans;
    this.#pool = pool;
    this.#workers = workers;
  }

  /**
   * @param stored proved, by `parsePlan` or `compile`
   * @throws CipherconvError `server` when the Redis cannot be used, `usage` when the plans do not fit into a process.
   */
  static async start(
    context: FarmContext,
    stored: readonly StoredPlan[],
    settings: WorkerSettings,
  ): Promise<FarmWorkerProcess> {
    const served = await servedPlans(stored, { threads: settings.concurrency, onHint: () => undefined });
    const plans = [...served.values()];
    const buffers = new BufferPool(IDLE_BYTES);
    const pool = await WorkerPool.start({
      file: settings.workerFile,
      memoryBytes: settings.memoryBytes,
      plans: plansLines(served),
      largestResponse: largest(served, 'responseBytes'),
      allocate: buffers.take,
      workers: settings.concurrency,
      // Every queue may have handed out as many as are evaluated.
      queueLength: settings.concurrency * plans.length,
      deadlineMs: settings.deadlineMs,
      abandonedMs: 0,
      onEvent: (event) => {
        if (event.event === 'worker-retired')
          settings.onEvent({ kind: 'replaced', text: `${event.reason}: ${event.text}` });
      },
    });
    const workers: BullWorker[] = [];
    try {
      const keys = new KeyCache(KEYS_BYTES);
      for (const plan of plans) {
        await context.connection.ask((redis) => redis.hset(PLANS_KEY, plan.digest, plan.name));
        const jobs = new WorkerJobs({ context, pool, keys, buffers }, plan);
        workers.push(await startQueue(context, jobs, plan.digest, settings));
      }
    } catch (error) {
      await Promise.allSettled(workers.map((worker) => worker.close(true)));
      await pool.close();
      throw error;
    }
    const worker = new FarmWorkerProcess(context, plans, pool, workers);
    const end = (): void => void worker.stop(AWAY_GRACE_MS);
    if (worker.refused.aborted) end();
    else worker.refused.addEventListener('abort', end, { once: true });
    return worker;
  }

  /** Aborts when the Redis lets this worker in no more, which then stops by itself. */
  get refused(): AbortSignal {
    return this.#connection.refused;
  }

  /** Takes no more jobs; resolves when those under way are done and stored, or at the latest after `graceMs`. */
  stop(graceMs: number): Promise<StopOutcome> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<StopOutcome> {
    const closed = Promise.allSettled(this.#workers.map((worker) => worker.close()));
    const late = deferred<StopOutcome>();
    const end = performance.now() + graceMs;
    let awaySince: number | null = null;
    const timer = setInterval(() => {
      const now = performance.now();
      awaySince = this.#connection.isAway || this.refused.aborted ? (awaySince ?? now) : null;
      // Without the Redis no result can be stored.
      const isCutOff = awaySince !== null && now - awaySince > AWAY_GRACE_MS;
      if (now > end || isCutOff) late.resolve('cut-off');
    }, STOP_LOOK_MS);
    const outcome = await Promise.race([closed.then((): StopOutcome => 'finished'), late.promise]);
    clearInterval(timer);
    await this.#pool.close();
    return outcome;
  }
}

async function startQueue(
  context: FarmContext,
  jobs: WorkerJobs,
  digest: string,
  { concurrency, lockMs, onEvent }: WorkerSettings,
): Promise<BullWorker> {
  const worker = new context.packages.Worker(digest, (job, token) => jobs.run(job, token), {
    ...bullOptions(context),
    concurrency,
    lockDuration: lockMs,
    stalledInterval: Math.max(500, lockMs / 2),
    maxStalledCount: MOST_STALLS,
    metrics: { maxDataPoints: METRIC_MINUTES },
  });
  worker.on('completed', ({ id = '' }) => {
    onEvent({ kind: 'done', text: id });
  });
  worker.on('failed', (job, { message }) => {
    onEvent({ kind: job?.opts.removeOnFail === true ? 'dropped' : 'failed', text: message });
  });
  worker.on('stalled', (job) => {
    onEvent({ kind: 'taken-over', text: job });
  });
  worker.on('error', (error) => {
    context.connection.heard(error);
    // Lost connections are told of once, by the farm's own.
    if (!context.connection.isAway && !context.connection.refused.aborted)
      onEvent({ kind: 'trouble', text: error.message });
  });
  await context.connection.ask(() => worker.waitUntilReady());
  return worker;
}
