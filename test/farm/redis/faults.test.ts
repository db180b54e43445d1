import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFarm } from '../../../src/farm/index.ts';
import type { Farm, FarmInput, FarmResult, FarmWorker, SubmitOptions } from '../../../src/farm/index.ts';
import { JOB_NAME, jobId, sealResult } from '../../../src/farm/job.ts';
import { resultKey } from '../../../src/farm/names.ts';
import { storedPlan } from '../../../src/frontend/planFile.ts';
import { compileToeplitz } from '../../support/compile.ts';
import { withFault } from '../../support/faults.ts';
import { FAULTY_WORKER, until } from '../../support/served.ts';
import { simpleSpec } from '../../support/simple.ts';
import { testBatch } from './batch.ts';
import type { TestBatch } from './batch.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';

let server: RedisServer;
let farm: Farm;
let batch: TestBatch;
const workers: FarmWorker[] = [];

beforeAll(async () => {
  server = await startRedis();
  farm = await createFarm(server.url);
  batch = await testBatch(simpleSpec(), 8, 8);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await server.look.flushall();
});
afterAll(async () => {
  batch.dispose();
  await farm.dispose();
  await server.stop();
});

async function work(
  options: { readonly workerFile?: string; readonly lockMs?: number } = {},
): Promise<FarmWorker> {
  const worker = await farm.work([batch.stored], { concurrency: 1, ...options });
  workers.push(worker);
  return worker;
}

async function submit(inputs: readonly FarmInput[], options: SubmitOptions = {}): Promise<FarmResult[]> {
  const results: FarmResult[] = [];
  for await (const result of farm.submit(batch.client.plan, inputs, options)) results.push(result);
  return results;
}

/** Puts a job into the queue of the plan as a stranger would. */
async function addForeign(id: string, data: unknown): Promise<void> {
  const queue = new Queue(batch.stored.digest, {
    connection: { host: '127.0.0.1', port: server.port },
    prefix: 'cipherconv:queue',
  });
  await queue.add(JOB_NAME, data, { jobId: id, attempts: 3 });
  await queue.close();
}

async function failures(): Promise<string[]> {
  const { plans } = await farm.status();
  return plans.flatMap((plan) => plan.failures.map(({ reason, text }) => `${reason}: ${text}`));
}

describe('what is wrong with a job', () => {
  it('a poison job ends in the failed set after its attempts and names itself; the others are done', async () => {
    await work({ workerFile: FAULTY_WORKER });
    const [first, ...others] = batch.inputs;
    const poison = { name: 'poison', message: withFault(first!.message, 'exit') };
    const results = await submit([poison, ...others]);
    const failed = results.filter((result) => result.kind === 'failed');
    expect(failed).toMatchObject([{ name: 'poison', reason: 'worker-lost' }]);
    results.filter((result) => result.kind === 'done').forEach(batch.check);
    expect(results).toHaveLength(batch.inputs.length);
    const [status] = (await farm.status()).plans;
    expect(status).toMatchObject({ failed: 1, waiting: 0, active: 0 });
    expect(status?.failures[0]?.text).toContain(failed[0]!.job);
    expect(status?.failures[0]?.job).toBe(failed[0]!.job);
    const queue = new Queue(batch.stored.digest, {
      connection: { host: '127.0.0.1', port: server.port },
      prefix: 'cipherconv:queue',
    });
    expect((await queue.getJob(failed[0]!.job))?.attemptsMade).toBe(3);
    await queue.close();
  });

  it('a job of another plan, version or shape is refused, and says why', async () => {
    const other = storedPlan(compileToeplitz(simpleSpec({ pads: [0, 0, 0, 0] })), 'NCHW').digest;
    const plan = batch.stored.digest;
    const good = { version: 1, plan, keys: null, part: null };
    await work();
    for (const [id, data] of Object.entries({
      'job-plan': { ...good, plan: other },
      'job-version': { ...good, version: 2 },
      'job-extra': { ...good, extra: 1 },
      'job-nothing': null,
      'job-keys': { ...good, keys: plan },
      'job-part': { ...good, part: { kind: 'rows', first: 1, count: 1 } },
    }))
      await addForeign(id, data);
    await until(async () => (await failures()).length === 6);
    expect((await failures()).sort()).toEqual([
      'malformed-job: job job-extra: its data are not those of a job',
      'malformed-job: job job-keys: the plan takes no evaluation keys',
      'malformed-job: job job-nothing: its data are not those of a job',
      'malformed-job: job job-part: the plan has no such part',
      `wrong-plan: job job-plan: it is of another plan than the queue's, ${plan}`,
      'wrong-version: job job-version: this worker speaks version 1 of the farm, the job another',
    ]);
    // And the worker is as good as before.
    (await submit(batch.inputs)).forEach(batch.check);
  });

  it('an upload that is one byte too long or too short is refused before it reaches the Redis', async () => {
    const { message } = batch.inputs[0]!;
    const long = new Uint8Array([...message, 0]);
    await server.look.config('RESETSTAT');
    for (const wrong of [long, message.subarray(0, -1)]) {
      await expect(submit([{ name: 'x', message: wrong }])).rejects.toMatchObject({
        code: 'malformed-message',
      });
    }
    const stats = await server.look.info('commandstats');
    expect(stats).not.toMatch(/cmdstat_set:/);
    // The control: a good one is written.
    await work();
    await submit(batch.inputs.slice(0, 1));
    expect(await server.look.info('commandstats')).toMatch(/cmdstat_set:/);
  });

  it('an upload with a coefficient that is none fails at the worker, as at the HTTP server', async () => {
    await work();
    const message = Uint8Array.from(batch.inputs[0]!.message).fill(255, 40, 80);
    expect(await submit([{ name: 'x', message }])).toMatchObject([
      { kind: 'failed', reason: 'malformed-upload' },
    ]);
  });
});

describe('what the Redis does to bytes', () => {
  /** What somebody else writes over the bytes of a job, while no worker has taken it. */
  const damages: readonly (readonly [name: string, damage: (key: string) => Promise<unknown>])[] = [
    ['lost', (key) => server.look.del(key)],
    ['cut off', async (key) => server.look.set(key, (await server.look.getBuffer(key))!.subarray(1))],
    ['changed', (key) => server.look.setrange(key, 50, 'damage')],
    ['exchanged for a list', async (key) => [await server.look.del(key), await server.look.lpush(key, 'x')]],
  ];

  it.each(damages)('an upload that is %s is submitted again', async (_, damage) => {
    const pending = submit(batch.inputs);
    await until(async () => (await server.look.keys('cipherconv:upload:*')).length === batch.inputs.length);
    for (const key of await server.look.keys('cipherconv:upload:*')) await damage(key);
    await work();
    const results = await pending;
    results.forEach(batch.check);
    expect(results).toHaveLength(batch.inputs.length);
  });

  it('a result that is damaged, of another job, or no string is none: the job is done again', async () => {
    const subject = { plan: batch.stored.digest, keys: null, part: null };
    const [one, other, third] = batch.inputs.map(({ message }) => jobId(subject, message));
    const worker = await work();
    const [right] = await submit(batch.inputs.slice(0, 1));
    if (right?.kind !== 'done') throw new Error('no result');
    await worker.stop();
    const sealed = Buffer.concat(sealResult(one!, right.response));
    // The control: it is taken where it belongs, and nobody works.
    await server.look.set(resultKey(one!), sealed);
    (await submit(batch.inputs.slice(0, 1))).forEach(batch.check);
    const damaged = Buffer.from(sealed);
    damaged[60]! ^= 1;
    await server.look.set(resultKey(one!), damaged);
    await server.look.set(resultKey(other!), sealed);
    await server.look.lpush(resultKey(third!), 'x');
    const pending = submit(batch.inputs);
    await until(async () => (await server.look.keys('cipherconv:upload:*')).length === batch.inputs.length);
    await work();
    const results = await pending;
    results.forEach(batch.check);
    expect(results).toHaveLength(batch.inputs.length);
  });

  it('everything lost at once is submitted again', async () => {
    const pending = submit(batch.inputs);
    await until(async () => (await server.look.keys('cipherconv:upload:*')).length === batch.inputs.length);
    await server.look.flushall();
    await work();
    (await pending).forEach(batch.check);
  });
});
