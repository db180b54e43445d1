import { fc, runs } from '../support/properties.ts';
import { afterEach, describe, expect, it } from 'vitest';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { resultsOfPart, splitProgram, takePart, uploadOfPart } from '../../compiler/toeplitz/parts.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import { planWork } from '../../runtime/pool/workPlan.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { manyChannels, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const tiles = simpleSpec({ input: { height: 120, width: 120 } });
const grouped = simpleSpec({
  input: { channels: 24, height: 20, width: 20 },
  weights: {
    outChannels: 24,
    channelsPerGroup: 1,
    values: Array.from({ length: 216 }, (_, index) => index % 4),
  },
  group: 24,
});

/** Small degrees make many ciphertexts, so that there is something to split. */
const plans: readonly (readonly [string, Plan])[] = [
  ['channels, direct kernel', compileToeplitz(manyChannels, { degree: 1024, kernel: 'direct' })],
  [
    'channels, whole uploads',
    compileToeplitz(manyChannels, { degree: 1024, kernel: 'direct', upload: 'whole' }),
  ],
  ['channels, ntt kernel', compileToeplitz(manyChannels, { degree: 1024, kernel: 'ntt' })],
  ['tiles', compileToeplitz(tiles, { degree: 1024 })],
  ['groups', compileToeplitz(grouped, { degree: 1024 })],
];

/** Bytes of one plane of degree 1024: both components, one limb. */
const PLANES_AT_LEAST = 2 * 4 * 1024;

describe('splitting a program', () => {
  it('gives every result to exactly one part and every part what it reads', () => {
    fc.assert(
      fc.property(arbitrarySpec(40), fc.integer({ min: 1, max: 5 }), (spec, workers) => {
        const plan = compileToeplitz(spec);
        const program = buildProgram(plan);
        const parts = splitProgram(plan, program, workers);
        expect(parts.length).toBeLessThanOrEqual(workers);
        const results = parts.flatMap((part) => resultsOfPart(program, part)).sort((a, b) => a - b);
        expect(results).toEqual(Array.from({ length: plan.counts.outputCiphertexts }, (_, index) => index));
        for (const part of parts) {
          const taken = takePart(plan, program, part);
          const perGroup = taken.plan.transfer.usedChunks.length;
          expect(uploadOfPart(plan, program, part)).toHaveLength(taken.program.blockGroups.length * perGroup);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});

describe('a pool of workers', () => {
  it.each(plans)('%s: gives the bytes of one thread, with any number of workers', async (_, plan) => {
    const input = randomInput(plan.spec, 3);
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan);
    const upload = client.encrypt(input);
    const expected = evaluator.evaluate(upload);
    for (const workers of [1, 2, 3]) {
      const pool = await createEvaluatorPool(plan, { workers });
      expect(pool.workers).toBe(workers);
      for (let run = 0; run < 2; run++) {
        const response = await pool.evaluate(upload.map((bytes) => bytes.slice()));
        expect(response).toEqual(expected);
      }
      await pool.dispose();
    }
    expect(client.decrypt(expected)).toEqual(convolve(plan.spec, input));
    client.dispose();
    evaluator.dispose();
  });

  it.each([
    ['moves the upload to workers of the ntt kernel instead of copying it', plans[2]![1], true],
    ['leaves the upload to the caller with the direct kernel', plans[0]![1], false],
  ] as const)('%s', async (_, plan, moves) => {
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    const upload = client.encrypt(randomInput(plan.spec, 1));
    const before = upload.map((bytes) => bytes.slice());
    const response = await pool.evaluate(upload);
    expect(upload).toEqual(moves ? upload.map(() => new Uint8Array(0)) : before);
    expect(response.every((bytes) => bytes.buffer instanceof ArrayBuffer && bytes.length > 0)).toBe(true);
    await pool.dispose();
    client.dispose();
  });

  it('gives responses that later evaluations leave alone', async () => {
    const [, plan] = plans[0]!;
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    const inputs = [1, 2].map((seed) => randomInput(plan.spec, seed));
    const responses: Uint8Array[][] = [];
    for (const input of inputs) responses.push(await pool.evaluate(client.encrypt(input)));
    expect(responses.map((response) => client.decrypt(response))).toEqual(
      inputs.map((input) => convolve(plan.spec, input)),
    );
    await pool.dispose();
    client.dispose();
  });

  it.each([1, 2])('reuses the room of a response where that is asked for, on %i threads', async (workers) => {
    const [, plan] = plans[0]!;
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers, reuseResponse: true });
    expect(pool.workers).toBe(workers);
    const inputs = [1, 2].map((seed) => randomInput(plan.spec, seed));
    const uploads = inputs.map((input) => client.encrypt(input));
    const [first, second] = [await pool.evaluate(uploads[0]!), await pool.evaluate(uploads[1]!)];
    expect(client.decrypt(second)).toEqual(convolve(plan.spec, inputs[1]!));
    expect(first.map(({ buffer }) => buffer)).toEqual(second.map(({ buffer }) => buffer));
    expect(client.decrypt(first)).toEqual(convolve(plan.spec, inputs[1]!));
    await pool.dispose();
    client.dispose();
  });

  it('works wave by wave where the planes of all block groups do not fit', async () => {
    const spec = simpleSpec({ input: { height: 1000, width: 1000, bits: 1 } });
    const plan = compileToeplitz(spec, { degree: 1024, kernel: 'direct' });
    const groups = buildProgram(plan).blockGroups.length;
    expect(planWork({ groups, planes: 1, pieces: 1 }, PLANES_AT_LEAST).sets).toBeLessThan(groups);
    const input = randomInput(spec, 7);
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(spec, input));
    await pool.dispose();
    client.dispose();
  });

  it('keeps evaluations that overlap apart', async () => {
    for (const [, plan] of plans) {
      const client = await createClient(clientView(plan));
      const pool = await createEvaluatorPool(plan, { workers: 2 });
      const inputs = [1, 2, 3].map((seed) => randomInput(plan.spec, seed));
      const responses = await Promise.all(inputs.map((input) => pool.evaluate(client.encrypt(input))));
      responses.forEach((response, index) => {
        expect(client.decrypt(response)).toEqual(convolve(plan.spec, inputs[index]!));
      });
      await pool.dispose();
      client.dispose();
    }
  });

  it('stops at an abort, and works on afterwards; refusals come back as errors', async () => {
    const [, plan] = plans[0]!;
    const input = randomInput(plan.spec, 5);
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    const controller = new AbortController();
    const aborted = pool.evaluate(client.encrypt(input), { signal: controller.signal });
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(pool.evaluate(client.encrypt(input), { signal: AbortSignal.abort() })).rejects.toThrow();
    const bad = client.encrypt(input);
    bad[0] = bad[0]!.slice(1);
    await expect(pool.evaluate(bad)).rejects.toMatchObject({ code: 'malformed-tensor' });
    await expect(pool.evaluate([])).rejects.toMatchObject({ code: 'malformed-tensor' });
    expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(plan.spec, input));
    await pool.dispose();
    client.dispose();
  });

  it('ends at an abort with its reason, whichever kernel', async () => {
    const [, plan] = plans[0]!;
    const client = await createClient(clientView(plan));
    const reason = new Error('no longer wanted');
    for (const kernel of ['ntt', 'direct'] as const) {
      await using pool = await createEvaluatorPool(plan, { workers: 2, kernel });
      const controller = new AbortController();
      const upload = client.encrypt(randomInput(plan.spec, 5));
      const aborted = pool.evaluate(upload, { signal: controller.signal });
      controller.abort(reason);
      await expect(aborted).rejects.toBe(reason);
    }
    client.dispose();
  });

  it('waits for its turn: an evaluation that is aborted meanwhile never begins', async () => {
    const [, plan] = plans[0]!;
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    const input = randomInput(plan.spec, 5);
    const controller = new AbortController();
    const first = pool.evaluate(client.encrypt(input));
    const second = pool.evaluate(client.encrypt(input), { signal: controller.signal });
    const third = pool.evaluate(client.encrypt(input));
    controller.abort(new Error('changed my mind'));
    await expect(second).rejects.toThrow('changed my mind');
    for (const response of [await first, await third])
      expect(client.decrypt(response)).toEqual(convolve(plan.spec, input));
    await pool.dispose();
    await expect(pool.evaluate(client.encrypt(input))).rejects.toThrow('used after dispose');
    client.dispose();
  });
});
