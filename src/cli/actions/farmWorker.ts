import { printable } from '../../../compiler/base/printable.ts';
import { createFarm } from '../../farm/farm.ts';
import type { FarmWorker } from '../../farm/farm.ts';
import type { StopOutcome, WorkerEvent } from '../../farm/worker.ts';
import { loadServed } from '../../server/models.ts';
import { isNetwork, noNetworks } from '../../server/plans.ts';
import { exitCode } from '../exitCode.ts';
import { takeInterrupt } from '../interrupt.ts';
import { farmAddress } from '../redisFlags.ts';
import type { RedisFlags } from '../redisFlags.ts';
import type { Terminal } from '../terminal.ts';
import { refuseModel } from './refuseModel.ts';

const MIB = 2 ** 20;
/** After the deadline of the longest evaluation, what else may take time, milliseconds. */
const GRACE_MS = 10_000;
const DEFAULT_DEADLINE_SECONDS = 600;
const DEFAULT_LOCK_SECONDS = 15;
/** For the goodbyes of a worker that its Redis lets in no more, milliseconds. */
const LAST_MS = 2000;

interface FarmWorkerFlags extends RedisFlags {
  readonly concurrency?: number | undefined;
  readonly memory?: number | undefined;
  readonly deadline?: number | undefined;
  readonly lock?: number | undefined;
}

interface Counts {
  done: number;
  failed: number;
}

export async function farmWorker(
  files: readonly string[],
  flags: FarmWorkerFlags,
  io: Terminal,
): Promise<void> {
  for (const file of files) await refuseModel(file);
  const { plans: single, models } = await loadServed(files);
  // To workers the layers of a model are plans like any other.
  const plans = [...single, ...models.flatMap(({ server }) => server.layers)].map((stored) => {
    if (isNetwork(stored)) throw noNetworks(stored);
    return stored;
  });
  const { url, options } = await farmAddress(flags, io);
  // A worker waits for its Redis for as long as it takes.
  const farm = await createFarm(url, { ...options, patienceMs: Infinity });
  const counts: Counts = { done: 0, failed: 0 };
  const deadlineMs = (flags.deadline ?? DEFAULT_DEADLINE_SECONDS) * 1000;
  try {
    const worker = await farm.work(plans, {
      ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
      ...(flags.memory === undefined ? {} : { memoryBytes: flags.memory * MIB }),
      deadlineMs,
      lockMs: (flags.lock ?? DEFAULT_LOCK_SECONDS) * 1000,
      onEvent: (event) => {
        tell(event, counts, io);
      },
    });
    // Before anybody is told that it works: who knows may send a signal at once.
    const ended = untilSignal(worker, deadlineMs + GRACE_MS, io);
    for (const { plan, digest } of plans) io.notice(`taking jobs of ${printable(plan.spec.name)}: ${digest}`);
    io.notice(`working at ${farm.redis}`);
    const { signal, outcome } = await Promise.race([ended, untilRefused(worker)]);
    io.notice(`stopped: ${counts.done} jobs done, ${counts.failed} failures`);
    if (signal === null) throw lastWord(worker.refused.reason);
    if (signal === 'SIGINT') io.finish({ kind: 'interrupted' });
    // BullMQ waits for a Redis that is away, for ever. Nothing is on its way to a pipe: stderr is written at once.
    if (outcome === 'cut-off')
      process.exit(exitCode(signal === 'SIGINT' ? { kind: 'interrupted' } : { kind: 'good' }));
  } finally {
    await farm.dispose();
  }
}

const TITLES: Readonly<Record<Exclude<WorkerEvent['kind'], 'done'>, string>> = {
  failed: 'failed',
  dropped: 'dropped, its upload is gone',
  'taken-over': 'taken over from a worker that has died: job',
  replaced: 'a process was replaced',
  trouble: 'the queue',
};

function tell({ kind, text }: WorkerEvent, counts: Counts, io: Terminal): void {
  if (kind === 'done') counts.done++;
  else {
    if (kind === 'failed') counts.failed++;
    io.notice(`${TITLES[kind]}: ${text}`);
  }
}

interface Stopped {
  /** Null: the Redis lets it in no more. */
  readonly signal: 'SIGTERM' | 'SIGINT' | null;
  readonly outcome: StopOutcome;
}

/** Resolves when the Redis lets the worker in no more, and it has given back what it could. */
function untilRefused(worker: FarmWorker): Promise<Stopped> {
  return new Promise((resolve, reject) => {
    worker.refused.addEventListener('abort', () => {
      worker.stop().then((outcome) => {
        resolve({ signal: null, outcome });
      }, reject);
    });
  });
}

/** What ends the process, also where BullMQ would keep it alive for a Redis that it waits for. */
function lastWord(reason: unknown): unknown {
  setTimeout(() => process.exit(exitCode({ kind: 'refused', code: 'server' })), LAST_MS).unref();
  return reason;
}

/** Resolves with the signal that ended the worker, when everything under way is finished or cannot be. */
function untilSignal(worker: FarmWorker, graceMs: number, io: Terminal): Promise<Stopped> {
  return new Promise((resolve, reject) => {
    const end = (signal: 'SIGTERM' | 'SIGINT'): void => {
      io.notice(`${signal}: finishing what is under way`);
      worker.stop(graceMs).then((outcome) => {
        resolve({ signal, outcome });
      }, reject);
    };
    process.once('SIGTERM', () => {
      end('SIGTERM');
    });
    takeInterrupt(() => {
      end('SIGINT');
    });
  });
}
