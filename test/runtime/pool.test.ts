import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { compileToeplitz } from '../../compiler/compile.ts';
import { clientView } from '../../compiler/plan.ts';
import type { Plan } from '../../compiler/plan.ts';
import { buildProgram } from '../../compiler/program.ts';
import { resultsOfPart, splitProgram, takePart, uploadOfPart } from '../../compiler/programParts.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client.ts';
import { createEvaluator } from '../../runtime/evaluator.ts';
import { createEvaluatorPool } from '../../runtime/pool/pool.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const channels = simpleSpec({
  input: { channels: 6, height: 20, width: 20, bits: 4 },
  weights: {
    outChannels: 30,
    channelsPerGroup: 6,
    signed: true,
    bits: 4,
    values: Array.from({ length: 1620 }, (_, index) => ((index * 7) % 16) - 8),
  },
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
  ['channels, direct kernel', compileToeplitz(channels, { degree: 1024, kernel: 'direct' })],
  ['channels, whole uploads', compileToeplitz(channels, { degree: 1024, kernel: 'direct', upload: 'whole' })],
  ['channels, ntt kernel', compileToeplitz(channels, { degree: 1024, kernel: 'ntt' })],
  ['tiles', compileToeplitz(tiles, { degree: 1024 })],
  ['groups', compileToeplitz(grouped, { degree: 1024 })],
];

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
      { numRuns: 200 },
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

  it('moves the upload to the workers instead of copying it', async () => {
    const [, plan] = plans[3]!;
    const client = await createClient(clientView(plan));
    const pool = await createEvaluatorPool(plan, { workers: 2 });
    const upload = client.encrypt(randomInput(plan.spec, 1));
    const response = await pool.evaluate(upload);
    expect(upload.every((bytes) => bytes.byteLength === 0)).toBe(true);
    expect(response.every((bytes) => bytes.byteLength > 0)).toBe(true);
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
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    await expect(pool.evaluate(client.encrypt(input), { signal: AbortSignal.timeout(0) })).rejects.toThrow();
    const bad = client.encrypt(input);
    bad[0] = bad[0]!.slice(1);
    await expect(pool.evaluate(bad)).rejects.toMatchObject({ code: 'malformed-tensor' });
    await expect(pool.evaluate([])).rejects.toMatchObject({ code: 'malformed-tensor' });
    expect(client.decrypt(await pool.evaluate(client.encrypt(input)))).toEqual(convolve(plan.spec, input));
    await pool.dispose();
    client.dispose();
  });
});
