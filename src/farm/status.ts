import { parseFailure } from './job.ts';
import type { FailureReason } from './job.ts';
import { PLANS_KEY, QUEUE_PREFIX } from './names.ts';
import type { BullQueue, RedisClient } from './packages.ts';
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
  /** Its name, as a worker or submitter gave it: the text of a stranger; empty where nobody has left one. */
  readonly name: string;
  /** Jobs that no worker has taken yet, those that wait for another attempt included. */
  readonly waiting: number;
  /** Jobs that workers have taken. */
  readonly active: number;
  /** Jobs that failed for good, of the last week. */
  readonly failed: number;
  /** Workers that take jobs of the plan now. */
  readonly workers: number;
  /** Jobs are there, and no worker takes them: they stay until one is started, or their bytes expire. */
  readonly isDead: boolean;
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
/** How far queues are looked for. */
const MOST_STEPS = 1000;
const STEP_KEYS = 1000;
const SHOWN_FAILURES = 10;

/** @throws CipherconvError `server` when the Redis cannot be used. */
export async function farmStatus(context: FarmContext): Promise<FarmStatus> {
  const { connection } = context;
  const [info, names, queues] = await connection.ask((redis) =>
    Promise.all([redis.info('memory'), redis.hgetall(PLANS_KEY), queuesIn(redis)]),
  );
  // A queue whose name was lost may still have jobs.
  const known = [...new Map([...queues.map((digest) => [digest, ''] as const), ...Object.entries(names)])]
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

/** Digests of all queues, in bounded steps: the Redis may be full of other things. */
async function queuesIn(redis: RedisClient): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  for (let step = 0; step < MOST_STEPS; step++) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${QUEUE_PREFIX}:*:meta`, 'COUNT', STEP_KEYS);
    found.push(...keys.map((key) => key.slice(QUEUE_PREFIX.length + 1, -':meta'.length)));
    if (next === '0') break;
    cursor = next;
  }
  return found;
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
  const waiting = count('wait', 'delayed', 'prioritized', 'paused');
  const active = count('active');
  return {
    waiting,
    active,
    isDead: workers === 0 && waiting + active > 0,
    failed: count('failed'),
    workers,
    donePerMinute: metrics.data.map(Number),
    failures: failed.map(({ id, failedReason }) => ({
      job: String(id).slice(0, 64),
      ...parseFailure(failedReason ?? 'no reason'),
    })),
  };
}
