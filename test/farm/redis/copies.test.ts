import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFarm } from '../../../src/farm/index.ts';
import type { Farm, FarmResult } from '../../../src/farm/index.ts';
import { simpleSpec } from '../../support/simple.ts';
import { testBatch } from './batch.ts';
import type { TestBatch } from './batch.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';

let server: RedisServer;
let farm: Farm;
let batch: TestBatch;

beforeAll(async () => {
  server = await startRedis();
  farm = await createFarm(server.url);
  batch = await testBatch(simpleSpec(), 1, 1);
});
afterAll(async () => {
  batch.dispose();
  await farm.dispose();
  await server.stop();
});

it('copies of one input share no memory, and the last one takes the bytes out of the Redis', async () => {
  const worker = await farm.work([batch.stored], { concurrency: 1 });
  const [input] = batch.inputs;
  const copies = [input!, input!, input!, input!];
  const results: FarmResult[] = [];
  const left: number[] = [];
  const stored = async (): Promise<number> => (await server.look.keys('cipherconv:result:*')).length;
  for await (const result of farm.submit(batch.client.plan, copies)) {
    left.push(await stored());
    batch.check(result);
    // As whoever gives the memory of a response back, or writes into it.
    if (result.kind === 'done') new Uint8Array(result.response.buffer).fill(0);
    results.push(result);
  }
  expect(results).toHaveLength(4);
  expect(left).toEqual([1, 1, 1, 1]);
  expect(await stored()).toBe(0);
  await worker.stop();
});
