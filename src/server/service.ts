import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { createApp } from './app.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { requireKeysMemory } from './limits.ts';
import { nodePeer } from './peer.ts';
import { Pipelining } from './pipelining.ts';
import { serve } from './models.ts';
import type { ModelToServe, ServedModels, ToServe } from './models.ts';
import type { ServedPlans } from './plans.ts';
import type { ServiceSettings } from './settings.ts';
import type { AppState } from './state.ts';
import { startWorkers } from './startWorkers.ts';
import type { Observers } from './startWorkers.ts';
import { stateOf } from './stateOf.ts';
import type { Evaluations } from './workers/evaluations.ts';
import type { WorkerPool } from './workers/pool.ts';

/** A server that listens. */
export interface Service<Pool extends Evaluations = WorkerPool> {
  readonly url: string;
  readonly plans: ServedPlans;
  readonly models: ServedModels;
  readonly pool: Pool;
  readonly metrics: Metrics;
  /** Requests that have not been answered yet. */
  readonly inFlight: () => number;
  /** Takes no new requests, finishes those in flight, ends the workers. Resolves when all of that is done. */
  stop(): Promise<void>;
}

const HEADER_BYTES = 8192;
/** How long a stopping server waits past its deadline for slow readers, milliseconds. */
const STOP_GRACE_MS = 5000;

/** Makes what evaluates, for everything that is served. */
export type StartPool<Pool extends Evaluations> = (all: ServedPlans) => Promise<Pool>;

/**
 * Serves plans and models over HTTP. The plans must come from `parsePlan` or `compile`, which prove them.
 * @throws CipherconvError `unsupported` for plans that need evaluation keys where none are taken, `usage` when the port
 * or address cannot be had or the plans do not fit into a worker.
 */
export function startService(
  stored: readonly (StoredPlan | StoredNetwork)[],
  settings: ServiceSettings,
  log: Log,
  toServe: readonly ModelToServe[] = [],
): Promise<Service> {
  const metrics = new Metrics();
  return startServiceOn({ plans: stored, models: toServe }, settings, { log, metrics }, (all) =>
    startWorkers(all, settings, { log, metrics }),
  );
}

/**
 * The same, evaluated by whatever `startPool` gives.
 * @throws as `startService` and `startPool` do.
 */
export async function startServiceOn<Pool extends Evaluations>(
  toServe: ToServe,
  settings: ServiceSettings,
  { log, metrics }: Observers,
  startPool: StartPool<Pool>,
): Promise<Service<Pool>> {
  const served = await serve(toServe, { threads: settings.workers, log });
  const { plans, models, all } = served;
  requireKeysMemory(all, settings);
  const pool = await startPool(all);
  const state = await stateOf(served, pool, settings, { log, metrics });
  const server = createServer(state, settings);
  try {
    await listen(server, settings);
  } catch (error) {
    await pool.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
    plans,
    models,
    pool,
    metrics,
    inFlight: () => state.inFlight,
    stop: () => stop(server, state, settings),
  };
}

function createServer(state: AppState, settings: ServiceSettings): Server {
  const { headersTimeoutMs, requestTimeoutMs } = settings;
  const app = createApp(state);
  const listener = getRequestListener((request, env) => {
    const { incoming, outgoing } = env as HttpBindings;
    return app.fetch(request, { peer: nodePeer(incoming, outgoing, state.connections) });
  });
  const pipelining = new Pipelining();
  const options = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    maxHeaderSize: HEADER_BYTES,
  };
  const server = createHttpServer(options, (incoming, outgoing) => {
    if (pipelining.admit(incoming, outgoing)) void listener(incoming, outgoing);
  });
  server.on('connection', (socket) => {
    state.connections.add(socket);
  });
  return server;
}

function listen(server: Server, { host, port }: ServiceSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(cannotListen(error, host, port));
    });
    server.listen(port, host, resolve);
  });
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'the port may not be used: permission denied',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ENOTFOUND: 'the host name is not known',
};

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): CipherconvError {
  return new CipherconvError(
    {
      code: 'usage',
      where: `${host}:${port}`,
      message: LISTEN_ERRORS[error.code ?? ''] ?? `cannot listen: ${error.message}`,
      hint: 'choose another with --port or --host; --port 0 takes any free port',
    },
    { cause: error },
  );
}

async function stop(server: Server, state: AppState, { deadlineMs }: ServiceSettings): Promise<void> {
  state.isClosing = true;
  const closed = new Promise((resolve) => {
    server.close(resolve);
  });
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, deadlineMs + STOP_GRACE_MS);
  await closed;
  clearTimeout(timer);
  await state.pool.close();
}
