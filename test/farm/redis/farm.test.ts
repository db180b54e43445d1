import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convolve } from '../../../runtime/clear/loops.ts';
import { createFarm } from '../../../src/farm/index.ts';
import type { Farm, FarmResult } from '../../../src/farm/index.ts';
import { storedPlan } from '../../../src/frontend/planFile.ts';
import { clientPlanOf } from '../../../src/frontend/clientPlan.ts';
import { createPlanClient } from '../../../src/client/index.ts';
import { compileToeplitz } from '../../support/compile.ts';
import { until } from '../../support/served.ts';
import { simpleSpec } from '../../support/simple.ts';
import { randomInput } from '../../support/specs.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';

let server: RedisServer;
let farm: Farm;
beforeAll(async () => {
  server = await startRedis();
  farm = await createFarm(server.url);
});
afterAll(async () => {
  await farm.dispose();
  await server.stop();
});

describe('a farm', () => {
  it('evaluates a batch', async () => {
    const spec = simpleSpec();
    const stored = storedPlan(compileToeplitz(spec), 'NCHW');
    using client = await createPlanClient(clientPlanOf(stored));
    const inputs = Array.from({ length: 20 }, (_, seed) => randomInput(spec, seed + 1));
    const uploads = inputs.map((input, index) => ({ name: String(index), message: client.encrypt(input) }));
    const worker = await farm.work([stored], { concurrency: 1 });
    const results: FarmResult[] = [];
    for await (const result of farm.submit(client.plan, uploads)) results.push(result);
    await worker.stop();
    expect(results.map(({ name }) => name).sort()).toEqual(uploads.map(({ name }) => name).sort());
    for (const result of results) {
      if (result.kind !== 'done') throw new Error(result.text);
      expect(client.decrypt(result.response)).toEqual(convolve(spec, inputs[Number(result.name)]!));
    }
    expect(await server.look.keys('cipherconv:upload:*')).toEqual([]);
  });

  it('takes out what a process left that died after it had received a result', async () => {
    const spec = simpleSpec();
    const stored = storedPlan(compileToeplitz(spec), 'NCHW');
    using client = await createPlanClient(clientPlanOf(stored));
    const upload = { name: 'picture', message: client.encrypt(randomInput(spec, 1)) };
    const left = async (): Promise<number> =>
      (await server.look.keys('cipherconv:upload:*')).length +
      (await server.look.keys('cipherconv:result:*')).length;
    const worker = await farm.work([stored], { concurrency: 1 });
    // Whoever stops here has received the result, and has taken nothing out.
    for await (const { kind } of farm.submit(client.plan, [upload])) {
      expect(kind).toBe('done');
      break;
    }
    await worker.stop();
    expect(await left()).toBeGreaterThan(0);
    // No worker is there: nothing is computed.
    const results: FarmResult[] = [];
    for await (const result of farm.submit(client.plan, [{ ...upload, isReceived: true }]))
      results.push(result);
    expect(results).toEqual([]);
    expect(await left()).toBe(0);
  });

  it('says which queue is dead, even when its name was lost', async () => {
    const spec = simpleSpec();
    const stored = storedPlan(compileToeplitz(spec), 'NCHW');
    using client = await createPlanClient(clientPlanOf(stored));
    const input = { name: 'picture', message: client.encrypt(randomInput(spec, 1)) };
    await server.look.flushall();
    const pending = farm.submit(client.plan, [input]).next();
    const queueOf = async (): Promise<unknown> => (await farm.status()).plans;
    await until(async () => (await farm.status()).plans.some(({ waiting }) => waiting === 1));
    const { digest } = stored;
    expect(await queueOf()).toMatchObject([{ digest, waiting: 1, workers: 0, isDead: true }]);
    await server.look.del('cipherconv:plans');
    expect(await queueOf()).toMatchObject([{ digest, name: '', waiting: 1, isDead: true }]);
    const worker = await farm.work([stored], { concurrency: 1 });
    expect(await pending).toMatchObject({ value: { kind: 'done' } });
    expect(await queueOf()).toMatchObject([{ digest, waiting: 0, workers: 1, isDead: false }]);
    await worker.stop();
  });
});
