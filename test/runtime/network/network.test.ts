import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileNetwork } from '../../../compiler/network/compile.ts';
import type { NetworkPlan } from '../../../compiler/network/plan.ts';
import { clearLogits, randomInput, randomNetwork } from '../../support/networks.ts';
import { openNetworkPair } from '../../support/sealNetworks.ts';
import type { NetworkPair } from '../../support/sealNetworks.ts';
import { errorOf } from '../../support/simple.ts';

/** Two squares and two plain moduli. */
const spec = randomNetwork(21);
let plan: NetworkPlan;
let pair: NetworkPair;

beforeAll(async () => {
  plan = compileNetwork(spec);
  pair = await openNetworkPair(plan);
});

afterAll(() => {
  pair[Symbol.dispose]();
});

function tensor(seed: number): { shape: readonly number[]; data: Float64Array } {
  return { shape: spec.input.shape, data: randomInput(spec, seed) };
}

test('logits under SEAL are those of the definition', () => {
  expect([spec.stages.length, plan.parameters.plainModuli.length]).toEqual([3, 2]);
  const input = tensor(1);
  const results = pair.evaluator.evaluate(pair.client.encrypt(input));
  expect(pair.client.decrypt(results)).toEqual(clearLogits(spec, input.data));
  expect(pair.client.measuredBudgetBits(results)).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
});

test('no two ciphertexts of an upload have the same seed, and none repeats', () => {
  const seeds = [1, 2].flatMap(() =>
    pair.client.encrypt(tensor(1)).map((bytes) => bytes.subarray(bytes.length - 64).join()),
  );
  expect(new Set(seeds).size).toBe(seeds.length);
});

test('foreign bytes are refused before SEAL sees them', () => {
  const keys = pair.client.evaluationKeys();
  expect(keys.length).toBe(plan.bytes.keys);
  expect(
    errorOf(() => {
      pair.evaluator.loadEvaluationKeys(keys.subarray(1));
    }),
  ).toMatchObject({ code: 'malformed-tensor' });
  expect(
    errorOf(() => {
      pair.evaluator.loadEvaluationKeys(keys.slice().fill(255, 0, 8));
    }),
  ).toMatchObject({ code: 'malformed-tensor' });
  const upload = pair.client.encrypt(tensor(1));
  expect(upload.reduce((sum, { length }) => sum + length, 0)).toBe(plan.bytes.upload);
  expect(errorOf(() => pair.evaluator.evaluate(upload.slice(1)))).toMatchObject({ code: 'malformed-tensor' });
  const large = upload.with(0, upload[0]!.slice().fill(255, 0, 8));
  expect(errorOf(() => pair.evaluator.evaluate(large))).toMatchObject({ code: 'malformed-tensor' });
  const cut = upload.with(1, upload[1]!.subarray(1));
  expect(errorOf(() => pair.evaluator.evaluate(cut))).toMatchObject({ code: 'malformed-tensor' });
  const results = pair.evaluator.evaluate(upload);
  expect(results.reduce((sum, { length }) => sum + length, 0)).toBe(plan.bytes.response);
  const wrong = results.with(0, results[0]!.slice().fill(255, 0, 8));
  expect(errorOf(() => pair.client.decrypt(wrong))).toMatchObject({ code: 'malformed-tensor' });
  const far = tensor(1);
  far.data[3] = spec.input.range.hi + 1;
  expect(errorOf(() => pair.client.encrypt(far))).toMatchObject({ code: 'out-of-range' });
});
