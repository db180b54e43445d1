import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cipherconv, namesIn, ROOT, temporaryFolder } from './spawnCli.ts';
import type { Ended } from './spawnCli.ts';

/** The commands of separate processes, and the files that go between them. */

export const folder = temporaryFolder();
export const at = (name: string): string => join(folder, name);
export const GAUSSIAN = join(ROOT, 'examples', '1-gaussian', 'gaussian.conv.json');
export const PICTURE = join(ROOT, 'examples', 'picture-28.png');
export const mode = (name: string): string => (statSync(at(name)).mode & 0o777).toString(8);

export function good(args: readonly string[]): Ended {
  const ended = cipherconv(args);
  expect(ended.stderr).not.toContain('error');
  expect(ended.code).toBe(0);
  return ended;
}

/** Exit 2, one message without a stack trace, nothing on stdout, no file more or less. */
export function refused(args: readonly string[], ...parts: string[]): void {
  const before = namesIn(folder);
  const { code, stdout, stderr } = cipherconv(args);
  for (const part of parts) expect(stderr).toContain(part);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
  expect(code).toBe(2);
  expect(namesIn(folder)).toEqual(before);
}

/** Files of one plan under a prefix: plan, client plan, secret key, evaluation keys, ciphertexts. */
export function files(prefix: string): Record<'plan' | 'client' | 'key' | 'keys' | 'up' | 'down', string> {
  const name = (end: string): string => at(`${prefix}.${end}`);
  return {
    plan: name('plan.json'),
    client: name('client.json'),
    key: name('key'),
    keys: name('keys'),
    up: name('up'),
    down: name('down'),
  };
}

export const g = files('g');
export const keygen = (f: typeof g): string[] => [
  'keygen',
  '--plan',
  f.client,
  '--secret-key',
  f.key,
  '--evaluation-keys',
  f.keys,
];
const encrypt = (f: typeof g, input: string): string[] => [
  'encrypt',
  '--plan',
  f.client,
  '--secret-key',
  f.key,
  '-i',
  input,
  '-o',
  f.up,
];
const evaluate = (f: typeof g): string[] => [
  'evaluate',
  '--plan',
  f.plan,
  '--evaluation-keys',
  f.keys,
  '-i',
  f.up,
  '-o',
  f.down,
];
export const decrypt = (f: typeof g, output: string): string[] => [
  'decrypt',
  '--plan',
  f.client,
  '--secret-key',
  f.key,
  '-i',
  f.down,
  '-o',
  output,
];

/** Four processes: keys, ciphertext, result, and the output file of the prefix. */
export function throughProcesses(
  f: typeof g,
  config: string,
  input: string,
  extra: readonly string[] = [],
): void {
  good(['compile', config, '-o', f.plan, '--client-plan', f.client, ...extra]);
  for (const step of [keygen(f), encrypt(f, input), evaluate(f), decrypt(f, `${f.down}.npy`)]) good(step);
}

/** They gave, byte for byte, the output file of `run` in one process. */
export function expectSameAsRun(f: typeof g, input: string): void {
  good(['run', f.plan, '-i', input, '-o', at('run.npy')]);
  expect(readFileSync(`${f.down}.npy`).equals(readFileSync(at('run.npy')))).toBe(true);
}
