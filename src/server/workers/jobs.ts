import type { ErrorDetails } from '../../../compiler/base/errors.ts';
import type { Part } from '../../../compiler/toeplitz/parts.ts';

export interface JobRequest {
  readonly digest: string;
  /** Computes only this part of the plan: the message and the response are then those of the part. */
  readonly part: Part | null;
  /** The upload message, checked. */
  readonly message: Uint8Array;
  /** The evaluation keys message of the sender, checked; null for plans without. */
  readonly keys: Uint8Array | null;
  /** Aborts when nobody waits for the response any more. */
  readonly signal: AbortSignal;
}

export type JobOutcome =
  | { readonly kind: 'done'; readonly response: Uint8Array }
  /** By the worker's own checks. */
  | { readonly kind: 'refused'; readonly details: ErrorDetails }
  | { readonly kind: 'queue-full' }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'abandoned' }
  /** The workers ended under it, twice: the request may be sent again. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly reason: 'seal' | 'memory' | 'internal' | 'protocol' };

/** A request on its way: waiting for a worker, then with one. */
export class PendingJob {
  readonly request: JobRequest;
  readonly outcome: Promise<JobOutcome>;
  /** Time of `performance.now()` at which it has to be done. */
  readonly deadline: number;
  #mayRetry = true;
  #settle: (outcome: JobOutcome) => void = () => undefined;
  #cleanUp: () => void = () => undefined;

  constructor(request: JobRequest, deadlineMs: number) {
    this.request = request;
    this.deadline = performance.now() + deadlineMs;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /**
   * Calls `end` once, when the deadline comes or the sender goes, unless the job is settled before. Takes the place of
   * an earlier `end`.
   */
  onEnd(end: (kind: 'deadline' | 'abandoned') => void): void {
    const { signal } = this.request;
    this.#cleanUp();
    const endWith = (kind: 'deadline' | 'abandoned'): void => {
      this.#cleanUp();
      end(kind);
    };
    const abandon = (): void => {
      endWith('abandoned');
    };
    const timer = setTimeout(endWith, Math.max(0, this.deadline - performance.now()), 'deadline');
    signal.addEventListener('abort', abandon, { once: true });
    this.#cleanUp = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandon);
    };
    if (signal.aborted) abandon();
  }

  /** Whether the job may go to a second worker; says so once. */
  takeRetry(): boolean {
    const may = this.#mayRetry;
    this.#mayRetry = false;
    return may;
  }

  settle(outcome: JobOutcome): void {
    this.#cleanUp();
    this.#settle(outcome);
  }
}

/** Jobs that wait for a worker, first come first served, no more than `length` of them. */
export class JobQueue {
  readonly #length: number;
  readonly #jobs: PendingJob[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  get size(): number {
    return this.#jobs.length;
  }

  get isFull(): boolean {
    return this.#jobs.length >= this.#length;
  }

  /** Leaves by itself at its deadline, or when its sender goes. */
  push(job: PendingJob): void {
    this.#jobs.push(job);
    this.#watch(job);
  }

  /** Back to the head of the queue, which may become longer than it should. */
  putBack(job: PendingJob): void {
    this.#jobs.unshift(job);
    this.#watch(job);
  }

  #watch(job: PendingJob): void {
    job.onEnd((kind) => {
      const at = this.#jobs.indexOf(job);
      if (at >= 0) this.#jobs.splice(at, 1);
      job.settle({ kind });
    });
  }

  shift(): PendingJob | null {
    return this.#jobs.shift() ?? null;
  }

  clear(): void {
    for (const job of this.#jobs.splice(0)) job.settle({ kind: 'queue-full' });
  }
}
