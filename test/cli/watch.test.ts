import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '../../src/frontend/npy.ts';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { config } from '../frontend/fixtures.ts';
import { BIN, cipherconv, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();

/** `lint --watch` in the folder: its output as it comes. */
function watch(args: readonly string[]): {
  readonly said: (text: string) => Promise<void>;
  readonly end: () => Promise<number | null>;
} {
  const child = spawn(process.execPath, [BIN, 'lint', '--watch', ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '' },
  });
  let [text, from] = ['', 0];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      for (const look of waiting) look();
    });
  return {
    said: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          const at = text.indexOf(wanted, from);
          if (at < 0) return;
          from = at + wanted.length;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    end: async () => {
      child.kill('SIGINT');
      const [code] = (await once(child, 'close')) as [number | null];
      return code;
    },
  };
}

describe('lint --watch', () => {
  it('lints again when a file is replaced, vanishes, comes back, or its weights change; an interrupt ends it well', async () => {
    const file = join(folder, 'a.conv.json');
    const weights = {
      shape: [1, 1, 1, 2] as [number, number, number, number],
      bits: 2,
      values: { npy: 'w.npy' },
    };
    const write = (bits: number): void => {
      writeFileSync(join(folder, 'next'), JSON.stringify(config({ weights, accumulator: { bits } })));
      renameSync(join(folder, 'next'), file);
    };
    const writeWeights = (weight: number): void => {
      writeFileSync(
        join(folder, 'w.npy'),
        encodeNpy(makeTensor([1, 1, 1, 2], Float64Array.of(weight, weight))),
      );
    };
    writeWeights(3);
    write(9);
    const watched = watch([]);
    await watched.said('analysed: 0 errors');
    await watched.said('watching for changes');
    write(3);
    await watched.said('analysed: 1 error');
    await watched.said('watching');
    rmSync(file);
    await watched.said('nothing to lint');
    await watched.said('watching');
    write(3);
    await watched.said('analysed: 1 error');
    await watched.said('watching');
    writeWeights(0);
    await watched.said('analysed: 0 errors');
    await watched.said('watching');
    writeFileSync(join(folder, 'cipherconv.config.json'), '{"rules": {"dead-channel": "error"}}');
    await watched.said('analysed: 1 error');
    expect(await watched.end()).toBe(0);
  });

  it.each([
    [['--format', 'sarif'], 'one report'],
    [['-'], 'stdin cannot be watched'],
  ])('refuses %j', (args, says) => {
    const { code, stderr } = cipherconv(['lint', '--watch', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
  });
});
