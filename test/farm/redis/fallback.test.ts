import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deferred } from '../../../src/farm/deferred.ts';
import { createFarm } from '../../../src/farm/index.ts';
import type {
  Farm,
  FarmInput,
  FarmResult,
  FarmWorker,
  PlanStatus,
  WorkerEvent,
} from '../../../src/farm/index.ts';
import { JOB_NAME, jobId, sealResult } from '../../../src/farm/job.ts';
import { resultKey } from '../../../src/farm/names.ts';
import { until } from '../../support/served.ts';
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
  // Nothing that it has acknowledged is lost by chance.
  server = await startRedis({ options: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  farm = await createFarm(server.url);
  batch = await testBatch(simpleSpec(), 4, 4);
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

async function work(events: WorkerEvent[] = []): Promise<FarmWorker> {
  const worker = await farm.work([batch.stored], { concurrency: 1, onEvent: (event) => events.push(event) });
  workers.push(worker);
  return worker;
}

function idOf({ message }: FarmInput): string {
  return jobId({ plan: batch.stored.digest, keys: null, part: null }, message);
}

async function status(): Promise<PlanStatus | undefined> {
  return (await farm.status()).plans[0];
}

async function bytesLeft(): Promise<string[]> {
  const { look } = server;
  return [...(await look.keys('cipherconv:upload:*')), ...(await look.keys('cipherconv:result:*'))];
}

async function expectNothingLeft(): Promise<void> {
  expect(await status()).toMatchObject({ waiting: 0, active: 0, failed: 0 });
  expect(await bytesLeft()).toEqual([]);
}

/** Puts the job of an input into the queue as its submitter did, without its upload. */
async function putBack(input: FarmInput): Promise<void> {
  const queue = new Queue(batch.stored.digest, {
    connection: { host: '127.0.0.1', port: server.port },
    prefix: 'cipherconv:queue',
  });
  const data = { version: 1, plan: batch.stored.digest, keys: null, part: null };
  await queue.add(JOB_NAME, data, { jobId: idOf(input), attempts: 3, removeOnFail: { count: 1000 } });
  await queue.close();
}

/** Has inputs evaluated; further ones are submitted when they are given. */
function submission(first: readonly FarmInput[]): {
  readonly results: FarmResult[];
  readonly more: (inputs: readonly FarmInput[]) => void;
  readonly over: Promise<void>;
} {
  const { promise, resolve: more } = deferred<readonly FarmInput[]>();
  const results: FarmResult[] = [];
  const inputs = async function* (): AsyncGenerator<FarmInput, void, undefined> {
    yield* first;
    yield* await promise;
  };
  const over = (async () => {
    for await (const result of farm.submit(batch.client.plan, inputs())) results.push(result);
  })();
  over.catch(() => undefined);
  return { results, more, over };
}

describe('a job that is in the queue though nobody waits for it', () => {
  it('is dropped when its upload is gone: not done, not failed', async () => {
    const [settled, ...others] = batch.inputs;
    const events: WorkerEvent[] = [];
    await work(events);
    const { more, over } = submission([settled!]);
    more([]);
    await over;
    // As after the death of its worker, or of the Redis, between its result and the end of the job.
    await putBack(settled!);
    await until(() => events.some(({ kind }) => kind === 'dropped'));
    expect(events).toEqual([
      { kind: 'done', text: idOf(settled!) },
      { kind: 'dropped', text: `upload-missing: job ${idOf(settled!)}: its upload is not there` },
    ]);
    await expectNothingLeft();
    // The control: what somebody waits for is done.
    const after = submission(others);
    after.more([]);
    await after.over;
    after.results.forEach(batch.check);
    expect(after.results).toHaveLength(others.length);
    await expectNothingLeft();
  });

  it('is taken out by its submitter, which finds the result', async () => {
    const [input] = batch.inputs;
    const worker = await work();
    const first = submission([input!]);
    first.more([]);
    await first.over;
    await worker.stop();
    const [right] = first.results;
    if (right?.kind !== 'done') throw new Error('no result');
    const { results, more, over } = submission([input!]);
    more([]);
    await until(async () => (await status())?.waiting === 1);
    // Of a worker that went on while the Redis had lost the job, which was then submitted again.
    await server.look.set(resultKey(idOf(input!)), Buffer.concat(sealResult(idOf(input!), right.response)));
    await over;
    results.forEach(batch.check);
    expect(results).toHaveLength(1);
    await expectNothingLeft();
  });

  it('is taken out again when the Redis comes back with an older state', async () => {
    const older = mkdtempSync(join(tmpdir(), 'cipherconv-older-'));
    try {
      const [input, ...others] = batch.inputs;
      const { results, more, over } = submission([input!]);
      await until(async () => (await status())?.waiting === 1 && (await bytesLeft()).length === 1);
      cpSync(server.folder, older, { recursive: true });
      const worker = await work();
      await until(async () => results.length === 1 && (await bytesLeft()).length === 0);
      await worker.stop();
      await expectNothingLeft();
      await server.kill();
      rmSync(server.folder, { recursive: true });
      cpSync(older, server.folder, { recursive: true });
      await server.start();
      await until(async () => (await status())?.waiting === 0);
      await expectNothingLeft();
      await work();
      more(others);
      await over;
      results.forEach(batch.check);
      expect(results).toHaveLength(batch.inputs.length);
      await expectNothingLeft();
    } finally {
      rmSync(older, { recursive: true, force: true });
    }
  });
});
