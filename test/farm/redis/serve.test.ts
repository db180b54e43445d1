import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clientView } from '../../../compiler/lowerings/views.ts';
import { messageLengths } from '../../../runtime/wire/lengths.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import { createPlanClient } from '../../../src/client/index.ts';
import type { PlanClient } from '../../../src/client/index.ts';
import { openContext } from '../../../src/farm/farm.ts';
import { FarmPool } from '../../../src/farm/farmPool.ts';
import { createFarm } from '../../../src/farm/index.ts';
import type { Farm, FarmWorker, Split } from '../../../src/farm/index.ts';
import { divide } from '../../../src/farm/pieces.ts';
import { clientPlanOf } from '../../../src/frontend/clientPlan.ts';
import { storedPlan } from '../../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../../src/frontend/planFile.ts';
import { Metrics } from '../../../src/server/metrics.ts';
import { startServiceOn } from '../../../src/server/service.ts';
import type { Service } from '../../../src/server/service.ts';
import { defaultSettings } from '../../../src/server/settings.ts';
import { compileToeplitz } from '../../support/compile.ts';
import { OCTETS, sendTo, until } from '../../support/served.ts';
import type { Answer } from '../../support/served.ts';
import { manyChannels } from '../../support/simple.ts';
import { randomInput } from '../../support/specs.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';

let server: RedisServer;
let farm: Farm;
let stored: StoredPlan;
let client: PlanClient;
const services: Service<FarmPool>[] = [];
const workers: FarmWorker[] = [];

beforeAll(async () => {
  server = await startRedis({ options: ['--appendonly', 'yes'] });
  farm = await createFarm(server.url);
  stored = storedPlan(compileToeplitz(manyChannels), 'NCHW');
  client = await createPlanClient(clientPlanOf(stored));
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await server.look.flushall();
});
afterAll(async () => {
  client.dispose();
  await farm.dispose();
  await server.stop();
});

interface FrontEnd {
  readonly split?: Split;
  readonly deadlineMs?: number;
  readonly mostWaiting?: number;
}

async function serve({ split = 'off', deadlineMs = 60_000, mostWaiting = 100 }: FrontEnd = {}): Promise<
  Service<FarmPool>
> {
  const context = await openContext(server.url, { patienceMs: Infinity });
  const service = await startServiceOn(
    { plans: [stored], models: [] },
    { ...defaultSettings(), port: 0, deadlineMs },
    { log: () => undefined, metrics: new Metrics() },
    (plans) => FarmPool.start(context, plans, { deadlineMs, mostWaiting, split }),
  );
  services.push(service);
  return service;
}

async function work(): Promise<void> {
  workers.push(await farm.work([stored], { concurrency: 1, lockMs: 2000 }));
}

function post({ url }: Service<FarmPool>, body: Uint8Array): Promise<Answer> {
  return sendTo(`${url}/v1/plans/${stored.digest}/evaluate`, 'POST', { body, headers: OCTETS });
}

function expectRight({ status, body }: Answer, seed: number): void {
  expect(status).toBe(200);
  expect(client.decrypt(body)).toEqual(convolve(manyChannels, randomInput(manyChannels, seed)));
}

const uploadOf = (seed: number): Uint8Array => client.encrypt(randomInput(manyChannels, seed));
const keysOf = (kind: string): Promise<string[]> => server.look.keys(`cipherconv:${kind}:*`);

describe('serve on a farm', () => {
  it('two front ends share one farm, and leave nothing behind', async () => {
    await work();
    const [one, other] = [await serve(), await serve()];
    const answers = await Promise.all(
      [1, 2, 3, 4].map((seed) => post(seed % 2 === 0 ? one : other, uploadOf(seed))),
    );
    answers.forEach((answer, index) => {
      expectRight(answer, index + 1);
    });
    await until(async () => (await keysOf('result')).length + (await keysOf('upload')).length === 0);
    expect((await post(one, uploadOf(1).subarray(1))).status).toBe(400);
    expect((await post(one, uploadOf(1).fill(255, 40, 80))).status).toBe(400);
  });

  it.each([2, 5, 16] as const)(
    'a layer split into %i jobs gives the same bytes as the whole',
    async (split) => {
      await work();
      const [whole, cut] = [await serve(), await serve({ split })];
      const upload = uploadOf(7);
      const [right, answer] = [await post(whole, upload), await post(cut, upload)];
      expectRight(right, 7);
      expect(Buffer.from(answer.body).equals(Buffer.from(right.body))).toBe(true);
      const pieces = divide(stored.plan, messageLengths(clientView(stored.plan)), split).length;
      expect(pieces).toBeGreaterThan(1);
      const count = await server.look.hget(`cipherconv:queue:${stored.digest}:metrics:completed`, 'count');
      expect(Number(count)).toBe(1 + pieces);
    },
  );

  it('504 when nobody works: the job is taken back', async () => {
    const service = await serve({ deadlineMs: 500 });
    expect((await post(service, uploadOf(1))).status).toBe(504);
    await until(async () => (await keysOf('upload')).length === 0);
    const [status] = (await farm.status()).plans;
    expect(status).toMatchObject({ waiting: 0, active: 0, failed: 0 });
  });

  it('503 with Retry-After when too many wait, and again 200 when they are done', async () => {
    const service = await serve({ mostWaiting: 2 });
    const first = [post(service, uploadOf(1)), post(service, uploadOf(2))];
    await until(async () => (await keysOf('upload')).length === 2);
    const refused = await post(service, uploadOf(3));
    expect(refused.status).toBe(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await work();
    expectRight(await first[0]!, 1);
    expectRight(await first[1]!, 2);
    await until(async () => (await post(service, uploadOf(3))).status === 200);
  });

  it('a request outlives the broker: killed, restarted without its last second, or emptied', async () => {
    const service = await serve();
    const pending = post(service, uploadOf(4));
    await until(async () => (await keysOf('upload')).length === 1);
    await server.kill();
    await server.start();
    await server.look.flushall();
    await work();
    expectRight(await pending, 4);
  });

  it('stops while the broker is away', async () => {
    const service = await serve();
    await server.kill();
    try {
      await until(async () => (await sendTo(`${service.url}/healthz`, 'GET')).status === 503);
      await service.stop();
      services.pop();
    } finally {
      await server.start();
    }
  });

  it('while the broker is away requests get 503, and healthz says so', async () => {
    await work();
    const service = await serve();
    expect((await sendTo(`${service.url}/healthz`, 'GET')).status).toBe(200);
    await server.kill();
    try {
      await until(async () => (await sendTo(`${service.url}/healthz`, 'GET')).status === 503);
      expect((await post(service, uploadOf(1))).status).toBe(503);
    } finally {
      await server.start();
    }
    await until(async () => (await post(service, uploadOf(1))).status === 200);
  });
});
