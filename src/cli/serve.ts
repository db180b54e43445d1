import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { Command } from '@commander-js/extra-typings';
import type { Log } from '../server/log.ts';
import type { Service } from '../server/service.ts';
import type { ServiceSettings } from '../server/settings.ts';
import { takeInterrupt } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

const MIB = 2 ** 20;
/** Below it not even Node with SEAL fits. */
const LEAST_MEMORY_MIB = 192;

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

function positiveNumber(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number above 0, at most ${most}.`);
  };
}

interface Flags {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly workers?: number | undefined;
  readonly maxBody?: number | undefined;
  readonly deadline?: number | undefined;
  readonly rate?: number | undefined;
  readonly memory?: number | undefined;
  readonly evaluationKeysMemory?: number | undefined;
}

/** `serve PLANS...`: evaluation over HTTP, until SIGTERM or an interrupt. */
export function addServe(program: Command, terminal: () => Terminal): void {
  program
    .command('serve')
    .description('evaluate encrypted pictures over HTTP, and serve the page')
    .argument('<plans...>', 'server plans, as compile writes them')
    .option('--port <n>', 'where to listen; 0: any free port (default: 8080)', wholeNumber(0, 65535))
    .option('--host <name>', 'address to listen on (default: 127.0.0.1)')
    .option('--workers <n>', 'requests evaluated at the same time (default: all cores)', wholeNumber(1, 256))
    .option(
      '--max-body <bytes>',
      'longest body taken (default: the largest upload of the plans)',
      wholeNumber(1, 2 ** 31),
    )
    .option('--deadline <seconds>', 'from request to response (default: 30)', positiveNumber(3600))
    .option(
      '--rate <n>',
      'requests a second from one address; 0: unlimited (default: 0)',
      wholeNumber(0, 1e6),
    )
    .option(
      '--memory <MiB>',
      'what one worker may take (default: 512)',
      wholeNumber(LEAST_MEMORY_MIB, 2 ** 20),
    )
    .option(
      '--evaluation-keys-memory <MiB>',
      'take evaluation keys, which diagonals plans need, up to so much (default: 0, none)',
      wholeNumber(0, 2 ** 20),
    )
    .action(async (files, flags) => {
      const io = terminal();
      const quiet = program.getOptionValue('quiet') === true;
      // Loaded late: a wrong option is refused without loading a server.
      const [{ loadPlans }, { startService }, { defaultSettings }, { createLog }] = await Promise.all([
        import('../server/plans.ts'),
        import('../server/service.ts'),
        import('../server/settings.ts'),
        import('../server/log.ts'),
      ]);
      const plans = await loadPlans(files);
      const settings = settingsOf(flags, defaultSettings());
      const log = quietLog(
        createLog((line) => process.stderr.write(line)),
        quiet,
      );
      const service = await startService(plans, settings, log);
      // Before anybody is told that it listens: who knows may send a signal at once.
      const ended = untilSignal(service, log);
      const served = [...service.plans.values()];
      for (const { digest, name } of served) io.notice(`serving ${name}: ${digest}`);
      io.notice(`listening on ${service.url}`);
      log('info', { event: 'listening', url: service.url, plans: served.map(({ digest }) => digest) });
      const signal = await ended;
      log('info', { event: 'stopped' });
      if (signal === 'SIGINT') io.finish({ kind: 'interrupted' });
    });
}

function settingsOf(flags: Flags, defaults: ServiceSettings): ServiceSettings {
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
function untilSignal(service: Service, log: Log): Promise<'SIGTERM' | 'SIGINT'> {
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
