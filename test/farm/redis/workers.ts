import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { BIN } from '../../cli/spawnCli.ts';
import { until } from '../../support/served.ts';

/** The command line, a process of its own that tests may kill. */
export interface Program {
  readonly child: ChildProcess;
  /** Everything it has said on stderr so far. */
  readonly said: () => string;
  /** Everything it has printed on stdout so far. */
  readonly printed: () => string;
  /** The exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Sends a signal and waits for the end. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

export function startProgram(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', ...environment },
  });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()));
  const ended = (once(child, 'close') as Promise<[number | null]>).then(([code]) => code);
  return {
    child,
    said: () => err.join(''),
    printed: () => out.join(''),
    ended,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** `cipherconv farm worker`; resolves when it works. */
export async function startWorker(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Program> {
  const program = startProgram(['farm', 'worker', ...args], environment);
  const early = program.ended.then((code) => {
    throw new Error(`the worker ended with ${code}: ${program.said()}`);
  });
  early.catch(() => undefined);
  await Promise.race([until(() => program.said().includes('working at')), early]);
  return program;
}
