import { fc, runs } from '../support/properties.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

describe('uploads that travel whole', () => {
  it('give the convolution, in exactly the bytes that the plan says, on random specs', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySpec(400), fc.integer(), async (spec, seed) => {
        // Weights wider than 16 bits are the ntt kernel's, which takes no whole uploads.
        fc.pre(compileToeplitz(spec).execution.kernel === 'direct');
        const plan = compileToeplitz(spec, { upload: 'whole' });
        const client = await createClient(clientView(plan));
        const evaluator = await createEvaluator(plan);
        try {
          const input = randomInput(spec, seed);
          const upload = client.encrypt(input);
          expect(upload.reduce((sum, { length }) => sum + length, 0)).toBe(plan.bytes.upload);
          const response = evaluator.evaluate(upload);
          expect(client.decrypt(response)).toEqual(convolve(spec, input));
          if (response.length > 0)
            expect(client.measuredBudgetBits(response)).toBeGreaterThanOrEqual(
              Math.floor(plan.noise.predictedBudgetBits),
            );
        } finally {
          evaluator.dispose();
          client.dispose();
        }
      }),
      { numRuns: runs(8) },
    );
  });

  it('never reach SEAL: zeros for c0 and c1 are evaluated, the ntt kernel refuses the plan', async () => {
    const plan = compileToeplitz(simpleSpec(), { upload: 'whole' });
    const evaluator = await createEvaluator(plan);
    const zeros = [new Uint8Array(plan.bytes.upload)];
    const [response] = evaluator.evaluate(zeros);
    expect(response!.length).toBe(plan.bytes.response);
    // c1 comes last: 0 times anything.
    expect(response!.subarray(-64).every((byte) => byte === 0)).toBe(true);
    evaluator.dispose();
    await expect(createEvaluator(plan, { kernel: 'ntt' })).rejects.toMatchObject({ code: 'usage' });
  });

  it('are refused where a coefficient of c1 is not below its prime', async () => {
    const plan = compileToeplitz(simpleSpec(), { upload: 'whole' });
    const client = await createClient(clientView(plan));
    const evaluator = await createEvaluator(plan);
    const [upload] = client.encrypt(randomInput(plan.spec, 1));
    upload!.fill(0xff, upload!.length - 40);
    expect(() => evaluator.evaluate([upload!])).toThrow(/not below its modulus/);
    evaluator.dispose();
    client.dispose();
  });
});
