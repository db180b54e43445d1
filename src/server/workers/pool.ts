import { WorkerSet } from '../../../runtime/pool/workerSet.ts';
import type { Evaluations } from './evaluations.ts';
import { JobQueue, PendingJob } from './jobs.ts';
import type { JobOutcome, JobRequest } from './jobs.ts';
import { WorkerHandle } from './workerHandle.ts';
import type { Retirement, RetirementReason } from './workerHandle.ts';
import type { WorkerSettings } from './workerProcess.ts';

export type { JobOutcome, JobRequest } from './jobs.ts';

export interface PoolSettings extends WorkerSettings {
  /** Requests evaluated at the same time. */
  readonly workers: number;
  /** Requests that may wait for a worker. */
  readonly queueLength: number;
  /** From arrival to response, milliseconds. */
  readonly deadlineMs: number;
  /** What an evaluation nobody waits for any more may still take, milliseconds. */
  readonly abandonedMs: number;
  readonly onEvent: (event: PoolEvent) => void;
}

/** What happens to workers, as logs tell it. */
export type PoolEvent =
  | { readonly event: 'worker-ready'; readonly processId: number | null; readonly ms: number }
  | {
      readonly event: 'worker-retired';
      readonly processId: number | null;
      readonly reason: RetirementReason;
      readonly text: string;
    };

/** Milliseconds between two looks at the memory of the workers. */
const WATCH_MS = 25;
/** Pauses before a worker is started again after failed starts, milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Whole requests on disposable processes: each with kernels of its own, SEAL's where a plan needs it, a limit of memory and a deadline.
 * One process more than may work at a time is kept ready, so that the request after a lost worker finds a fresh one.
 */
export class WorkerPool implements Evaluations {
  readonly #settings: PoolSettings;
  readonly #workers: WorkerSet<WorkerHandle>;
  readonly #queue: JobQueue;
  readonly #watch: NodeJS.Timeout;
  readonly #pauses = new Set<NodeJS.Timeout>();
  #busy = 0;
  #failedStarts = 0;

  private constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#workers = new WorkerSet(settings.workers + 1);
    this.#queue = new JobQueue(settings.queueLength);
    this.#watch = setInterval(() => {
      for (const worker of this.#workers.present) if (worker.state !== 'idle') worker.watchMemory();
    }, WATCH_MS);
    this.#watch.unref();
  }

  /**
   * Starts the workers and waits for the first one to be ready.
   * @throws CipherconvError what the worker said when it cannot serve the plans.
   */
  static async start(settings: PoolSettings): Promise<WorkerPool> {
    const pool = new WorkerPool(settings);
    const refusal = await pool.#startAt(0);
    if (refusal !== null) {
      await pool.close();
      throw refusal;
    }
    for (let place = 1; place <= settings.workers; place++) void pool.#startAt(place);
    return pool;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  get busy(): number {
    return this.#busy;
  }

  /** Workers that have prepared their plans. */
  get ready(): number {
    return this.#inState('idle').length + this.#inState('busy').length;
  }

  get hasRoom(): boolean {
    return !this.#workers.isClosed && (this.#busy < this.#settings.workers || !this.#queue.isFull);
  }

  /** Process ids of the workers that are evaluating, or of those that are ready. */
  processIds(state: 'busy' | 'idle'): number[] {
    return this.#inState(state).flatMap(({ processId }) => (processId === null ? [] : [processId]));
  }

  /** Resident memory of all workers together, bytes. */
  residentBytes(): number {
    return this.#workers.present.reduce((sum, worker) => sum + worker.residentBytes(), 0);
  }

  run(request: JobRequest): Promise<JobOutcome> {
    if (!this.hasRoom) return Promise.resolve({ kind: 'queue-full' });
    const job = new PendingJob(request, this.#settings.deadlineMs);
    this.#queue.push(job);
    this.#dispatch();
    return job.outcome;
  }

  /** Ends all workers at once; resolves when they are gone. Whoever wants requests finished waits for them first. */
  async close(): Promise<void> {
    clearInterval(this.#watch);
    for (const pause of this.#pauses) clearTimeout(pause);
    this.#queue.clear();
    await this.#workers.close((worker) => worker.end());
  }

  #inState(state: WorkerHandle['state']): WorkerHandle[] {
    return this.#workers.present.filter((worker) => worker.state === state);
  }

  async #startAt(place: number): ReturnType<WorkerHandle['start']> {
    const began = performance.now();
    const worker = new WorkerHandle(this.#settings, this.#settings.abandonedMs, (gone, retirement) => {
      this.#replace(gone, retirement);
    });
    this.#workers.put(place, worker);
    const refusal = await worker.start();
    if (refusal === null) {
      this.#failedStarts = 0;
      const ms = Math.round(performance.now() - began);
      this.#settings.onEvent({ event: 'worker-ready', processId: worker.processId, ms });
      this.#dispatch();
    }
    return refusal;
  }

  /** A process has ended: another takes its place, after a pause when starting does not work. */
  #replace(worker: WorkerHandle, { reason, text }: Retirement): void {
    const place = this.#workers.remove(worker);
    if (place === null || this.#workers.isClosed) return;
    this.#settings.onEvent({ event: 'worker-retired', processId: worker.processId, reason, text });
    if (reason === 'start') this.#failedStarts++;
    const pauseMs =
      this.#failedStarts === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** this.#failedStarts, LONGEST_PAUSE_MS);
    const pause = setTimeout(() => {
      this.#pauses.delete(pause);
      void this.#startAt(place);
    }, pauseMs);
    this.#pauses.add(pause);
  }

  #dispatch(): void {
    while (this.#busy < this.#settings.workers) {
      const [worker] = this.#inState('idle');
      const job = worker === undefined ? null : this.#queue.shift();
      if (worker === undefined || job === null) return;
      this.#busy++;
      void worker.run(job).then((outcome) => {
        this.#busy--;
        // An evaluation has no effects: whoever ended the worker, the request may be tried again, once.
        if (outcome.kind === 'lost' && !this.#workers.isClosed && job.takeRetry()) this.#queue.putBack(job);
        else job.settle(outcome);
        this.#dispatch();
      });
    }
  }
}
