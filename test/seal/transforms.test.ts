import { describe, expect, it } from 'vitest';
import { clientView } from '../../compiler/lowerings/views.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { buildToeplitz } from '../../compiler/toeplitz/program.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { createJudge } from '../../runtime/evaluator/judge.ts';
import { fitsTransforms } from '../../runtime/evaluator/rowShape.ts';
import { TransformEvaluator } from '../../runtime/evaluator/transforms.ts';
import { compileToeplitz } from '../support/compile.ts';
import { withPrimes } from '../support/kernels.ts';
import { fc, runs } from '../support/properties.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

/** SEAL's words, and the convolution; in one memory and with every weight transformed at each use. */
async function expectSealsWords(plan: ToeplitzPlan, seed: number): Promise<void> {
  const input = randomInput(plan.spec, seed);
  using client = await createClient(clientView(plan));
  using judge = await createJudge(plan, null);
  const upload = client.encrypt(input);
  const expected = judge.evaluate(upload);
  for (const options of [{}, { weightMemoryBytes: 0 }, { weightMemoryBytes: 200_000 }]) {
    using evaluator = await createEvaluator(plan, options);
    expect(evaluator).toBeInstanceOf(TransformEvaluator);
    // Twice: nothing of a request is left for the next.
    for (let time = 0; time < 2; time++) {
      const response = evaluator.evaluate(upload);
      expect(response.length).toBe(expected.length);
      response.forEach((bytes, index) => {
        expect(Buffer.compare(bytes, expected[index]!)).toBe(0);
      });
      expect(client.decrypt(response)).toEqual(convolve(plan.spec, input));
    }
  }
}

const batch = simpleSpec({
  input: { batch: 4, channels: 3, height: 30, width: 30, zeroPoint: 2 },
  weights: {
    channelsPerGroup: 3,
    bits: 3,
    values: Array.from({ length: 27 }, (_, index) => (index % 7) - 3),
    signed: true,
  },
});

describe('the ntt kernel in our own arithmetic: the words of SEAL', () => {
  it('on random programs', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySpec(8), fc.nat(), async (spec, seed) => {
        await expectSealsWords(compileToeplitz(spec, { kernel: 'ntt' }), seed);
      }),
      { numRuns: runs(40) },
    );
  });

  it.each([[[60]], [[36, 36, 37]], [[53, 52]], [[34, 34, 34]], [[48]], [[27, 31, 30]]])(
    'of several block groups, under primes of %j bits',
    async (bits) => {
      const plan = compileToeplitz(batch, { kernel: 'ntt', degree: 4096 });
      expect(buildToeplitz(plan).blockGroups.length).toBeGreaterThan(0);
      await expectSealsWords(withPrimes(plan, bits), 3);
    },
  );

  it('of more groups than go through the matrix together', async () => {
    const plan = compileToeplitz(batch, { kernel: 'ntt', degree: 1024 });
    expect(buildToeplitz(plan).blockGroups.length).toBeGreaterThan(3);
    await expectSealsWords(plan, 4);
  });

  it('refuses what SEAL refuses', async () => {
    const plan = compileToeplitz(batch, { kernel: 'ntt', degree: 1024 });
    using client = await createClient(clientView(plan));
    using evaluator = await createEvaluator(plan);
    const upload = client.encrypt(randomInput(batch, 1));
    expect(() => evaluator.evaluate(upload.slice(1))).toThrow('wrong number of ciphertexts');
    expect(() => evaluator.evaluate([upload[0]!.slice(1), ...upload.slice(1)])).toThrow(
      'not a ciphertext of this plan',
    );
    expect(() => {
      evaluator.loadEvaluationKeys(new Uint8Array(1));
    }).toThrow();
  });
});

describe('sums and weights that lanes do not hold', () => {
  const plan = compileToeplitz(batch, { kernel: 'ntt', degree: 4096 });
  const program = buildToeplitz(plan);
  /** The program with every weight multiplied. */
  const times = (factor: number): typeof program => ({
    ...program,
    plaintexts: program.plaintexts.map((each) => ({
      ...each,
      values: each.values.map((value) => value * factor),
    })),
  });

  it('are left to SEAL', () => {
    const wide = withPrimes(plan, [60]);
    expect(fitsTransforms(wide, program)).toBe(true);
    // Three lanes hold norms up to 2^29 under 60 bits; a row has one of 46 here.
    const large = times(2 ** 20);
    const often = large.rows.map((terms) => Array.from({ length: 16 }, () => terms).flat());
    expect(fitsTransforms(wide, large)).toBe(true);
    expect(fitsTransforms(wide, { ...large, rows: often })).toBe(false);
    // Of a narrow prime any sum is a residue, but a weight has to be below it.
    const narrow = withPrimes(plan, [20]);
    expect(fitsTransforms(narrow, times(2 ** 18))).toBe(true);
    expect(fitsTransforms(narrow, times(2 ** 19))).toBe(false);
  });
});
