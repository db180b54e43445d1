import type { Context } from 'hono';
import type { ByteBudget } from './byteBudget.ts';
import type { Connections } from './connections.ts';
import type { KeyStore } from './keyStore.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { OriginRules } from './origins.ts';
import type { PageFiles } from './pageFiles.ts';
import type { ServedModels } from './models.ts';
import type { ServedPlans } from './plans.ts';
import type { Peer } from './peer.ts';
import type { RateLimit } from './rateLimit.ts';
import type { BodyPace } from './requestBody.ts';
import type { Evaluations } from './workers/evaluations.ts';

/** Everything that handlers work with. */
export interface AppState {
  /** Single plans. */
  readonly plans: ServedPlans;
  readonly models: ServedModels;
  readonly pool: Evaluations;
  readonly keys: KeyStore;
  readonly rate: RateLimit;
  readonly budget: ByteBudget;
  readonly connections: Connections;
  readonly origins: OriginRules;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly page: PageFiles;
  /** Longest body of a request to evaluate, bytes. */
  readonly maxBody: number;
  /** How fast bodies must come. */
  readonly pace: BodyPace;
  /** How long a client may take to fetch a response, milliseconds. */
  readonly sendTimeoutMs: number;
  /** Requests that have not been answered yet. */
  inFlight: number;
  isClosing: boolean;
}

export interface AppEnv {
  Bindings: { readonly peer: Peer };
  Variables: {
    /** Path template, for logs and metrics. */
    template: string;
    bytesIn: number;
    bytesOut: number;
  };
}

export type AppContext = Context<AppEnv>;
