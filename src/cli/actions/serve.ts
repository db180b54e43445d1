import { CipherconvError } from '../../../compiler/base/errors.ts';
import { printable } from '../../../compiler/base/printable.ts';
import { createLog } from '../../server/log.ts';
import type { Log } from '../../server/log.ts';
import { defaultKeysMemory } from '../../server/limits.ts';
import { loadServed } from '../../server/models.ts';
import type { ServedModel, ToServe } from '../../server/models.ts';
import { Metrics } from '../../server/metrics.ts';
import type { FarmPool } from '../../farm/farmPool.ts';
import type { Split } from '../../farm/pieces.ts';
import { startServiceOn } from '../../server/service.ts';
import type { Service } from '../../server/service.ts';
import { startWorkers } from '../../server/startWorkers.ts';
import { defaultSettings } from '../../server/settings.ts';
import type { ServiceSettings } from '../../server/settings.ts';
import { late, takeInterrupt } from '../interrupt.ts';
import { farmAddress } from '../redisFlags.ts';
import type { Terminal } from '../terminal.ts';
import { refuseModel } from './refuseModel.ts';

const MIB = 2 ** 20;

interface ServeFlags {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly workers?: number | undefined;
  readonly maxBody?: number | undefined;
  readonly deadline?: number | undefined;
  readonly rate?: number | undefined;
  readonly addressShare?: number | undefined;
  readonly minBodyRate?: number | undefined;
  readonly allowedHost?: readonly string[] | undefined;
  readonly cors?: readonly string[] | undefined;
  readonly memory?: number | undefined;
  readonly evaluationKeysMemory?: number | undefined;
  /** True: the address is in the environment. */
  readonly farm?: string | true | undefined;
  readonly redisCa?: string | undefined;
  readonly split?: Split | undefined;
  readonly mostWaiting?: number | undefined;
}

const DEFAULT_MOST_WAITING = 1000;
/** A Redis that stays away for longer ends no server: requests are refused meanwhile. */
const PATIENCE_MS = Infinity;

/** @throws CipherconvError `usage` for an option that says nothing without a farm. */
function refuseFarmOptions({ farm, redisCa, split, mostWaiting }: ServeFlags): void {
  if (farm !== undefined) return;
  const given = Object.entries({ '--redis-ca': redisCa, '--split': split, '--most-waiting': mostWaiting });
  const [name] = given.find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new CipherconvError({
    code: 'usage',
    where: name,
    message: 'this is an option of servers on a farm',
    expected: '--farm redis://HOST:PORT besides',
  });
}

interface FarmRequest {
  readonly flags: ServeFlags;
  readonly url: string | undefined;
  readonly io: Terminal;
}

/** The front end of a farm: no process of its own evaluates. */
async function startOnFarm(
  toServe: ToServe,
  settings: ServiceSettings,
  log: Log,
  { flags, url, io }: FarmRequest,
): Promise<Service<FarmPool>> {
  const { openContext } = await late(import('../../farm/farm.ts'));
  const { FarmPool } = await late(import('../../farm/farmPool.ts'));
  const address = await farmAddress({ redis: url, redisCa: flags.redisCa }, io);
  const context = await openContext(address.url, { ...address.options, patienceMs: PATIENCE_MS });
  return startServiceOn(toServe, settings, { log, metrics: new Metrics() }, (all) =>
    FarmPool.start(context, all, {
      deadlineMs: settings.deadlineMs,
      mostWaiting: flags.mostWaiting ?? DEFAULT_MOST_WAITING,
      split: flags.split ?? 'auto',
    }),
  ).catch((error: unknown) => {
    context.connection.close();
    throw error;
  });
}

/** With worker processes of its own. */
function startHere(toServe: ToServe, settings: ServiceSettings, log: Log): Promise<Service> {
  const observers = { log, metrics: new Metrics() };
  return startServiceOn(toServe, settings, observers, (all) => startWorkers(all, settings, observers));
}

export async function serve(files: readonly string[], flags: ServeFlags, io: Terminal): Promise<void> {
  for (const file of files) await refuseModel(file);
  refuseFarmOptions(flags);
  const toServe = await loadServed(files);
  const defaults = { ...defaultSettings(), keysMemoryBytes: defaultKeysMemory(toServe.plans) };
  const settings = settingsOf(flags, defaults);
  const log = quietLog(
    createLog((line) => process.stderr.write(line)),
    io.quiet,
  );
  const service =
    flags.farm === undefined
      ? await startHere(toServe, settings, log)
      : await startOnFarm(toServe, settings, log, {
          flags,
          url: flags.farm === true ? undefined : flags.farm,
          io,
        });
  // Before anybody is told that it listens: who knows may send a signal at once.
  const ended = untilSignal(service, log);
  for (const { digest, name } of service.plans.values()) io.notice(`serving ${printable(name)}: ${digest}`);
  for (const model of service.models.values()) io.notice(modelNotice(model));
  io.notice(`listening on ${service.url}`);
  const [served, whole] = [[...service.plans.keys()], [...service.models.keys()]];
  log('info', { event: 'listening', url: service.url, plans: served, models: whole });
  const signal = await ended;
  log('info', { event: 'stopped' });
  if (signal === 'SIGINT') io.finish({ kind: 'interrupted' });
}

function modelNotice({ digest, name, layers, clientPlanBytes }: ServedModel): string {
  const lacking = clientPlanBytes === null ? '; its client plan is not beside it and not handed out' : '';
  return `serving the model ${printable(name)} (${layers.length} layers): ${digest}${lacking}`;
}

function settingsOf(flags: ServeFlags, defaults: ServiceSettings): ServiceSettings {
  const workers = flags.workers ?? defaults.workers;
  return {
    ...defaults,
    host: flags.host ?? defaults.host,
    port: flags.port ?? defaults.port,
    workers,
    queueLength: (defaults.queueLength / defaults.workers) * workers,
    maxBody: flags.maxBody ?? defaults.maxBody,
    deadlineMs: flags.deadline === undefined ? defaults.deadlineMs : flags.deadline * 1000,
    rate: flags.rate ?? defaults.rate,
    addressShare: flags.addressShare === undefined ? defaults.addressShare : flags.addressShare / 100,
    leastBodyRate: flags.minBodyRate ?? defaults.leastBodyRate,
    allowedHosts: flags.allowedHost ?? defaults.allowedHosts,
    corsOrigins: flags.cors ?? defaults.corsOrigins,
    memoryBytes: flags.memory === undefined ? defaults.memoryBytes : flags.memory * MIB,
    keysMemoryBytes:
      flags.evaluationKeysMemory === undefined ? defaults.keysMemoryBytes : flags.evaluationKeysMemory * MIB,
  };
}

/** With --quiet only what somebody has to look at, and where the server listens. */
function quietLog(log: Log, quiet: boolean): Log {
  return (level, event) => {
    if (!quiet || level !== 'info' || event.event === 'listening') log(level, event);
  };
}

/** Resolves with the signal that ended the server, when everything in flight is finished. */
function untilSignal(service: Pick<Service, 'stop' | 'inFlight'>, log: Log): Promise<'SIGTERM' | 'SIGINT'> {
  return new Promise((resolve, reject) => {
    let isStopping = false;
    const end = (signal: 'SIGTERM' | 'SIGINT'): void => {
      if (isStopping) return;
      isStopping = true;
      const stopped = service.stop();
      // Not before: who reads it may rely on the port being closed.
      log('info', { event: 'shutdown', signal, inFlight: service.inFlight() });
      stopped.then(() => {
        resolve(signal);
      }, reject);
    };
    process.on('SIGTERM', end);
    takeInterrupt(() => {
      end('SIGINT');
    });
  });
}
