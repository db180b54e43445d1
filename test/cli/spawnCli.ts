import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const ROOT = join(import.meta.dirname, '..', '..');
export const BIN = join(ROOT, 'src', 'cli', 'bin.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly nodeOptions?: readonly string[];
}

/** Runs the command line from source. */
export function cipherconv(args: readonly string[], options: SpawnOptions = {}): Ended {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...(options.nodeOptions ?? []), BIN, ...args],
    {
      cwd: options.cwd ?? ROOT,
      input: options.input ?? '',
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '' },
    },
  );
  return { code: status, stdout, stderr };
}

/** A folder that is taken away after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-test-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Names in a folder, sorted: to see that nothing was left behind. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}
