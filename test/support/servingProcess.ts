import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { BIN } from '../cli/spawnCli.ts';

/** `cipherconv serve` as a process of its own. */
export interface ServingProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly stderr: () => string;
  /** Ends it at once; resolves when it is gone. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
}

/**
 * Starts the command and waits for its address.
 * @param port 0: any free one
 */
export async function servingProcess(files: readonly string[], port = 0): Promise<ServingProcess> {
  const args = [BIN, 'serve', ...files, '--port', String(port), '--workers', '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const found = /^listening on (\S+)$/m.exec(stderr)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => {
      reject(new Error(`serve ended: ${stderr}`));
    });
  });
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { url, child, stderr: () => stderr, kill };
}
