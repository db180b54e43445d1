import { CipherconvError } from '../../compiler/base/errors.ts';
import { isNetwork, noNetworks } from '../server/plans.ts';
import type { ServedPlans } from '../server/plans.ts';
import type { Evaluations } from '../server/workers/evaluations.ts';
import type { JobOutcome, JobRequest } from '../server/workers/jobs.ts';
import { deferred } from './deferred.ts';
import { farmPlan } from './plan.ts';
import { PlanQueue } from './planQueue.ts';
import type { UploadJobs, UploadOutcome } from './planQueue.ts';
import type { Split } from './pieces.ts';
import type { FarmContext } from './queues.ts';
import { submittedKeys } from './submittedKeys.ts';

export interface FarmPoolSettings {
  /** From arrival to response, milliseconds. */
  readonly deadlineMs: number;
  /** Jobs of one plan that may wait, and requests of this server that may be under way. */
  readonly mostWaiting: number;
  readonly split: Split;
}

/** Milliseconds between two counts of the workers. */
const COUNT_MS = 2000;
/** For the goodbyes to the Redis, milliseconds. */
const CLOSE_MS = 3000;

/**
 * The requests of a server, evaluated by a farm. Each upload stays here until its result is there; what the Redis loses is
 * submitted again; nobody waits past the deadline.
 */
export class FarmPool implements Evaluations {
  readonly #context: FarmContext;
  readonly #settings: FarmPoolSettings;
  readonly #queues: ReadonlyMap<string, PlanQueue>;
  readonly #timer: NodeJS.Timeout;
  #running = 0;
  #workers = 0;
  #isClosed = false;

  private constructor(
    context: FarmContext,
    queues: ReadonlyMap<string, PlanQueue>,
    settings: FarmPoolSettings,
  ) {
    this.#context = context;
    this.#queues = queues;
    this.#settings = settings;
    this.#timer = setInterval(() => {
      if (!context.connection.isAway) void this.#countWorkers();
    }, COUNT_MS);
  }

  /**
   * Takes the connection over: it is closed with the pool.
   * @throws CipherconvError `server` when the Redis cannot be used, `unsupported` for plans that do not split so.
   */
  static async start(
    context: FarmContext,
    plans: ServedPlans,
    settings: FarmPoolSettings,
  ): Promise<FarmPool> {
    const queues = new Map<string, PlanQueue>();
    try {
      for (const { stored, digest } of plans.values()) {
        if (isNetwork(stored)) throw noNetworks(stored);
        const plan = await farmPlan(stored, settings.split);
        queues.set(digest, await PlanQueue.open(context, plan, settings.mostWaiting));
      }
    } catch (error) {
      await Promise.allSettled([...queues.values()].map((queue) => queue.close()));
      context.connection.close();
      throw error;
    }
    const pool = new FarmPool(context, queues, settings);
    const { refused } = context.connection;
    refused.addEventListener('abort', () => {
      context.notice(`evaluates nothing until it is started again: ${(refused.reason as Error).message}`);
    });
    await pool.#countWorkers();
    return pool;
  }

  get waiting(): number {
    return [...this.#queues.values()].reduce((sum, { room }) => sum + room.waiting, 0);
  }

  get busy(): number {
    return this.#running;
  }

  get ready(): number {
    return this.#hasRedis ? this.#workers : 0;
  }

  get hasRoom(): boolean {
    return !this.#isClosed && this.#hasRedis && this.#running < this.#settings.mostWaiting;
  }

  get #hasRedis(): boolean {
    const { isAway, refused } = this.#context.connection;
    return !isAway && !refused.aborted;
  }

  residentBytes(): number {
    return 0;
  }

  async run(request: JobRequest): Promise<JobOutcome> {
    const queue = this.#queues.get(request.digest);
    if (queue === undefined) return { kind: 'failed', reason: 'internal' };
    if (!this.hasRoom) return { kind: 'queue-full' };
    this.#running++;
    const late = AbortSignal.timeout(this.#settings.deadlineMs);
    let taken: UploadJobs | null = null;
    try {
      const keys = request.keys === null ? null : submittedKeys(request.keys);
      const jobs = queue.jobsOf(request.message, keys);
      if ((await within(queue.room.shortage(jobs.bytes), late)) !== null) return { kind: 'queue-full' };
      queue.room.take(jobs.requests.length, jobs.bytes);
      taken = jobs;
      return outcomeOf(await queue.run(jobs, AbortSignal.any([request.signal, late])));
    } catch (error) {
      if (request.signal.aborted) return { kind: 'abandoned' };
      if (late.aborted) return { kind: 'deadline' };
      if (!(error instanceof CipherconvError)) throw error;
      return error.code === 'server' ? { kind: 'lost' } : { kind: 'failed', reason: 'internal' };
    } finally {
      // Of pieces of an upload too that are done, when others are not waited for.
      if (taken !== null) this.#forget(queue, taken);
      this.#running--;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    const { connection } = this.#context;
    // Nobody says goodbye to a Redis that is away.
    if (connection.isAway) connection.close();
    const closed = Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    const { promise: late, resolve } = deferred<undefined>();
    const timer = setTimeout(() => {
      resolve(undefined);
    }, CLOSE_MS);
    await Promise.race([closed, late]);
    clearTimeout(timer);
    connection.close();
  }

  /** Nobody waits for it. What stays behind, should this fail, expires. */
  #forget(queue: PlanQueue, jobs: UploadJobs): void {
    queue.forget(jobs).catch(() => undefined);
  }

  async #countWorkers(): Promise<void> {
    try {
      const counts = await Promise.all([...this.#queues.values()].map((queue) => queue.workers()));
      this.#workers = counts.reduce((sum, count) => sum + count, 0);
    } catch {
      this.#workers = 0;
    }
  }
}

/** What `work` gives, unless the time is over before. */
async function within<T>(work: Promise<T>, late: AbortSignal): Promise<T> {
  const over = new Promise<never>((_, reject) => {
    late.addEventListener(
      'abort',
      () => {
        reject(late.reason as Error);
      },
      { once: true },
    );
  });
  return Promise.race([work, over]);
}

function outcomeOf(outcome: UploadOutcome): JobOutcome {
  if (outcome.kind === 'done') return outcome;
  switch (outcome.reason) {
    case 'malformed-upload':
      return {
        kind: 'refused',
        details: { code: 'malformed-message', message: 'a worker refuses the message', found: outcome.text },
      };
    case 'deadline':
      return { kind: 'deadline' };
    case 'evaluation-failed':
    case 'malformed-job':
    case 'wrong-plan':
    case 'wrong-version':
      return { kind: 'failed', reason: 'internal' };
    default:
      return { kind: 'lost' };
  }
}
