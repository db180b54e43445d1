import { afterEach, describe, expect, it } from 'vitest';
import { layoutOfView } from '../../compiler/toeplitz/layout.ts';
import { centredInputRange } from '../../compiler/convolution/shape.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { createClient } from '../../runtime/client/client.ts';
import { createEvaluator } from '../../runtime/evaluator/evaluator.ts';
import { ScalingTable, scaledMessage } from '../../runtime/client/scaling.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput, randomIntegers } from '../support/specs.ts';
import { compileToeplitz } from '../support/compile.ts';
import { clientView } from '../../compiler/lowerings/views.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const spec = simpleSpec({
  input: { channels: 3, height: 40, width: 40, zeroPoint: 2 },
  weights: { channelsPerGroup: 3, values: Array.from({ length: 27 }, (_, index) => index % 4) },
});
const plan = compileToeplitz(spec);

/** The last 64 bytes of an upload: what c1 is expanded from, or its end. Two with the same would share their mask. */
function maskOf(upload: Uint8Array): string {
  return Buffer.from(upload.subarray(upload.length - 64)).toString('hex');
}

describe('encrypting over a zero made ahead', () => {
  it('changes c0 by exactly the scaled message, and nothing else', () => {
    const { parameters } = plan;
    const { degree } = parameters;
    const random = randomIntegers(5);
    const prime = BigInt(parameters.dataPrimes[0]!);
    const zero = Uint32Array.from({ length: 2 * degree }, (_, half) =>
      half % 2 === 0 ? random(0, Math.min(2 ** 32, Number(prime)) - 1) : 0,
    );
    const words = zero.slice();
    const places = layoutOfView(clientView(plan)).uploads[0]!;
    const { data } = randomInput(spec, 9);
    new ScalingTable(parameters, centredInputRange(spec.input)).addMessage(
      words,
      degree,
      places,
      data,
      spec.input.zeroPoint,
    );
    const word = (halves: Uint32Array, at: number): bigint =>
      (BigInt(halves[2 * at + 1]!) << 32n) | BigInt(halves[2 * at]!);
    const expected = new Map<number, bigint>();
    places.positions.forEach((coefficient, index) => {
      const t = parameters.plainModulus;
      const message = (((data[places.elements[index]!]! - spec.input.zeroPoint) % t) + t) % t;
      expected.set(coefficient, scaledMessage(prime, t, message));
    });
    expect(expected.size).toBeGreaterThan(0);
    for (let at = 0; at < degree; at++) {
      expect(word(words, at)).toBe((word(zero, at) + (expected.get(at) ?? 0n)) % prime);
    }
  });

  it.each(['seeded', 'whole'] as const)(
    '%s: decrypts right within the same noise bound, and uses every zero once, also after an error',
    async (upload) => {
      const plan = compileToeplitz(spec, { upload, kernel: 'direct' });
      const client = await createClient(clientView(plan));
      const evaluator = await createEvaluator(plan);
      const perInput = client.ciphertextsPerInput;
      expect(perInput).toBe(plan.counts.inputCiphertexts);
      client.precompute(2 * perInput + 1);
      expect(client.precomputed).toBe(2 * perInput + 1);
      const masks: string[] = [];
      // Two inputs from the pool, one half from it and half fresh, one all fresh.
      for (let run = 0; run < 4; run++) {
        const wrong = randomInput(plan.spec, run);
        wrong.data[3] = 99;
        expect(() => client.encrypt(wrong)).toThrow(/outside the input range/);
        const input = randomInput(plan.spec, run);
        const sent = client.encrypt(input);
        masks.push(...sent.map(maskOf));
        const response = evaluator.evaluate(sent);
        expect(client.decrypt(response)).toEqual(convolve(plan.spec, input));
        expect(client.measuredBudgetBits(response)).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
      }
      expect(client.precomputed).toBe(0);
      expect(new Set(masks).size).toBe(4 * perInput);
      client.dispose();
      evaluator.dispose();
    },
  );
});
