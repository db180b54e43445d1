import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createFarm } from '../../../src/farm/index.ts';
import { encodePlan } from '../../../src/frontend/planFile.ts';
import { QUARTER_MIB, testBatch } from './batch.ts';
import { startRedis } from './redisServer.ts';
import { startWorker } from './workers.ts';
import type { Program } from './workers.ts';

const JOBS = 1000;
const IN_FLIGHT = 48;

it('1,000 jobs of 256 KiB outlive two workers and the broker, all killed with SIGKILL', async () => {
  const batch = await testBatch(QUARTER_MIB, JOBS);
  expect(batch.client.uploadBytes).toBeGreaterThanOrEqual(2 ** 18);
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-farm-'));
  const planFile = join(folder, 'plan.json');
  writeFileSync(planFile, encodePlan(batch.stored));
  const server = await startRedis({ options: ['--appendonly', 'yes', '--appendfsync', 'everysec'] });
  const notices: string[] = [];
  const farm = await createFarm(server.url, { onNotice: (sentence) => notices.push(sentence) });
  const worker = (): Promise<Program> =>
    startWorker([planFile, '--redis', server.url, '--concurrency', '1', '--lock', '2']);
  const workers = [await worker(), await worker()];
  try {
    const seen: string[] = [];
    let mostBytes = 0;
    for await (const result of farm.submit(batch.stored, batch.inputs, { inFlight: IN_FLIGHT })) {
      batch.check(result);
      seen.push(result.name);
      if (seen.length === 250 || seen.length === 750) {
        await workers.shift()?.end('SIGKILL');
        workers.push(await worker());
      }
      if (seen.length === 500) {
        await server.kill();
        await server.start();
      }
      if (seen.length % 20 === 0) {
        const info = await server.look.info('memory');
        mostBytes = Math.max(mostBytes, Number(/^used_memory:(\d+)/m.exec(info)?.[1]));
      }
    }
    expect(seen.sort()).toEqual(batch.inputs.map(({ name }) => name).sort());
    const [status] = (await farm.status()).plans;
    expect(status).toMatchObject({ waiting: 0, active: 0, failed: 0, digest: batch.stored.digest });
    expect(await server.look.keys('cipherconv:upload:*')).toEqual([]);
    expect(await server.look.keys('cipherconv:result:*')).toEqual([]);
    // All that is under way, twice for copies in buffers, and what Redis itself takes.
    const bound = 2 * IN_FLIGHT * (batch.client.uploadBytes + batch.client.responseBytes) + 2 ** 24;
    console.log(
      `memory of the Redis: at most ${(mostBytes / 2 ** 20).toFixed(1)} MiB, bound ${(bound / 2 ** 20).toFixed(1)} MiB`,
    );
    expect(mostBytes).toBeGreaterThan(2 ** 20);
    expect(mostBytes).toBeLessThan(bound);
    expect(notices.filter((sentence) => sentence.includes('is back'))).toHaveLength(1);
  } finally {
    await Promise.all(workers.map((program) => program.end('SIGTERM')));
    await farm.dispose();
    await server.stop();
    batch.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
