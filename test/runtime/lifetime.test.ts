import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { uploadForm } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { createPlanClient } from '../../src/client/index.ts';
import { clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { openRunner, run } from '../../src/run.ts';
import type { RunStep } from '../../src/run.ts';
import { createPlanServer } from '../../src/server/planServer.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { randomInput } from '../support/specs.ts';
import { smallSpec } from './handmadePlan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

const toeplitz = compileSpec(smallSpec({ channels: 2, outChannels: 20 }));
const plans: readonly (readonly [string, () => Plan])[] = [
  [
    'the direct kernel',
    () => compileSpec(smallSpec({ channels: 2 }), { lowering: 'toeplitz', kernel: 'direct' }),
  ],
  ['the ntt kernel', () => compileSpec(smallSpec({ channels: 2 }), { lowering: 'toeplitz', kernel: 'ntt' })],
  [
    "SEAL's evaluator",
    () => compileSpec(smallSpec({ channels: 2 }), { lowering: 'toeplitz', engine: 'seal' }),
  ],
  ['diagonals', () => diagonals(square(3, 1))],
];

/** Use after dispose is the caller's mistake: never `internal`, which asks for a report. */
const usedAfterDispose = expect.objectContaining({
  code: 'usage',
  message: expect.stringMatching(
    /^the \w+ is used after dispose\n.*dispose of it after its last use/s,
  ) as string,
}) as Error;

describe.each(plans)('use after dispose, %s', (_, make) => {
  it('is refused by what was disposed, as a mistake of the caller', async () => {
    const plan = make();
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan);
    const upload = client.encrypt(randomInput(plan.spec, 1));
    client.dispose();
    evaluator.dispose();
    client.dispose();
    for (const use of [
      () => client.encrypt(randomInput(plan.spec, 1)),
      () => client.decrypt([]),
      () => client.evaluationKeys(),
      () => client.secretKey(),
      () => evaluator.evaluate(upload),
      () => {
        evaluator.loadEvaluationKeys(new Uint8Array(0));
      },
    ])
      expect(use).toThrow(usedAfterDispose);
  });

  it('is refused by plan clients, plan servers and runners', async () => {
    const plan = make();
    const stored = storedPlan(plan, 'NCHW');
    const server = await createPlanServer(stored);
    const client = await createPlanClient(clientPlanOf(stored));
    const upload = client.encrypt(randomInput(plan.spec, 1));
    const keys = client.evaluationKeys();
    client.dispose();
    server.dispose();
    expect(() => client.encrypt(randomInput(plan.spec, 1))).toThrow(usedAfterDispose);
    expect(() => client.evaluationKeys()).toThrow(usedAfterDispose);
    expect(() => client.exportSecretKey()).toThrow(usedAfterDispose);
    expect(() => server.evaluate(upload, keys)).toThrow(usedAfterDispose);
    const runner = await openRunner(plan);
    runner.dispose();
    await expect(runner.run(randomInput(plan.spec, 1))).rejects.toThrow(usedAfterDispose);
  });

  it('`using` disposes of clients, evaluators, servers and runners', async () => {
    const plan = make();
    const stored = storedPlan(plan, 'NCHW');
    const before = liveSealObjects();
    {
      using client = await createClient(clientView(plan));
      using evaluator = await createEvaluator(plan);
      using planClient = await createPlanClient(clientPlanOf(stored));
      using server = await createPlanServer(stored);
      using runner = await openRunner(plan);
      await using pool = await createEvaluatorPool(plan, { workers: 1 });
      evaluator.loadEvaluationKeys(client.evaluationKeys());
      const input = randomInput(plan.spec, 2);
      expect(client.decrypt(evaluator.evaluate(client.encrypt(input)))).toEqual(convolve(plan.spec, input));
      expect((await runner.run(input)).report.match).toBe(true);
      expect([planClient.uploadBytes, pool.workers]).toEqual([server.uploadBytes, 1]);
      // Our own arithmetic does without SEAL.
      if (uploadForm(plan) === 'seal-seeded') expect(liveSealObjects()).toBeGreaterThan(before);
    }
    expect(liveSealObjects()).toBe(before);
  });
});

describe('use after dispose of a pool', () => {
  it.each(['direct', 'ntt'] as const)('of several threads, %s kernel', async (kernel) => {
    const plan = compileSpec(smallSpec({ channels: 16, outChannels: 64, height: 16, width: 16 }), {
      lowering: 'toeplitz',
      degree: 1024,
      kernel,
    });
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    expect(pool.workers).toBe(2);
    using client = await createClient(clientView(plan));
    await pool.dispose();
    await expect(pool.evaluate(client.encrypt(randomInput(plan.spec, 1)))).rejects.toThrow(usedAfterDispose);
  });
});

describe('the signal of a run', () => {
  const input = randomInput(toeplitz.spec, 3);
  const steps: readonly RunStep[] = [
    'load SEAL',
    'keygen',
    'prepare',
    'encrypt',
    'evaluate',
    'decrypt',
    'judge',
    'compare',
  ];

  it.each(steps)('stops it before the step %s, and nothing is left', async (at) => {
    const before = liveSealObjects();
    const controller = new AbortController();
    const begun: RunStep[] = [];
    const onProgress = (step: RunStep): void => {
      if (!begun.includes(step)) begun.push(step);
      if (step === at) controller.abort(new Error('enough'));
    };
    await expect(run(toeplitz, input, { onProgress, signal: controller.signal })).rejects.toThrow('enough');
    expect(begun).toEqual(steps.slice(0, steps.indexOf(at) + 1));
    expect(liveSealObjects()).toBe(before);
  });

  it('belongs to one call: the runner goes on afterwards', async () => {
    using runner = await openRunner(toeplitz);
    await expect(runner.run(input, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
    expect((await runner.run(input)).report.match).toBe(true);
  });
});
