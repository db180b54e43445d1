import { CipherconvError } from '../../compiler/base/errors.ts';

/**
 * BullMQ and ioredis, optional packages that are loaded when a farm is made. What is used of them is declared here, so that
 * this compiles, and its types are readable, where they are not installed.
 */

/** How a connection is made; the names are ioredis's. */
export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly ca?: string; readonly servername?: string };
  readonly lazyConnect?: boolean;
  readonly connectTimeout?: number;
  readonly maxRetriesPerRequest?: null;
  readonly retryStrategy?: (times: number) => number | null;
}

/** A connection of ioredis. Listeners: `ready`, `close`, `end`, `error`. */
export interface RedisClient {
  /** `ready` while it can be used. */
  readonly status: string;
  connect(): Promise<void>;
  disconnect(): void;
  on(event: string, listener: (error: Error) => void): unknown;
  strlen(key: string): Promise<number>;
  pexpire(key: string, milliseconds: number): Promise<number>;
  unlink(...keys: readonly string[]): Promise<number>;
  exists(...keys: readonly string[]): Promise<number>;
  select(database: number): Promise<unknown>;
  info(section: string): Promise<string>;
  hset(key: string, field: string, value: string): Promise<number>;
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    keys: number,
  ): Promise<readonly [cursor: string, keys: readonly string[]]>;
  hgetall(key: string): Promise<Readonly<Record<string, string>>>;
}

/** What every object of BullMQ needs. */
interface BullBase {
  readonly connection: RedisClient;
  readonly prefix: string;
  readonly skipVersionCheck: true;
}

export interface BullJob {
  readonly id?: string | undefined;
  readonly data: unknown;
  readonly failedReason?: string | undefined;
  /** What is true here lets no trace of the job stay when it fails. */
  readonly opts: { removeOnFail?: unknown };
  /** Puts a job that a worker has taken back into its queue, which counts as no attempt. */
  moveToWait(token?: string): Promise<unknown>;
}

/** How a job is kept; the names are BullMQ's. */
export interface BullJobOptions {
  readonly jobId: string;
  readonly attempts: number;
  readonly backoff: { readonly type: 'fixed'; readonly delay: number };
  readonly removeOnComplete: true;
  readonly removeOnFail: { readonly age: number; readonly count: number };
  /** Lines of the stack trace of a failure that are kept: a trace says nothing that the reason does not. */
  readonly stackTraceLimit: 0;
}

export interface BullQueue {
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: unknown, options: BullJobOptions): Promise<unknown>;
  getJob(id: string): Promise<BullJob | undefined>;
  getJobState(id: string): Promise<string>;
  getJobCounts(...types: readonly string[]): Promise<Readonly<Record<string, number>>>;
  getFailed(start: number, end: number): Promise<readonly BullJob[]>;
  getWorkersCount(): Promise<number>;
  getMetrics(type: 'completed', start: number, end: number): Promise<{ readonly data: readonly number[] }>;
  /** Takes a job out, whatever its state, unless a worker has it. */
  remove(id: string): Promise<number>;
  /** The name of what a queue keeps in the Redis, or of one of its jobs there. */
  toKey(id: string): string;
  close(): Promise<void>;
}

export interface BullEvents {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'completed' | 'failed', listener: (event: { readonly jobId: string }) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

interface BullWorkerOptions extends BullBase {
  readonly concurrency: number;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
  readonly metrics: { readonly maxDataPoints: number };
}

export interface BullWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: BullJob | undefined, error: Error) => void): unknown;
  on(event: 'completed', listener: (job: BullJob) => void): unknown;
  on(event: 'stalled', listener: (jobId: string) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(force?: boolean): Promise<void>;
}

/** What is used of both packages. */
export interface FarmPackages {
  readonly Redis: new (options: RedisOptions) => RedisClient;
  readonly Queue: new (name: string, options: BullBase) => BullQueue;
  readonly QueueEvents: new (name: string, options: BullBase) => BullEvents;
  readonly Worker: new (
    name: string,
    process: (job: BullJob, token?: string) => Promise<unknown>,
    options: BullWorkerOptions,
  ) => BullWorker;
  /** A failure after which no attempt follows. */
  readonly UnrecoverableError: new (message: string) => Error;
  /** Not a failure: the job waits again, or does so when its lock has expired. */
  readonly WaitingError: new () => Error;
}

const BULLMQ = 'bullmq';
const IOREDIS = 'ioredis';

/**
 * Loads both packages.
 * @throws CipherconvError `unsupported` when one is not installed.
 */
export async function loadFarmPackages(): Promise<FarmPackages> {
  // Names that the compiler does not follow: the packages are optional.
  const { Redis } = (await load(IOREDIS)) as Pick<FarmPackages, 'Redis'>;
  const { Queue, QueueEvents, Worker, UnrecoverableError, WaitingError } = (await load(
    BULLMQ,
  )) as FarmPackages;
  return { Redis, Queue, QueueEvents, Worker, UnrecoverableError, WaitingError };
}

async function load(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new CipherconvError(
      {
        code: 'unsupported',
        where: 'farm',
        message: `a farm needs the package ${name}, which is not installed`,
        hint: `npm install ${BULLMQ} ${IOREDIS}`,
      },
      { cause: error },
    );
  }
}
