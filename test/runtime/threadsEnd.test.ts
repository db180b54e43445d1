/** Threads that are stopped: replies that are under way then, threads that do not come back, and those that must not. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientView } from '../../compiler/lowerings/views.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { endThreads, takeLateReplies } from '../../runtime/pool/threadsEnd.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import { planCore } from '../../src/frontend/planFile.ts';
import { openHintPool } from '../../src/hintPool.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';
import { compileToeplitz } from '../support/compile.ts';
import { manyChannels, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

/** What would have ended the process. */
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
let others: ReturnType<typeof listeners> = [];
const listeners = () => process.listeners('uncaughtException');

beforeEach(() => {
  uncaught.length = 0;
  others = listeners();
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', note);
});

afterEach(() => {
  process.removeAllListeners('uncaughtException');
  for (const listener of others) process.on('uncaughtException', listener);
});

/** Keeps this thread busy, so that replies wait for it. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe('a reply that comes when its thread has been stopped', () => {
  it('of an evaluation that is aborted is nobody’s, and the next one is right', async () => {
    const plan = compileToeplitz(manyChannels, { degree: 1024, kernel: 'ntt', protocol: 'standard' });
    const input = randomInput(plan.spec, 1);
    using client = await createClient(clientView(plan));
    await using pool = await createEvaluatorPool(plan, { workers: 2 });
    expect(pool.workers).toBe(2);
    for (let time = 0; time < 6; time++) {
      const controller = new AbortController();
      const reason = new Error('no longer wanted');
      const aborted = pool.evaluate(client.encrypt(input), { signal: controller.signal });
      block(30 * time);
      controller.abort(reason);
      await expect(aborted).rejects.toBe(reason);
      expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(plan.spec, input));
    }
    expect(uncaught).toEqual([]);
  });

  it('of a hint that is given up is nobody’s', async () => {
    const core = planCore(compileToeplitz(simpleSpec(), { protocol: 'hint' }), 'NCHW');
    await using pool = await openHintPool(1);
    await pool.compute(core);
    for (let time = 0; time < 4; time++) {
      const controller = new AbortController();
      const reason = new Error('no longer wanted');
      const aborted = pool.compute(core, controller.signal);
      block(50 * time);
      controller.abort(reason);
      await expect(aborted).rejects.toBe(reason);
      await pool.compute(core);
    }
    expect(uncaught).toEqual([]);
  });
});

it('what waits for a thread that cannot be started again fails', async () => {
  const folder = temporaryFolder();
  const [task, broken] = [join(folder, 'task.mjs'), join(folder, 'broken.mjs')];
  writeFileSync(task, 'export default () => 1;');
  writeFileSync(broken, 'throw new Error("no start");');
  const pool = new Piscina({
    filename: task,
    execArgv: ['--import', broken],
    minThreads: 1,
    maxThreads: 1,
  });
  takeLateReplies(pool);
  const outcomes = await Promise.allSettled([pool.run(null), pool.run(null)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(uncaught).toEqual([]);
});

describe('no thread is left', () => {
  let started = 0;
  let exited = 0;
  const count = (worker: Worker): void => {
    started++;
    worker.on('exit', () => exited++);
  };

  beforeEach(() => {
    started = 0;
    exited = 0;
    process.on('worker', count);
  });

  afterEach(() => {
    process.off('worker', count);
  });

  /** A thread in the place of another is told of in a later turn. */
  const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

  it.each(['direct', 'ntt'] as const)('of pools of the %s kernel that end as they reply', async (kernel) => {
    const plan = compileToeplitz(manyChannels, { degree: 1024, kernel, protocol: 'standard' });
    using client = await createClient(clientView(plan));
    for (let time = 0; time < 3; time++) {
      await using pool = await createEvaluatorPool(plan, { workers: 2 });
      const upload = client.encrypt(randomInput(plan.spec, 1));
      if (time > 0) await pool.evaluate(upload);
      else void pool.evaluate(upload).catch(() => undefined);
    }
    await turns();
    expect([started, exited]).toEqual([6, 6]);
  });

  it('of a pool that several end', async () => {
    const folder = temporaryFolder();
    const task = join(folder, 'task.mjs');
    writeFileSync(task, 'export default () => 1;');
    const pool = new Piscina({ filename: task, minThreads: 2, maxThreads: 2 });
    await pool.run(null);
    pool.once('workerDestroy', () => void endThreads(pool));
    await Promise.all([endThreads(pool), endThreads(pool)]);
    await endThreads(pool);
    await turns();
    expect([started, exited]).toEqual([2, 2]);
  });
});
