/** docs/tutorials/farm.md, command by command, with a Redis of the test's own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../cli/spawnCli.ts';
import { prepare, runLine } from '../../docs/sandbox.ts';
import { chunksOf, typedLines } from '../../support/markdown.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';
import { startWorker } from './workers.ts';
import type { Program } from './workers.ts';

const folder = temporaryFolder();
const ADDRESS = 'redis://127.0.0.1:6379';
const WORKER = 'npx cipherconv farm worker ';

const lines = chunksOf('docs/tutorials/farm.md')
  .filter(({ language }) => language === 'sh')
  .flatMap(typedLines);

let server: RedisServer;
const workers: Program[] = [];

beforeAll(async () => {
  prepare(folder);
  const [, options = ''] = /^redis-server (.+)$/m.exec(lines.join('\n')) ?? [];
  expect(options).toContain('noeviction');
  server = await startRedis({ options: options.split(' ') });
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.end('SIGTERM')));
  await server.stop();
});

it('a batch is computed as the page says, and equals what run computes', async () => {
  const typed = lines.filter((line) => !/^(npm install|redis-server) /.test(line));
  expect(typed.filter((line) => line.startsWith('npx cipherconv farm '))).toHaveLength(3);
  for (const line of typed.map((text) => text.replace(ADDRESS, server.url))) {
    if (line.startsWith(WORKER)) {
      const [plan = '', ...options] = line.slice(WORKER.length).split(' ');
      workers.push(await startWorker([join(folder, plan), ...options]));
      continue;
    }
    const { code, lines: printed } = runLine(folder, line);
    expect(code, `${line}\n${printed.join('\n')}`).toBe(0);
  }
  expect(readdirSync(join(folder, 'results')).filter((name) => name.endsWith('.npy'))).toEqual([
    'a.npy',
    'b.npy',
  ]);
  const right = runLine(folder, 'npx cipherconv run blur.plan.json -i examples/picture-28.png -o right.npy');
  expect(right.code, right.lines.join('\n')).toBe(0);
  for (const name of ['a.npy', 'b.npy'])
    expect(readFileSync(join(folder, 'results', name))).toEqual(readFileSync(join(folder, 'right.npy')));
});
