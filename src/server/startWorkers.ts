import { largest } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { plansLines } from './plans.ts';
import type { ServedPlans } from './plans.ts';
import type { ServiceSettings } from './settings.ts';
import { WorkerPool } from './workers/pool.ts';
import type { PoolEvent } from './workers/pool.ts';

/** Who is told what happens. */
export interface Observers {
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Worker processes of this machine for everything that is served: behind our own server, and behind a handler.
 * @throws CipherconvError `usage` for plans that do not fit into a worker
 */
export function startWorkers(
  all: ServedPlans,
  settings: ServiceSettings,
  { log, metrics }: Observers,
): Promise<WorkerPool> {
  return WorkerPool.start({
    file: settings.workerFile,
    memoryBytes: settings.memoryBytes,
    plans: plansLines(all),
    largestResponse: largest(all, 'responseBytes'),
    workers: settings.workers,
    queueLength: settings.queueLength,
    deadlineMs: settings.deadlineMs,
    abandonedMs: settings.abandonedMs,
    onEvent: (event) => {
      observe(event, metrics, log);
    },
  });
}

function observe(event: PoolEvent, metrics: Metrics, log: Log): void {
  if (event.event === 'worker-retired') {
    metrics.retirements.add({ reason: event.reason });
    if (event.reason === 'seal') metrics.sealExceptions.add({});
  }
  log(event.event === 'worker-retired' ? 'warn' : 'info', event);
}
