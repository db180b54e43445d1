import type { StoredPlan } from '../frontend/planFile.ts';
import type { StoredNetwork } from '../network/networkPlan.ts';
import { createApp } from './app.ts';
import { defaultKeysMemory, requireKeysMemory } from './limits.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { serve } from './models.ts';
import type { ModelToServe } from './models.ts';
import { requestPeer } from './peer.ts';
import { defaultSettings } from './settings.ts';
import type { ServiceSettings } from './settings.ts';
import { startWorkers } from './startWorkers.ts';
import { stateOf } from './stateOf.ts';

/** How a handler behaves; everything has a default, that of `cipherconv serve`. */
export interface HandlerOptions {
  /** Requests evaluated at the same time, each in a process of its own. Default: all cores. */
  readonly workers?: number;
  /** From the arrival of a whole request to its response, milliseconds. Default 30,000. */
  readonly deadlineMs?: number;
  /** Resident memory of a worker, bytes. Default 512 MiB. */
  readonly memoryBytes?: number;
  /** Requests per second and client address; 0: unlimited, the default. */
  readonly rate?: number;
  /**
   * Evaluation keys held for clients, bytes; 0: plans that need them are refused. Default: 0, and 256 MiB (or eight sets of
   * keys) where a network of one round is served.
   */
  readonly keysMemoryBytes?: number;
  /** Origins of web pages from elsewhere that may ask. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Names that requests may have for the server. Default: any, since the server around it knows its own. */
  readonly allowedHosts?: readonly string[];
  /** Path that stands before /v1 in addresses, such as /he. Default: none. */
  readonly basePath?: string;
  /** Told what happens, as `cipherconv serve` logs it. Default: nobody. */
  readonly log?: (level: 'info' | 'warn' | 'error', event: Readonly<Record<string, unknown>>) => void;
}

/** What a handler may be told of a request beside itself. */
export interface RequestFacts {
  /** Address of the client, for limits per client; without it all of them share one. */
  readonly address?: string;
}

/** Answers the requests of `cipherconv serve`, for a server of yours. */
export interface Handler {
  (request: Request, facts?: RequestFacts): Promise<Response>;
  /** Digests of the plans and models that it serves. */
  readonly digests: readonly string[];
  /** Takes no new requests, finishes those under way and ends the workers. */
  close(): Promise<void>;
}

/** Plans, networks and models: as `parsePlan`, `parseNetworkPlan` and `modelToServe` give them. */
export type Servable = StoredPlan | StoredNetwork | ModelToServe;

/**
 * A handler of standard requests, with worker processes of its own behind it: for Hono, Express, Fastify, or anything else
 * that has a Request and wants a Response. It serves what `cipherconv serve` does, but for the page.
 * @throws CipherconvError `unsupported` for plans that need evaluation keys where none are taken, `usage` for plans that do not
 * fit into a worker
 */
export async function createHandler(
  servables: readonly Servable[],
  options: HandlerOptions = {},
): Promise<Handler> {
  const plans = servables.filter((each): each is StoredPlan | StoredNetwork => !('server' in each));
  const models = servables.filter((each): each is ModelToServe => 'server' in each);
  const settings = settingsOf(options, defaultKeysMemory(plans));
  const log: Log = (level, event) => options.log?.(level, { ...event });
  const served = await serve({ plans, models }, { threads: settings.workers, log });
  requireKeysMemory(served.all, settings);
  const metrics = new Metrics();
  const pool = await startWorkers(served.all, settings, { log, metrics });
  const state = await stateOf(served, pool, settings, { log, metrics });
  const app = createApp(state);
  const prefix = (options.basePath ?? '').replace(/\/+$/, '');
  const underWay = new Set<Promise<unknown>>();
  const answer = async (request: Request, { address = 'unknown' }: RequestFacts = {}): Promise<Response> => {
    const asked = prefix === '' ? request : new Request(withoutPrefix(request.url, prefix), request);
    const peer = requestPeer(asked, address);
    const answering = Promise.resolve(app.fetch(asked, { peer }));
    underWay.add(answering);
    try {
      return peer.send(await answering);
    } finally {
      underWay.delete(answering);
    }
  };
  return Object.assign(answer, {
    digests: [...served.plans.keys(), ...served.models.keys()],
    close: async (): Promise<void> => {
      state.isClosing = true;
      await Promise.allSettled(underWay);
      await pool.close();
    },
  });
}

function settingsOf(options: HandlerOptions, keysMemoryBytes: number): ServiceSettings {
  const defaults = defaultSettings();
  const workers = options.workers ?? defaults.workers;
  return {
    ...defaults,
    workers,
    queueLength: (defaults.queueLength / defaults.workers) * workers,
    deadlineMs: options.deadlineMs ?? defaults.deadlineMs,
    memoryBytes: options.memoryBytes ?? defaults.memoryBytes,
    rate: options.rate ?? defaults.rate,
    keysMemoryBytes: options.keysMemoryBytes ?? keysMemoryBytes,
    corsOrigins: options.corsOrigins ?? defaults.corsOrigins,
    allowedHosts: options.allowedHosts ?? defaults.allowedHosts,
    // Names are checked where some are given; the server around it listens where it likes.
    host: '0.0.0.0',
    // All clients may have one address here.
    addressShare: 1,
    pageFolder: '',
  };
}

/** The address as the handler's own paths have it; as it is where the prefix is not there. */
function withoutPrefix(url: string, prefix: string): string {
  const address = new URL(url);
  if (address.pathname.startsWith(`${prefix}/`)) address.pathname = address.pathname.slice(prefix.length);
  return address.href;
}
