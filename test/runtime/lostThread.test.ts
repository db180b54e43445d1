/** A thread of the pool that dies in the middle of an evaluation, or while it is made ready for one. */
import { expect, it, vi } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import type * as Threads from '../../runtime/pool/thread.ts';
import { manyChannels } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

const { doomed, started } = vi.hoisted(() => ({
  doomed: { work: 0, measure: 0, attach: 0 },
  started: new Set<Threads.Thread>(),
}));

vi.mock(import('../../runtime/pool/thread.ts'), async (importOriginal) => {
  const actual: typeof Threads = await importOriginal();
  return {
    ...actual,
    runTask: async (thread, task, ...rest) => {
      const { kind } = task;
      started.add(thread);
      if (kind === 'work' && doomed.work > 0) {
        doomed.work--;
        // It has taken nothing: what it would have done is left to the others.
        await thread.destroy();
        throw new Error('terminated');
      }
      const reply = actual.runTask(thread, task, ...rest);
      if ((kind === 'measure' || kind === 'attach') && doomed[kind] > 0) {
        doomed[kind]--;
        const [outcome] = await Promise.allSettled([reply, thread.destroy()]);
        // Whoever is late to stop it: the reply of a thread that is gone does not arrive.
        throw outcome.status === 'rejected' ? outcome.reason : new Error('terminated');
      }
      return reply;
    },
  };
});

it('fails its evaluation where units are left, keeps nobody waiting, and is replaced', async () => {
  const plan = compileToeplitz(manyChannels, { degree: 1024, kernel: 'direct' });
  const input = randomInput(manyChannels, 11);
  const client = await createClient(clientView(plan));
  const pool = await createEvaluatorPool(plan, { workers: 2 });
  for (const lost of [1, 2]) {
    doomed.work = lost;
    const outcome = await pool.evaluate(client.encrypt(input)).then(
      (response) => client.decrypt(response),
      (error: unknown) => String(error),
    );
    // The other thread may have done everything before it hears of the loss; nobody has done anything where both are lost.
    if (lost === 2 || typeof outcome === 'string') expect(outcome).toMatch(/terminat/i);
    else expect(outcome).toEqual(convolve(manyChannels, input));
    expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(manyChannels, input));
  }
  await pool.dispose();
  client.dispose();
});

it.each(['measure', 'attach'] as const)(
  'serves again when one of two new threads dies at %s',
  async (task) => {
    const plan = compileToeplitz(manyChannels, { degree: 1024, kernel: 'direct' });
    const input = randomInput(manyChannels, 12);
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    doomed.work = 2;
    await expect(pool.evaluate(client.encrypt(input))).rejects.toThrow(/terminat/i);
    doomed[task] = 1;
    await expect(pool.evaluate(client.encrypt(input))).rejects.toThrow(/terminat/i);
    // The other new thread is no half-ready worker.
    expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(manyChannels, input));
    await pool.dispose();
    client.dispose();
  },
);

it('that exits in the middle keeps nobody waiting, and is replaced', async () => {
  const plan = compileToeplitz(manyChannels, { degree: 1024, kernel: 'direct' });
  const input = randomInput(manyChannels, 15);
  using client = await createClient(clientView(plan));
  started.clear();
  await using pool = await createEvaluatorPool(plan, { workers: 2 });
  for (let time = 0; time < 4; time++) {
    const outcome = Promise.allSettled([pool.evaluate(client.encrypt(input))]);
    await Promise.resolve();
    // The first, the second, or both, at whatever they are: what was done in time is right.
    const threads = [...started].flatMap((thread) => thread.threads);
    await Promise.all(threads.slice(-2, time === 0 ? undefined : -1).map((thread) => thread.terminate()));
    const [settled] = await outcome;
    if (settled.status === 'fulfilled')
      expect(client.decrypt(settled.value)).toEqual(convolve(manyChannels, input));
    expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(manyChannels, input));
  }
});

it('is replaced when it was lost between two evaluations', async () => {
  const plan = compileToeplitz(manyChannels, { degree: 1024, kernel: 'direct' });
  const input = randomInput(manyChannels, 14);
  using client = await createClient(clientView(plan));
  started.clear();
  await using pool = await createEvaluatorPool(plan, { workers: 2 });
  await pool.evaluate(client.encrypt(input));
  for (const { threads } of started) for (const thread of threads) await thread.terminate();
  expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(manyChannels, input));
});

it('starts no thread for evaluations that wait for their turn when the pool is disposed', async () => {
  const plan = compileToeplitz(manyChannels, { degree: 1024, kernel: 'direct' });
  const client = await createClient(clientView(plan));
  const pool = await createEvaluatorPool(plan, { workers: 2 });
  const upload = client.encrypt(randomInput(manyChannels, 13));
  const outcomes = Promise.allSettled([pool.evaluate(upload), pool.evaluate(upload)]);
  await pool.dispose();
  const refused = {
    status: 'rejected',
    reason: { details: { code: 'usage', message: 'the pool is used after dispose' } },
  };
  expect(await outcomes).toMatchObject([refused, refused]);
  client.dispose();
});
