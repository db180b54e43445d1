import type { JobOutcome, JobRequest } from './jobs.ts';

/** What evaluates the requests of a server: processes of its own, or machines elsewhere. */
export interface Evaluations {
  /** Requests that wait for a worker. */
  readonly waiting: number;
  /** Requests that are being evaluated. */
  readonly busy: number;
  /** Workers that could evaluate. */
  readonly ready: number;
  /** Whether another request would be taken; asked before a body is read. */
  readonly hasRoom: boolean;
  /** Resident memory of workers on this machine together, bytes. */
  residentBytes(): number;
  /** Evaluates one request. Never rejects. */
  run(request: JobRequest): Promise<JobOutcome>;
  /** Ends all of it; resolves when it has ended. */
  close(): Promise<void>;
}
