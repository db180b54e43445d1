import { deferred } from './deferred.ts';
import { fetchBytes } from './bytes.ts';
import { Holders } from './holders.ts';
import { FARM_VERSION, isMendable, JOB_NAME, openResult, parseFailure, SEAL_BYTES } from './job.ts';
import type { FailureReason, JobSubject } from './job.ts';
import type { KeysInRedis, SubmittedKeys } from './submittedKeys.ts';
import { resultKey, uploadKey } from './names.ts';
import type { BullEvents, BullJobOptions, BullQueue } from './packages.ts';
import type { FarmContext } from './queues.ts';
import { Removals } from './removals.ts';

/** How one job ended. */
export type JobOutcome =
  | { readonly kind: 'done'; readonly response: Uint8Array }
  | { readonly kind: 'failed'; readonly id: string; readonly reason: FailureReason; readonly text: string };

/** One job to be done. */
export interface JobRequest {
  /** Its name: `jobId` of what follows. */
  readonly id: string;
  readonly subject: JobSubject;
  readonly upload: Uint8Array;
  /** Of the whole response, bytes. */
  readonly responseBytes: number;
  readonly keys: SubmittedKeys | null;
}

/** A job under way. Its upload stays here until its result is: whatever the Redis loses is submitted again. */
interface Pending extends JobRequest {
  readonly settle: (outcome: JobOutcome) => void;
  readonly fail: (error: unknown) => void;
  readonly outcome: Promise<JobOutcome>;
  /** Somebody looks at it now; whoever comes meanwhile asks for another look. */
  state: 'submitting' | 'waiting' | 'looking' | 'ended';
  /** An event told of it while it could not be looked at. */
  isWoken: boolean;
  /** How often it was submitted again. */
  again: number;
  waiters: number;
  /** The response as it was received belongs to one waiter. */
  isGiven: boolean;
  /** Resolves when it has been submitted, as often as it was begun. */
  submission: Promise<void>;
}

/** How often jobs are tried that workers fail at. */
const ATTEMPTS = 3;
const RETRY_MS = 1000;
/** What stays of failed jobs: a week, and so many. */
const FAILED_SECONDS = 7 * 24 * 3600;
const MOST_FAILED = 1000;
/** Times that a job whose bytes were lost or damaged is submitted again. */
const MOST_AGAIN = 10;
/** Events wake us up; a restarted Redis may have lost one, so all jobs are looked at now and then, milliseconds. */
const LOOK_MS = 2000;

/** What BullMQ calls the state of a job that is not there. */
const UNKNOWN = 'unknown';
const RUNNING = new Set(['waiting', 'active', 'delayed', 'prioritized', 'paused', 'waiting-children']);

/** Jobs of one plan on their way. That a job is done is its result in the Redis and nothing else. */
export class Submitter {
  readonly #context: FarmContext;
  readonly #queue: BullQueue;
  readonly #events: BullEvents;
  readonly #keys: KeysInRedis;
  readonly #pending = new Map<string, Pending>();
  readonly #holders = new Holders();
  readonly #removals: Removals;
  readonly #timer: NodeJS.Timeout;

  constructor(context: FarmContext, queue: BullQueue, events: BullEvents, keys: KeysInRedis) {
    this.#context = context;
    this.#queue = queue;
    this.#events = events;
    this.#keys = keys;
    this.#removals = new Removals(context, queue, (id) => this.#pending.has(id) || this.#holders.has(id));
    const look = ({ jobId: id }: { readonly jobId: string }): void => {
      const job = this.#pending.get(id);
      if (job !== undefined) this.#look(job);
    };
    events.on('completed', look);
    events.on('failed', look);
    this.#timer = setInterval(() => {
      if (context.connection.isAway) return;
      for (const job of this.#pending.values()) if (job.state === 'waiting') this.#look(job);
    }, LOOK_MS);
  }

  /** Jobs under way. */
  get size(): number {
    return this.#pending.size;
  }

  /**
   * Has a job done; the same job asked for twice is done once, and each gets a response of its own. Its bytes stay in the
   * Redis until everybody who asked calls `forget`.
   * @throws CipherconvError `server` when the Redis stays away; the reason of `signal` when that aborts.
   */
  async run(request: JobRequest, signal: AbortSignal | null): Promise<JobOutcome> {
    signal?.throwIfAborted();
    const job = this.#pending.get(request.id) ?? this.#begin(request);
    job.waiters++;
    this.#holders.add(request);
    // All of these run before anything that waits for one of them: nobody can take a response away that is still copied.
    const own = job.outcome.then((outcome) => ownOutcome(job, outcome));
    if (signal === null) return own;
    let leave: () => void = () => undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        this.#holders.remove(request);
        if (--job.waiters === 0) this.#abandon(job);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([own, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Takes a job and its bytes out of the Redis, unless somebody else has asked for the same. */
  forget(request: JobRequest): Promise<void> {
    this.#holders.remove(request);
    return this.#removals.remove(request.id);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#removals.close();
    for (const job of this.#pending.values()) job.state = 'ended';
    this.#pending.clear();
    await Promise.allSettled([this.#events.close(), this.#queue.close()]);
  }

  #begin(request: JobRequest): Pending {
    const { promise, resolve, reject } = deferred<JobOutcome>();
    // Whoever asked may be gone by then.
    promise.catch(() => undefined);
    const job: Pending = {
      ...request,
      outcome: promise,
      state: 'submitting',
      isWoken: false,
      again: 0,
      waiters: 0,
      isGiven: false,
      submission: Promise.resolve(),
      settle: (outcome) => {
        this.#end(job);
        resolve(outcome);
      },
      fail: (error) => {
        this.#end(job);
        reject(error);
      },
    };
    this.#pending.set(job.id, job);
    job.submission = this.#submit(job).catch(job.fail);
    return job;
  }

  #end(job: Pending): void {
    job.state = 'ended';
    if (this.#pending.get(job.id) === job) this.#pending.delete(job.id);
  }

  /** Nobody waits for it any more: it need not be done. A worker that has begun finishes it, and takes its result away. */
  #abandon(job: Pending): void {
    if (job.state === 'ended') return;
    this.#end(job);
    void this.#takeOut(job).catch(() => undefined);
  }

  async #takeOut({ id, submission }: Pending): Promise<void> {
    // What is on its way there now would stay.
    await submission;
    await this.#removals.remove(id);
  }

  async #submit(job: Pending): Promise<void> {
    const { connection, expireMs } = this.#context;
    const { id, subject, upload } = job;
    const [isDone, state] = await Promise.all([
      // Of an earlier submitter that did not live to fetch it.
      this.#fetch(job),
      connection.ask(() => this.#queue.getJobState(id)),
    ]);
    if (isDone) return;
    if (!RUNNING.has(state) && state !== UNKNOWN) await connection.ask(() => this.#queue.remove(id));
    if (job.keys !== null) await this.#keys.keep(job.keys);
    if (isEnded(job)) return;
    await connection.store(() => connection.bytes.set(uploadKey(id), [upload], expireMs));
    await connection.store(() =>
      this.#queue.add(JOB_NAME, { version: FARM_VERSION, ...subject }, optionsOf(id)),
    );
    this.#wait(job);
  }

  /** From now on events and the timer wake the job up; one may have come already. */
  #wait(job: Pending): void {
    if (isEnded(job)) return;
    job.state = 'waiting';
    if (job.isWoken) this.#look(job);
  }

  /** Finds out how far a job is. One look at a time. */
  #look(job: Pending): void {
    job.isWoken = job.state !== 'waiting';
    if (job.isWoken) return;
    job.state = 'looking';
    this.#lookOnce(job).then(() => {
      this.#wait(job);
    }, job.fail);
  }

  async #lookOnce(job: Pending): Promise<void> {
    if (await this.#fetch(job)) return;
    const { connection } = this.#context;
    const state = await connection.ask(() => this.#queue.getJobState(job.id));
    if (RUNNING.has(state)) return;
    // It may have ended between the two questions.
    if (await this.#fetch(job)) return;
    const failure = state === 'failed' ? await this.#failureOf(job) : null;
    const isLost = failure === null || isMendable(failure.reason);
    if (isLost && job.again < MOST_AGAIN && !isEnded(job)) {
      job.again++;
      this.#keys.doubt();
      job.submission = this.#submit(job);
      await job.submission;
    } else if (failure !== null) {
      job.settle({ kind: 'failed', id: job.id, ...failure });
    } else {
      job.settle({
        kind: 'failed',
        id: job.id,
        reason: 'upload-missing',
        text: 'the Redis lost it again and again',
      });
    }
  }

  async #failureOf({
    id,
  }: Pending): Promise<{ readonly reason: FailureReason; readonly text: string } | null> {
    const job = await this.#context.connection.ask(() => this.#queue.getJob(id));
    return job === undefined ? null : parseFailure(job.failedReason ?? 'no reason');
  }

  /** Settles a job whose result is there; takes away what is none. */
  async #fetch(job: Pending): Promise<boolean> {
    const { id, responseBytes } = job;
    const key = resultKey(id);
    const { connection } = this.#context;
    const fetched = await connection.ask(() => fetchBytes(connection.bytes, key, SEAL_BYTES + responseBytes));
    if (fetched.kind === 'missing') return false;
    const response = fetched.kind === 'there' ? openResult(id, fetched.bytes) : null;
    if (response === null) {
      await connection.ask((redis) => redis.unlink(key));
      return false;
    }
    if (!isEnded(job)) job.settle({ kind: 'done', response });
    return true;
  }
}

/** What one of several waiters may do with as it likes: whoever is done with a response gives its memory back. */
function ownOutcome(job: Pending, outcome: JobOutcome): JobOutcome {
  if (outcome.kind === 'failed') return outcome;
  const isFirst = !job.isGiven;
  job.isGiven = true;
  return isFirst ? outcome : { kind: 'done', response: new Uint8Array(outcome.response) };
}

/** Asked anew after every wait, during which it may have changed. */
function isEnded({ state }: Pending): boolean {
  return state === 'ended';
}

function optionsOf(id: string): BullJobOptions {
  return {
    jobId: id,
    attempts: ATTEMPTS,
    backoff: { type: 'fixed', delay: RETRY_MS },
    removeOnComplete: true,
    removeOnFail: { age: FAILED_SECONDS, count: MOST_FAILED },
    stackTraceLimit: 0,
  };
}
