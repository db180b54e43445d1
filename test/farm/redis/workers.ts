import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { BIN } from '../../cli/spawnCli.ts';

/** `cipherconv farm worker`, a process of its own that tests may kill. */
export interface WorkerProgram {
  readonly child: ChildProcess;
  /** Everything it has said on stderr so far. */
  readonly said: () => string;
  /** Sends a signal and waits for the end; the exit code. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

/** Resolves when it works. */
export async function startWorker(args: readonly string[]): Promise<WorkerProgram> {
  const child = spawn(process.execPath, [BIN, 'farm', 'worker', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('working at')) resolve();
    });
    child.once('exit', (code) => {
      reject(new Error(`the worker ended with ${code}: ${text}`));
    });
  });
  return {
    child,
    said: () => text,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit') as Promise<[number | null]>;
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
  };
}
