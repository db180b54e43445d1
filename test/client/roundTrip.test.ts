import { fc, runs } from '../support/properties.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { keyBytes as keyBytesOf } from '../../compiler/lowerings/plan.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { handmadePlan, smallSpec } from '../runtime/handmadePlan.ts';
import { diagonals, square } from '../support/diagonals.ts';
import { ask, withServices } from '../support/services.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const plans: Record<string, () => Plan> = {
  'toeplitz, one ciphertext': () => compileSpec(smallSpec()),
  'toeplitz, several ciphertexts, blocks and rows': () =>
    handmadePlan(
      smallSpec({ batch: 3, channels: 4, outChannels: 3, height: 11, width: 7, zeroOutputs: [1] }),
      { tile: { height: 4, width: 5 }, channelsPerCiphertext: 2, blocksPerCiphertext: 2 },
    ),
  'toeplitz, weights of zero: nothing travels but the headers': () =>
    compileSpec(smallSpec({ outChannels: 2, zeroOutputs: [0, 1], bias: 3 })),
  'two data primes and a special prime': () =>
    handmadePlan(
      smallSpec({ channels: 2, bits: 8 }),
      { degree: 4096, channelsPerCiphertext: 2 },
      [36, 36, 30],
    ),
  'diagonals with evaluation keys': () => diagonals(square(3, 1)),
  'diagonals without rotations': () => diagonals(square(1, 0)),
};

describe.each(Object.entries(plans))('messages of %s', (_, make) => {
  it('give the convolution, and are as long as the plan predicts', async () => {
    const plan = make();
    await withServices(plan, (services) => {
      const { client, server } = services;
      const input = randomInput(plan.spec, 3);
      const upload = client.encrypt(input);
      const keys = client.evaluationKeys();
      const response = server.evaluate(upload, keys);
      expect(client.decrypt(response)).toEqual(convolve(plan.spec, input));
      expect(upload.length).toBe(plan.bytes.upload + 40);
      expect(response.length).toBe(plan.bytes.response + 40);
      expect([client.uploadBytes, client.responseBytes]).toEqual([upload.length, response.length]);
      expect([server.uploadBytes, server.responseBytes]).toEqual([upload.length, response.length]);
      const keyBytes = keyBytesOf(plan);
      expect(keys.length).toBe(40 + keyBytes);
      expect(server.evaluationKeyBytes).toBe(keyBytes === 0 ? 0 : keys.length);
      expect(client.evaluationKeyBytes).toBe(server.evaluationKeyBytes);
    });
  });

  it('tell what is left of the noise budget, at least what the plan predicts, or nothing where nothing came back', async () => {
    const plan = make();
    await withServices(plan, ({ client, server }) => {
      const exchange = client.begin(randomInput(plan.spec, 5));
      const response = server.evaluate(exchange.upload, client.evaluationKeys());
      const bits = exchange.noiseBudgetBits(response);
      if (plan.counts.outputCiphertexts === 0) expect(bits).toBeNull();
      else expect(bits).toBeGreaterThanOrEqual(Math.floor(plan.noise.predictedBudgetBits));
      expect(() => exchange.noiseBudgetBits(response.subarray(1))).toThrow(CipherconvError);
      expect(exchange.decrypt(response)).toEqual(convolve(plan.spec, randomInput(plan.spec, 5)));
    });
  });

  it('can be read with the exported key by another client', async () => {
    const plan = make();
    const input = randomInput(plan.spec, 4);
    const { secretKey, response } = await withServices(plan, ({ client, server }) => ({
      secretKey: client.exportSecretKey(),
      response: server.evaluate(client.encrypt(input), client.evaluationKeys()),
    }));
    await withServices(
      plan,
      (services) => {
        expect(services.client.decrypt(response)).toEqual(convolve(plan.spec, input));
        expect(services.client.exportSecretKey()).toEqual(secretKey);
        expect(ask(services, input)).toEqual(convolve(plan.spec, input));
      },
      { secretKey },
    );
  });
});

it('encryptions of zero made ahead serve whole inputs, each once', async () => {
  const plan = compileSpec(smallSpec({ channels: 3 }));
  await withServices(plan, (services) => {
    services.client.prepare(2);
    for (const seed of [1, 2, 3]) {
      const input = randomInput(plan.spec, seed);
      expect(ask(services, input)).toEqual(convolve(plan.spec, input));
    }
    const input = randomInput(plan.spec, 4);
    expect(services.client.encrypt(input)).not.toEqual(services.client.encrypt(input));
  });
});

it('tensors of another shape or layout are refused', async () => {
  await withServices(
    compileSpec(smallSpec({ channels: 2 })),
    ({ client }) => {
      // NCHW whatever the plan's layout is, as everywhere in the API.
      expect(client.inputShape).toEqual([1, 2, 8, 8]);
      const wrong = { shape: [1, 8, 8, 2], data: new Float64Array(128) };
      expect(() => client.encrypt(wrong)).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
      const short = { shape: [1, 2, 8, 8], data: new Float64Array(127) };
      expect(() => client.encrypt(short)).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
      const large = { shape: [1, 2, 8, 8], data: new Float64Array(128).fill(99) };
      expect(() => client.encrypt(large)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    },
    { layout: 'NHWC' },
  );
});

it('every message of random convolutions, in both layouts', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitrarySpec(4),
      fc.constantFrom('NCHW' as const, 'NHWC' as const),
      async (spec, layout) => {
        let plan: Plan;
        try {
          plan = compileSpec(spec);
        } catch (error) {
          if (error instanceof CipherconvError && error.code === 'beyond-bfv') return;
          throw error;
        }
        await withServices(
          plan,
          (services) => {
            const input = randomInput(spec, 5);
            expect(services.client.uploadBytes).toBe(plan.bytes.upload + 40);
            expect(services.client.responseBytes).toBe(plan.bytes.response + 40);
            expect(ask(services, input)).toEqual(convolve(spec, input));
          },
          { layout },
        );
      },
    ),
    { numRuns: runs(15) },
  );
});
