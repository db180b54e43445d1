import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import type { Exchange, HintClient } from '../../runtime/client/exchange.ts';
import { createHintClient, createHintDecryptor } from '../../runtime/client/hintClient.ts';
import { OneTimeKey } from '../../runtime/client/oneTimeKey.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { coefficientCode } from '../../runtime/wire/coefficients.ts';
import { scaledMessage } from '../../runtime/client/scaling.ts';
import { viewRules } from '../../compiler/lowerings/views.ts';
import { createPlanClient, decryptWithOneTimeKey } from '../../src/client/client.ts';
import type { PlanExchange } from '../../src/client/planClient.ts';
import { clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { completePlan, planCore } from '../../src/frontend/planFile.ts';
import { computeHint } from '../../src/hint.ts';
import { createPlanServer } from '../../src/server/planServer.ts';
import { compileToeplitz } from '../support/compile.ts';
import { hinted } from '../support/hints.ts';
import { fc, runs } from '../support/properties.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

const spec = simpleSpec({
  input: { batch: 2, channels: 3, height: 40, width: 40, zeroPoint: 2 },
  weights: { channelsPerGroup: 3, values: Array.from({ length: 27 }, (_, index) => index % 4) },
});
const plan = compileToeplitz(spec, { protocol: 'hint', degree: 1024 });

describe('an exchange under a plan with hints', () => {
  it('gives the convolution, prepared or not, with small caches or none, on random specs', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitrarySpec(400),
        fc.integer(),
        fc.constantFrom(0, 20_000, 2 ** 28),
        async (random, seed, cacheBytes) => {
          fc.pre(compileToeplitz(random).execution.kernel === 'direct');
          const hintPlan = compileToeplitz(random, { protocol: 'hint' });
          using evaluator = await createEvaluator(hintPlan);
          const { client } = await hinted(hintPlan, { cacheBytes });
          client.prepare(1);
          expect(client.prepared).toBe(1);
          for (let run = 0; run < 2; run++) {
            const input = randomInput(random, seed + run);
            const exchange = client.begin(input);
            expect(exchange.upload.reduce((sum, { length }) => sum + length, 0)).toBe(hintPlan.bytes.upload);
            const response = evaluator.evaluate(exchange.upload);
            expect(response.reduce((sum, { length }) => sum + length, 0)).toBe(hintPlan.bytes.response);
            if (response.length > 0)
              expect(exchange.measuredBudgetBits(response)).toBeGreaterThanOrEqual(
                Math.floor(hintPlan.noise.predictedBudgetBits),
              );
            expect(exchange.decrypt(response)).toEqual(convolve(random, input));
          }
          expect(client.prepared).toBe(0);
          client.dispose();
        },
      ),
      { numRuns: runs(4) },
    );
    expect(liveSealObjects()).toBe(0);
  });

  it('decrypts once and then has ended; what it read the response with reads it elsewhere too', async () => {
    using evaluator = await createEvaluator(plan);
    const { client } = await hinted(plan);
    const input = randomInput(spec, 1);
    const exchange = client.begin(input);
    const response = evaluator.evaluate(exchange.upload);
    const masks = exchange.resultMasks();
    expect(errorOf(() => exchange.decrypt(response.slice(1)))).toMatchObject({ code: 'malformed-tensor' });
    expect(exchange.decrypt(response)).toEqual(convolve(spec, input));
    expect(errorOf(() => exchange.decrypt(response))).toMatchObject({ code: 'usage' });
    expect(errorOf(() => exchange.resultMasks())).toMatchObject({ code: 'usage' });
    const decryptor = await createHintDecryptor(clientView(plan));
    expect(decryptor.maskBytes).toEqual(masks.map(({ length }) => length));
    expect(decryptor.decrypt(masks, response)).toEqual(convolve(spec, input));
    // A response cannot be read with the key of another exchange.
    const other = client.begin(input);
    expect(other.decrypt(response)).not.toEqual(convolve(spec, input));
    client.dispose();
    expect(errorOf(() => client.begin(input))).toMatchObject({ code: 'usage' });
  });

  it('is refused by a client of the standard protocol, and the other way round', async () => {
    await expect(createClient(clientView(plan))).rejects.toMatchObject({ code: 'usage' });
    const standard = clientView(compileToeplitz(spec, { protocol: 'standard', kernel: 'direct' }));
    const material = { publicSeed: new Uint8Array(32), hint: new Uint8Array(0) };
    await expect(createHintClient(standard, material)).rejects.toMatchObject({ code: 'usage' });
    await expect(createHintClient(clientView(plan), material)).rejects.toMatchObject({
      code: 'malformed-tensor',
      details: { where: 'hint' },
    });
  });
});

describe('a one-time key', () => {
  it('gives its masks once, and nothing after the end, when all of it is overwritten', () => {
    const [up, down] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4)];
    const key = new OneTimeKey([up], [down]);
    expect(key.takeUploadMasks()).toEqual([Uint8Array.of(1, 2)]);
    expect(errorOf(() => key.takeUploadMasks())).toMatchObject({ code: 'usage' });
    expect(key.resultMasks()).toEqual([Uint8Array.of(3, 4)]);
    key.end();
    expect(errorOf(() => key.resultMasks())).toMatchObject({ code: 'usage' });
    expect([...down]).toEqual([0, 0]);
    const unused = new OneTimeKey([up], [down.fill(9)]);
    unused.end();
    expect([...up, ...down]).toEqual([0, 0, 0, 0]);
    expect(errorOf(() => unused.takeUploadMasks())).toMatchObject({ code: 'usage' });
  });

  it('has no way to a second upload in any type that clients get, and is itself not among what they get', async () => {
    expectTypeOf<keyof Exchange>().toEqualTypeOf<
      'upload' | 'decrypt' | 'measuredBudgetBits' | 'resultMasks' | 'secrets' | 'end'
    >();
    expectTypeOf<keyof PlanExchange>().toEqualTypeOf<
      'upload' | 'decrypt' | 'noiseBudgetBits' | 'exportOneTimeKey' | 'end'
    >();
    // Nothing of an exchange takes an input.
    expectTypeOf<Parameters<Exchange['decrypt']>>().toEqualTypeOf<[readonly Uint8Array[]]>();
    expectTypeOf<Parameters<PlanExchange['decrypt']>>().toEqualTypeOf<[Uint8Array]>();
    expectTypeOf<Parameters<HintClient['begin']>>().toEqualTypeOf<[Tensor]>();
    const given = { ...(await import('../../src/client/index.ts')), ...(await import('../../src/index.ts')) };
    const makers = [
      'OneTimeKey',
      'createHintClient',
      'createHintDecryptor',
      'encodeOneTimeKey',
      'MessageCoder',
    ];
    expect(Object.keys(given).filter((name) => makers.includes(name))).toEqual([]);
  });

  it('no two inferences or block groups have the same secret, and no upload repeats', async () => {
    const { client } = await hinted(plan, { keepSecrets: true });
    const input = randomInput(spec, 4);
    const exchanges = [client.begin(input), client.begin(input)];
    const secrets = exchanges.flatMap((exchange) => exchange.secrets().map((secret) => secret.join()));
    expect(secrets.length).toBeGreaterThan(2);
    expect(new Set(secrets).size).toBe(secrets.length);
    const uploads = exchanges.flatMap(({ upload }) =>
      upload.map((bytes) => Buffer.from(bytes).toString('hex')),
    );
    expect(new Set(uploads).size).toBe(uploads.length);
    client.dispose();
  });
});

describe('the leak that one-time keys are there for', () => {
  it('two uploads under one key, forced, give away the difference of their pictures; two keys do not', async () => {
    const real = crypto.getRandomValues.bind(crypto);
    const images = [randomInput(spec, 11), randomInput(spec, 12)] as const;
    const { client } = await hinted(plan);
    const fixed = ((target: Uint8Array) => target.fill(7)) as typeof crypto.getRandomValues;
    crypto.getRandomValues = fixed;
    const forced = images.map((input) => client.begin(input).upload);
    crypto.getRandomValues = real;
    const honest = images.map((input) => client.begin(input).upload);
    const rightly = (uploads: readonly (readonly Uint8Array[])[]): number => readDifferences(plan, uploads);
    const expected = differences();
    expect(rightly(forced)).toBe(expected);
    expect(rightly(honest)).toBeLessThan(expected / 4);
    client.dispose();

    /** Elements of the difference that somebody with both uploads and no key reads right. */
    function readDifferences(of: ToeplitzPlan, [left, right]: readonly (readonly Uint8Array[])[]): number {
      const { plainModulus, dataPrimes } = of.parameters;
      const q = BigInt(dataPrimes[0]!);
      const code = coefficientCode(q, of.wire.uploadC0, 'rounded');
      const layout = viewRules(clientView(of)).layout(clientView(of));
      let found = 0;
      layout.uploads.forEach(({ positions, elements, travelling }, index) => {
        const at = new Map(Array.from(travelling!, (position, place) => [position, place]));
        positions.forEach((position, number) => {
          const place = at.get(position);
          if (place === undefined) return;
          const word = (bytes: Uint8Array): bigint =>
            bitsAt(bytes, place * code.bits, code.bits) << BigInt(code.dropped);
          const difference = (((word(left![index]!) - word(right![index]!)) % q) + q) % q;
          // Scaled back, the difference of two c0 is that of the messages: no secret in it.
          const message = Number((difference * BigInt(plainModulus) + q / 2n) / q) % plainModulus;
          const element = elements[number]!;
          const wanted = images[0].data[element]! - images[1].data[element]!;
          if ((message - wanted) % plainModulus === 0) found++;
        });
      });
      return found;
    }

    function differences(): number {
      const layout = viewRules(clientView(plan)).layout(clientView(plan));
      return layout.uploads.reduce((sum, { positions, travelling }) => {
        const read = new Set(travelling);
        return sum + positions.filter((position) => read.has(position)).length;
      }, 0);
    }
  });

  function bitsAt(bytes: Uint8Array, from: number, bits: number): bigint {
    let value = 0n;
    for (let bit = 0; bit < bits; bit++)
      value |= BigInt((bytes[(from + bit) >> 3]! >> ((from + bit) & 7)) & 1) << BigInt(bit);
    return value;
  }
});

describe('rounded numbers', () => {
  it('stand for a number within half a step and one, at the ends and in the middle', () => {
    const q = 12289n;
    const code = coefficientCode(q, 5, 'rounded');
    for (let c = 0n; c < q; c++) {
      const k = ((c + code.rounding) % q) >> 5n;
      expect(k <= code.largest).toBe(true);
      const restored = ((k << 5n) + code.half + (k > code.largest / 2n ? code.upper : 0n)) % q;
      const distance = ((((restored - c + q / 2n) % q) + q) % q) - q / 2n;
      expect(distance <= 17n && distance >= -17n).toBe(true);
    }
    // scaledMessage of 0 is 0: what travels without an element adds nothing.
    expect(scaledMessage(q, 7, 0)).toBe(0n);
  });
});

describe('a plan client with a hint', () => {
  it.each([-1, Number.NaN, 0.5, Infinity])(
    'prepares no %d inferences, whichever its protocol',
    async (count) => {
      const { plan: stored, hint } = await computeHint(planCore(plan, 'NCHW'));
      const refusal = { code: 'usage', details: { where: 'inferences', found: String(count) } };
      using client = await createPlanClient(clientPlanOf(stored), { hint });
      expect(
        errorOf(() => {
          client.prepare(count);
        }),
      ).toMatchObject(refusal);
      for (const engine of ['auto', 'seal'] as const) {
        const standard = completePlan(
          planCore(compileToeplitz(spec, { protocol: 'standard', engine }), 'NCHW'),
          null,
        );
        using other = await createPlanClient(clientPlanOf(standard));
        expect(
          errorOf(() => {
            other.prepare(count);
          }),
        ).toMatchObject({ code: 'usage' });
        other.prepare(0);
      }
    },
  );

  it('exchanges messages; its one-time key reads the response later, and no other', async () => {
    const { plan: stored, hint } = await computeHint(planCore(plan, 'NCHW'));
    const clientPlan = clientPlanOf(stored);
    using client = await createPlanClient(clientPlan, { hint });
    using server = await createPlanServer(stored);
    client.prepare(2);
    const inputs = [randomInput(spec, 21), randomInput(spec, 22)] as const;
    const first = client.begin(inputs[0]);
    expect(first.upload.length).toBe(client.uploadBytes);
    const response = server.evaluate(first.upload);
    expect(response.length).toBe(client.responseBytes);
    const key = first.exportOneTimeKey();
    expect(first.decrypt(response)).toEqual(convolve(spec, inputs[0]));
    expect(await decryptWithOneTimeKey(clientPlan, key, response)).toEqual(convolve(spec, inputs[0]));
    const second = client.begin(inputs[1]);
    const other = server.evaluate(second.upload);
    expect(await decryptWithOneTimeKey(clientPlan, key, other)).not.toEqual(convolve(spec, inputs[1]));
    second.end();
    expect(errorOf(() => second.decrypt(other))).toMatchObject({ code: 'usage' });
    for (const use of [
      (): unknown => client.encrypt(inputs[0]),
      (): unknown => client.decrypt(response),
      (): unknown => client.exportSecretKey(),
      (): unknown => second.exportOneTimeKey(),
    ])
      expect(errorOf(use)).toMatchObject({ code: 'usage' });
    for (const change of [1, 4, 20, 60, key.length - 1]) {
      const damaged = key.map((byte, at) => (at === change ? byte ^ 1 : byte));
      await expect(decryptWithOneTimeKey(clientPlan, damaged, response)).rejects.toMatchObject({
        code: change === 20 ? 'wrong-plan' : 'malformed-key',
      });
    }
    await expect(decryptWithOneTimeKey(clientPlan, key.slice(1), response)).rejects.toMatchObject({
      code: 'malformed-key',
    });
  });

  it('takes no other hint, none at all neither', async () => {
    const { plan: stored, hint } = await computeHint(planCore(plan, 'NCHW'));
    const clientPlan = clientPlanOf(stored);
    await expect(createPlanClient(clientPlan)).rejects.toMatchObject({ code: 'usage' });
    const wrong = hint.map((byte, at) => (at === 5 ? byte ^ 1 : byte));
    await expect(createPlanClient(clientPlan, { hint: wrong })).rejects.toMatchObject({ code: 'wrong-plan' });
  });
});
