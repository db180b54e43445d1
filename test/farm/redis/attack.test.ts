import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createFarm } from '../../../src/farm/index.ts';
import { encodePlan } from '../../../src/frontend/planFile.ts';
import { simpleSpec } from '../../support/simple.ts';
import { testBatch } from './batch.ts';
import { startRedis } from './redisServer.ts';
import { startWorker } from './workers.ts';

const JOBS = 250;

it('a batch whose broker, workers, bytes and queue are attacked one after the other, all the time: all right', async () => {
  const batch = await testBatch(simpleSpec({ input: { batch: 4, height: 40, width: 40 } }), JOBS);
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-farm-'));
  const planFile = join(folder, 'plan.json');
  writeFileSync(planFile, encodePlan(batch.stored));
  const server = await startRedis({ options: ['--appendonly', 'yes'] });
  const farm = await createFarm(server.url);
  const start = (): ReturnType<typeof startWorker> =>
    startWorker([planFile, '--redis', server.url, '--concurrency', '2', '--lock', '2']);
  let worker = await start();
  const { look } = server;
  const queue = `cipherconv:queue:${batch.stored.digest}`;
  /** Each is given the bytes of some job. */
  const attacks: readonly ((bytes: string) => Promise<unknown>)[] = [
    (bytes) => look.del(bytes),
    (bytes) => look.setrange(bytes, 77, 'damage').catch(() => 0),
    async (bytes) => [await look.del(bytes), await look.hset(bytes, 'a', 'b')],
    async () => {
      await server.kill();
      await server.start();
    },
    async () => {
      await worker.end('SIGKILL');
      worker = await start();
    },
    () => look.flushall(),
    () => look.del(`${queue}:wait`),
    () => look.del(`${queue}:active`),
  ];
  const made = new Array<number>(attacks.length).fill(0);
  const state = { isOver: false };
  const attacker = (async () => {
    for (let turn = 0; !state.isOver; turn++) {
      await pause(200 + ((turn * 191) % 300));
      const bytes = [
        ...(await look.keys('cipherconv:upload:*')),
        ...(await look.keys('cipherconv:result:*')),
      ];
      await attacks[turn % attacks.length]!(bytes[(turn * 31) % bytes.length] ?? 'cipherconv:none');
      made[turn % attacks.length]!++;
    }
  })();
  const seen: string[] = [];
  for await (const result of farm.submit(batch.stored, batch.inputs, { inFlight: 16, split: 2 })) {
    batch.check(result);
    seen.push(result.name);
    await pause(20);
  }
  state.isOver = true;
  await attacker;
  expect(seen.sort()).toEqual(batch.inputs.map(({ name }) => name).sort());
  // Fast machines are done early: the first turn of each attack at least.
  expect(made.every((count) => count > 0)).toBe(true);
  await worker.end('SIGTERM');
  await farm.dispose();
  await server.stop();
  batch.dispose();
  rmSync(folder, { recursive: true, force: true });
});
