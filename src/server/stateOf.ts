import { Connections } from './connections.ts';
import { KeyStore } from './keyStore.ts';
import { byteBudget, keyLimits, largest, shareOf } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Served } from './models.ts';
import { originRules } from './origins.ts';
import { readPageFiles } from './pageFiles.ts';
import { RateLimit } from './rateLimit.ts';
import type { ServiceSettings } from './settings.ts';
import type { AppState } from './state.ts';

/** Everything that handlers work with, for what is served, what evaluates it, and the settings. */
export async function stateOf(
  { plans, models, all }: Served,
  pool: AppState['pool'],
  settings: ServiceSettings,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): Promise<AppState> {
  return {
    plans,
    models,
    pool,
    keys: new KeyStore(keyLimits(all, settings)),
    rate: new RateLimit(settings.rate),
    budget: byteBudget(all, settings),
    connections: new Connections({
      total: settings.connections,
      perClient: shareOf(settings.connections, settings, 1),
    }),
    origins: await originRules(settings.host, settings.allowedHosts, settings.corsOrigins),
    metrics,
    log,
    page: await readPageFiles(settings.pageFolder),
    maxBody: settings.maxBody ?? largest(all, 'uploadBytes'),
    pace: { bytesPerSecond: settings.leastBodyRate, graceMs: settings.bodyGraceMs },
    sendTimeoutMs: settings.requestTimeoutMs,
    inFlight: 0,
    isClosing: false,
  };
}
