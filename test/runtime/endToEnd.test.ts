import { afterEach, describe, expect, it } from 'vitest';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { compareTensors } from '../../runtime/clear/compare.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import type { EvaluatorOptions } from '../../runtime/evaluator/evaluator.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { randomInput } from '../support/specs.ts';
import { handmadePlan, smallSpec } from './handmadePlan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

/** Encrypts, evaluates and decrypts `rounds` random inputs; each must equal the loops and the simulation. */
async function roundTrip(plan: Plan, options?: EvaluatorOptions, rounds = 2): Promise<void> {
  const client = await createClient(clientView(plan));
  const evaluator = await createEvaluator(plan, options);
  try {
    for (let round = 0; round < rounds; round++) {
      const input = randomInput(plan.spec, 100 + round);
      const upload = client.encrypt(input);
      expect(upload.length).toBe(plan.counts.inputCiphertexts);
      const results = evaluator.evaluate(upload);
      expect(results.length).toBe(plan.counts.outputCiphertexts);
      const expected = convolve(plan.spec, input);
      expect(compareTensors(expected, simulate(plan, buildProgram(plan), input)).first).toBe(null);
      expect(compareTensors(expected, client.decrypt(results)).first).toBe(null);
      expect(client.measuredBudgetBits(results)).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
    }
  } finally {
    client.dispose();
    evaluator.dispose();
  }
}

const square = { rows: 2, columns: 2 };

const plans: Record<string, () => Plan> = {
  '8x8, one 3x3 filter, pad 1, 2 bits': () => handmadePlan(smallSpec()),
  'stride 2 by space-to-depth': () =>
    handmadePlan(smallSpec({ strides: [2, 2], height: 9 }), {
      phaseFactors: square,
      channelsPerCiphertext: 4,
    }),
  'stride 2 read directly': () => handmadePlan(smallSpec({ strides: [2, 2] })),
  'several channels and outputs, signed, zero points and biases': () =>
    handmadePlan(
      smallSpec({
        channels: 5,
        outChannels: 6,
        signed: true,
        bits: 3,
        inputZeroPoint: -1,
        weightZeroPoint: 1,
        bias: -17,
      }),
      { channelsPerCiphertext: 2, outputsPerProduct: 3 },
    ),
  'tiles, images of a batch and blocks that share a ciphertext': () =>
    handmadePlan(
      smallSpec({ batch: 3, channels: 2, outChannels: 2, height: 11, width: 7, pads: [1, 0, 2, 1] }),
      {
        tile: { height: 4, width: 5 },
        channelsPerCiphertext: 2,
        blocksPerCiphertext: 4,
        outputsPerProduct: 2,
      },
    ),
  'groups, dilation': () =>
    handmadePlan(smallSpec({ channels: 4, outChannels: 4, group: 2, dilations: [2, 1], kernel: [2, 3] }), {
      channelsPerCiphertext: 2,
    }),
  'an output channel with weights 0': () =>
    handmadePlan(smallSpec({ outChannels: 3, zeroOutputs: [1], bias: 5 })),
  'an input channel that no weight reads': () =>
    handmadePlan(smallSpec({ channels: 3, kernel: [1, 1], pads: [0, 0, 0, 0], values: [1, 0, 3] })),
  'a larger t than needed': () => handmadePlan(smallSpec(), {}, undefined, 997),
  'two data primes and a special prime': () =>
    handmadePlan(
      smallSpec({ channels: 2, bits: 8 }),
      { degree: 4096, channelsPerCiphertext: 2 },
      [36, 36, 30],
    ),
};

describe('client and evaluator', () => {
  it.each(Object.entries(plans))('%s', async (_name, plan) => {
    await roundTrip(plan());
  });

  it('decodes exactly beside the largest bias', async () => {
    const bias = 2 ** 51 + 2 ** 50;
    await roundTrip(handmadePlan(smallSpec({ outChannels: 2, signed: true, bias })));
    await roundTrip(handmadePlan(smallSpec({ outChannels: 2, signed: true, bias: -bias })));
  });

  // Two inputs of two polynomials and the sums of a block group: SEAL has 64-bit words, we 32-bit ones, inputs with quotients.
  it.each([
    ['seal-seeded', (2 * 2 + 2) * 1024 * 8],
    ['seeded', (2 * 2 * 2 + 2) * 1024 * 4],
  ] as const)(
    'gives the same integers with weights made on the fly, for one block group at a time and for several (%s)',
    async (upload, groupBytes) => {
      const spec = smallSpec({ batch: 3, channels: 2, outChannels: 12, height: 11, width: 7 });
      const packed = handmadePlan(spec, { tile: { height: 4, width: 5 }, blocksPerCiphertext: 4 });
      const plan: ToeplitzPlan = { ...packed, execution: { kernel: 'ntt', upload } };
      expect(plan.counts).toMatchObject({ inputCiphertexts: 10, weightPlaintexts: 24, products: 120 });
      for (const [weightMemoryBytes, perBatch] of [
        [0, 1],
        [2 * groupBytes, 2],
      ] as const) {
        const progress: number[] = [];
        await roundTrip(plan, { weightMemoryBytes, onProgress: (done) => progress.push(done) }, 1);
        // The first row of the first batch: two products for each group of the batch.
        expect(progress.at(0)).toBe(2 * perBatch);
        expect(progress.at(-1)).toBe(120);
      }
    },
  );

  it('knows the outputs of a filter of zeros without a ciphertext', async () => {
    const plan = handmadePlan(smallSpec({ outChannels: 2, zeroOutputs: [0, 1], bias: 3 }));
    expect(plan.counts.inputCiphertexts).toBe(0);
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan);
    const results = evaluator.evaluate(client.encrypt(randomInput(plan.spec, 1)));
    expect(results).toEqual([]);
    expect(new Set(client.decrypt(results).data)).toEqual(new Set([3, 6]));
    expect(client.measuredBudgetBits(results)).toBeGreaterThan(10);
    client.dispose();
    evaluator.dispose();
  });
});

describe('what the evaluator says', () => {
  it.each([
    ['seal-seeded', 12 * 1024 * 8],
    ['seeded', 12 * 1024 * 4],
  ] as const)('which weights it holds, and how far it is (%s)', async (upload, bytes) => {
    const packed = handmadePlan(smallSpec({ channels: 3, outChannels: 4 }));
    const plan: ToeplitzPlan = { ...packed, execution: { kernel: 'ntt', upload } };
    const progress: string[] = [];
    const onProgress = (done: number, total: number): void => void progress.push(`${done}/${total}`);
    const resident = await createEvaluator(plan, { onProgress });
    expect(resident.weights).toEqual({ kind: 'resident', count: 12, bytes });
    expect(progress.at(0)).toBe('1/12');
    expect(progress.at(-1)).toBe('12/12');
    resident.dispose();
    progress.length = 0;
    const made = await createEvaluator(plan, { onProgress, weightMemoryBytes: bytes - 1 });
    expect(made.weights).toEqual({ kind: 'on-the-fly', count: 12, bytes });
    expect(progress).toEqual([]);
    const client = await createClient(clientView(plan));
    made.evaluate(client.encrypt(randomInput(plan.spec, 1)));
    expect(progress).toEqual(['3/12', '6/12', '9/12', '12/12']);
    made.dispose();
    client.dispose();
  });

  it('refuses uploads that are not of this plan, and works on', async () => {
    const plan = handmadePlan(smallSpec({ channels: 2 }));
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan);
    const input = randomInput(plan.spec, 1);
    const upload = client.encrypt(input);
    const expectRefusal = (bytes: Uint8Array[], where: string): void => {
      expect(() => evaluator.evaluate(bytes)).toThrow(
        expect.objectContaining({ code: 'malformed-tensor', details: expect.objectContaining({ where }) }),
      );
    };
    expectRefusal(upload.slice(1), 'upload');
    expectRefusal([...upload, upload[0]!], 'upload');
    expectRefusal([upload[0]!, upload[1]!.subarray(1)], 'upload[1]');
    const forged = upload[0]!.slice();
    forged.fill(255, 0, 8); // the first coefficient is not below q
    expectRefusal([forged, upload[1]!], 'upload[0]');
    const results = evaluator.evaluate(upload.map((bytes) => Buffer.from(bytes)));
    expect(compareTensors(convolve(plan.spec, input), client.decrypt(results)).match).toBe(true);
    expect(() => client.decrypt([])).toThrow(expect.objectContaining({ code: 'malformed-tensor' }));
    client.dispose();
    evaluator.dispose();
    expect(() => evaluator.evaluate(upload)).toThrow('used after dispose');
    expect(() => client.encrypt(input)).toThrow('used after dispose');
  });

  it('refuses a plan whose transfer does not fit its program', async () => {
    const plan = handmadePlan(smallSpec({ channels: 2 }));
    for (const transfer of [
      { usedChunks: [0], emptyRows: [] },
      { usedChunks: [0, 1], emptyRows: [0] },
    ]) {
      await expect(createEvaluator({ ...plan, transfer })).rejects.toMatchObject({ code: 'plan-rejected' });
    }
  });
});

describe('what the client refuses', () => {
  it('tensors of another shape, and values outside the range', async () => {
    const client = await createClient(clientView(handmadePlan(smallSpec())));
    const values = new Array<number>(64).fill(0);
    expect(() => client.encrypt(makeTensor([1, 1, 4, 16], values))).toThrow(
      expect.objectContaining({ code: 'shape-mismatch' }),
    );
    for (const value of [4, -1, 0.5, Number.NaN]) {
      const data = Float64Array.from(values);
      data[9] = value;
      expect(() => client.encrypt({ shape: [1, 1, 8, 8], data })).toThrow(
        expect.objectContaining({
          code: 'out-of-range',
          details: expect.objectContaining({ where: 'input.data[9]', found: String(value) }),
        }),
      );
    }
    client.dispose();
  });
});
