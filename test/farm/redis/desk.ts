import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import type { Plan } from '../../../compiler/lowerings/plan.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import { createPlanClient } from '../../../src/client/index.ts';
import { clientPlanOf, encodeClientPlan } from '../../../src/frontend/clientPlan.ts';
import { encodeTensorJson } from '../../../src/frontend/outputs.ts';
import { encodePlan, storedPlan } from '../../../src/frontend/planFile.ts';
import type { StoredPlan } from '../../../src/frontend/planFile.ts';
import { randomInput } from '../../support/specs.ts';
import { startRedis } from './redisServer.ts';
import type { RedisServer } from './redisServer.ts';
import { startProgram, startWorker } from './workers.ts';
import type { Program } from './workers.ts';

/** The command line at a Redis of its own: what the tests of one file share. */
export interface Office {
  readonly server: () => RedisServer;
  /** Ended after each test, if it has not ended by then. */
  readonly started: (program: Program) => Program;
  readonly desk: (plan: Plan, count: number) => Promise<Desk>;
  /** A desk without a secret key: whoever encrypts has something else. */
  readonly keylessDesk: (stored: StoredPlan, count: number) => Desk;
  readonly jobsDone: (digest: string) => Promise<number>;
  /** Keys of uploads and results in the Redis. */
  readonly bytesLeft: () => Promise<string[]>;
}

/** Plans, a key and inputs in a folder of their own. */
export interface Desk {
  readonly spec: ConvSpec;
  readonly file: (name: string) => string;
  readonly digest: string;
  readonly submit: (...args: readonly string[]) => Program;
  readonly work: (...args: readonly string[]) => Promise<Program>;
  /** Entries of the folder of results. */
  readonly written: () => number;
  /** Fails unless the results in `out` are all there and right. */
  readonly check: () => void;
}

/** Starts and ends everything with the tests of the file that calls it. */
export function openOffice(): Office {
  let server: RedisServer | null = null;
  const programs: Program[] = [];
  const root = mkdtempSync(join(tmpdir(), 'cipherconv-farm-'));
  let next = 0;
  const redis = (): RedisServer => {
    if (server === null) throw new Error('the Redis has not been started');
    return server;
  };
  beforeAll(async () => {
    server = await startRedis({ options: ['--appendonly', 'yes'] });
  });
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.end('SIGKILL')));
    await redis().look.flushall();
  });
  afterAll(async () => {
    await redis().stop();
    rmSync(root, { recursive: true, force: true });
  });
  const started = (program: Program): Program => {
    programs.push(program);
    return program;
  };
  const keylessDesk = (stored: StoredPlan, count: number): Desk => {
    const folder = join(root, String(next++));
    const file = (name: string): string => join(folder, name);
    const { spec } = stored.plan;
    mkdirSync(file('in'), { recursive: true });
    writeFileSync(file('plan.json'), encodePlan(stored));
    writeFileSync(file('client.json'), encodeClientPlan(clientPlanOf(stored)));
    const inputs = Array.from({ length: count }, (_, seed) => randomInput(spec, seed + 1));
    inputs.forEach((input, index) => {
      writeFileSync(file(`in/${index}.json`), encodeTensorJson(input));
    });
    const { url } = redis();
    return {
      spec,
      file,
      digest: stored.digest,
      submit: (...args) =>
        started(
          startProgram([
            ...['farm', 'submit', file('client.json'), '--redis', url, '--json'],
            ...['-i', file('in'), '-o', file('out'), ...args],
          ]),
        ),
      work: async (...args) =>
        started(
          await startWorker([
            ...[file('plan.json'), '--redis', url, '--concurrency', '1', '--lock', '2'],
            ...args,
          ]),
        ),
      written: () => {
        try {
          return readdirSync(file('out')).length;
        } catch {
          return 0;
        }
      },
      check: () => {
        inputs.forEach((input, index) => {
          const { data } = JSON.parse(readFileSync(file(`out/${index}.json`), 'utf8')) as { data: number[] };
          expect(data).toEqual([...convolve(spec, input).data]);
        });
        expect(readdirSync(file('out')).filter((name) => name !== '.cipherconv-farm')).toHaveLength(count);
      },
    };
  };
  return {
    server: redis,
    started,
    keylessDesk,
    desk: async (plan, count) => {
      const stored = storedPlan(plan, 'NCHW');
      const here = keylessDesk(stored, count);
      using client = await createPlanClient(clientPlanOf(stored));
      writeFileSync(here.file('key'), client.exportSecretKey(), { mode: 0o600 });
      return here;
    },
    jobsDone: async (digest) =>
      Number(await redis().look.hget(`cipherconv:queue:${digest}:metrics:completed`, 'count')),
    bytesLeft: async () => [
      ...(await redis().look.keys('cipherconv:upload:*')),
      ...(await redis().look.keys('cipherconv:result:*')),
    ],
  };
}
