import { parseFailure } from './job.ts';
import type { FailureReason } from './job.ts';
import { PLANS_KEY } from './names.ts';
import type { BullQueue } from './packages.ts';
import { openQueue } from './queues.ts';
import type { FarmContext } from './queues.ts';
import { memoryOf } from './room.ts';

/** A job in the failed set. */
export interface FailedJob {
  /** Its name, a digest. */
  readonly job: string;
  /** What kind of failure it was. */
  readonly reason: FailureReason;
  /** What the worker said: the text of a stranger. */
  readonly text: string;
}

/** How much of one plan is on its way. */
export interface PlanStatus {
  /** Digest of the plan. */
  readonly digest: string;
  /** Its name, as a worker or submitter gave it: the text of a stranger. */
  readonly name: string;
  /** Jobs that no worker has taken yet, those that wait for another attempt included. */
  readonly waiting: number;
  /** Jobs that workers have taken. */
  readonly active: number;
  /** Jobs that failed for good, of the last week. */
  readonly failed: number;
  /** Workers that take jobs of the plan now. */
  readonly workers: number;
  /** Jobs done in each of the last whole minutes, the latest first, at most ten. */
  readonly donePerMinute: readonly number[];
  /** The latest of the failed jobs. */
  readonly failures: readonly FailedJob[];
}

/** Memory of a Redis, bytes. */
export interface RedisMemory {
  /** What it uses. */
  readonly usedBytes: number;
  /** What it may use; 0: no limit. */
  readonly limitBytes: number;
}

/** How much is on its way. */
export interface FarmStatus {
  /** The Redis, without user name and password. */
  readonly redis: string;
  /** Of the Redis. */
  readonly memory: RedisMemory;
  /** Every plan that the farm has seen. */
  readonly plans: readonly PlanStatus[];
}

const MOST_PLANS = 1000;
const MINUTES = 10;
const SHOWN_FAILURES = 10;

/** @throws CipherconvError `server` when the Redis cannot be used. */
export async function farmStatus(context: FarmContext): Promise<FarmStatus> {
  const { connection } = context;
  const [info, names] = await connection.ask((redis) =>
    Promise.all([redis.info('memory'), redis.hgetall(PLANS_KEY)]),
  );
  const known = Object.entries(names)
    .filter(([digest]) => /^[0-9a-f]{64}$/.test(digest))
    .slice(0, MOST_PLANS);
  const plans: PlanStatus[] = [];
  for (const [digest, name] of known) {
    const queue = await openQueue(context, digest);
    try {
      plans.push({ digest, name: name.slice(0, 200), ...(await connection.ask(() => countsOf(queue))) });
    } finally {
      await queue.close();
    }
  }
  return { redis: connection.shown, memory: memoryOf(info), plans };
}

async function countsOf(queue: BullQueue): Promise<Omit<PlanStatus, 'digest' | 'name'>> {
  const [counts, workers, metrics, failed] = await Promise.all([
    queue.getJobCounts('wait', 'delayed', 'prioritized', 'paused', 'active', 'failed'),
    queue.getWorkersCount(),
    queue.getMetrics('completed', 0, MINUTES - 1),
    queue.getFailed(0, SHOWN_FAILURES - 1),
  ]);
  const count = (...types: readonly string[]): number =>
    types.reduce((sum, type) => sum + (counts[type] ?? 0), 0);
  return {
    waiting: count('wait', 'delayed', 'prioritized', 'paused'),
    active: count('active'),
    failed: count('failed'),
    workers,
    donePerMinute: metrics.data.map(Number),
    failures: failed.map(({ id, failedReason }) => ({
      job: String(id).slice(0, 64),
      ...parseFailure(failedReason ?? 'no reason'),
    })),
  };
}
