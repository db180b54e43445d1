import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createFarm } from '../../../src/farm/index.ts';
import type { Farm, FarmResult } from '../../../src/farm/index.ts';
import { encodePlan } from '../../../src/frontend/planFile.ts';
import { until } from '../../support/served.ts';
import { QUARTER_MIB, testBatch } from './batch.ts';
import type { TestBatch } from './batch.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';
import { startWorker } from './workers.ts';
import type { Program } from './workers.ts';

const COUNT = 60;
const OLD = 'the-old-one';
const NEW = 'the-new-one';
/** Commands that only the connection for bytes gives. */
const OF_BYTES = /\bcmd=(?:set|getrange|exists)\b/;

interface Scene {
  readonly server: RedisServer;
  readonly batch: TestBatch;
  readonly farm: Farm;
  readonly worker: (password: string, ...args: readonly string[]) => Promise<Program>;
  /** Lines of CLIENT LIST. */
  readonly clients: () => Promise<string[]>;
  readonly state: (job: 'wait' | 'active') => Promise<number>;
}

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function scene(): Promise<Scene> {
  const server = await startRedis({ options: ['--requirepass', OLD], look: { password: OLD } });
  endings.push(server.stop);
  const batch = await testBatch(QUARTER_MIB, COUNT, 3);
  const folder = mkdtempSync(join(tmpdir(), 'cipherconv-refused-'));
  endings.push(() => {
    batch.dispose();
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  });
  writeFileSync(join(folder, 'plan.json'), encodePlan(batch.stored));
  const url = (password: string): string => `redis://:${password}@127.0.0.1:${server.port}`;
  const farm = await createFarm(url(OLD));
  endings.push(() => farm.dispose());
  return {
    server,
    batch,
    farm,
    worker: async (password, ...args) => {
      const program = await startWorker(
        [join(folder, 'plan.json'), '--concurrency', '2', ...args],
        // As users do who keep it out of the list of processes.
        { REDIS_URL: url(password) },
      );
      endings.push(async () => {
        await program.end('SIGKILL');
      });
      return program;
    },
    clients: async () =>
      String(await server.look.client('LIST'))
        .trim()
        .split('\n'),
    state: (job) => server.look.llen(`cipherconv:queue:${batch.stored.digest}:${job}`),
  };
}

/** Collects what comes, in the background. */
function collect({ farm, batch }: Scene): { readonly results: FarmResult[]; readonly over: Promise<void> } {
  const results: FarmResult[] = [];
  const over = (async () => {
    for await (const result of farm.submit(batch.client.plan, batch.inputs, { inFlight: COUNT }))
      results.push(result);
  })();
  over.catch(() => undefined);
  return { results, over };
}

interface Work extends ReturnType<typeof collect> {
  readonly worker: Program;
  readonly connections: readonly string[];
}

function idOf(client: string): string {
  return /\bid=(\d+)/.exec(client)?.[1] ?? '';
}

function expectRefusedEnd(worker: Program, code: number | null): void {
  expect(code, worker.said()).toBe(2);
  expect(worker.said().match(/^error/gm)).toHaveLength(1);
  expect(worker.said()).toMatch(/refuses the user name or password/);
  expect(worker.said()).toMatch(/what is done is not done twice/);
  expect(worker.said()).toMatch(/stopped: \d+ jobs done, 0 failures/);
  expect(worker.said()).not.toMatch(/failed:|the queue:/);
  expect(worker.said()).not.toContain(OLD);
}

/** A batch in its queue, then a worker; the ids of the worker's connections, once some jobs are done. */
async function atWork(here: Scene, ...args: readonly string[]): Promise<Work> {
  const { results, over } = collect(here);
  await until(async () => (await here.state('wait')) === COUNT);
  const others = new Set((await here.clients()).map(idOf));
  const worker = await here.worker(OLD, ...args);
  await until(() => results.length >= 5);
  const connections = (await here.clients()).filter((client) => !others.has(idOf(client)));
  await here.server.look.config('SET', 'requirepass', NEW);
  return { results, over, worker, connections };
}

async function kill({ server }: Scene, clients: readonly string[]): Promise<void> {
  expect(clients.length).toBeGreaterThan(0);
  for (const client of clients) await server.look.client('KILL', 'ID', idOf(client));
}

/** Each input has its result once, whichever worker it is of. */
async function expectAll(here: Scene, { results, over }: Work): Promise<void> {
  await here.worker(NEW, '--lock', '2');
  await over;
  const names = results.map(({ name }) => Number(name));
  expect(names.sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, index) => index));
  results.forEach(here.batch.check);
}

describe('a worker whose Redis lets it in no more', () => {
  it('ends when its connection for bytes is refused, and gives back at once what it had begun', async () => {
    const here = await scene();
    // Nobody would take its jobs for ten minutes if it did not give them back.
    const work = await atWork(here, '--lock', '600');
    await kill(
      here,
      work.connections.filter((client) => OF_BYTES.test(client)),
    );
    expectRefusedEnd(work.worker, await work.worker.ended);
    expect(await here.state('active')).toBe(0);
    const queue = `cipherconv:queue:${here.batch.stored.digest}`;
    const waiting = await here.server.look.lrange(`${queue}:wait`, 0, -1);
    expect(waiting.length).toBeGreaterThan(0);
    const jobs = await Promise.all(waiting.map((id) => here.server.look.hgetall(`${queue}:${id}`)));
    // Some were taken and given back; no attempt is counted.
    expect(jobs.some(({ ats }) => Number(ats) > 0)).toBe(true);
    expect(jobs.filter(({ atm = '0' }) => atm !== '0')).toEqual([]);
    await expectAll(here, work);
  });

  it('ends when all its connections are refused; others do what it had begun when its lock has expired', async () => {
    const here = await scene();
    const work = await atWork(here, '--lock', '2');
    await kill(here, work.connections);
    expectRefusedEnd(work.worker, await work.worker.ended);
    expect(work.results.length).toBeLessThan(COUNT);
    await expectAll(here, work);
  });
});
