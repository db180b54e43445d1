import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { NoiseModel } from '../../compiler/network/noise.ts';
import { plaintextSquares } from '../../compiler/network/norms.ts';
import type { NetworkPlan } from '../../compiler/network/plan.ts';
import { logitResidues, summedSlots } from '../../compiler/network/results.ts';
import { stepsWithDrops } from '../../compiler/network/program.ts';
import { simulateNetwork } from '../../compiler/network/simulate.ts';
import { UNSCALED } from '../../compiler/network/spec.ts';
import { denseStage } from '../../compiler/network/stages.ts';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import { clearLogits, randomInput, randomNetwork } from '../support/networks.ts';
import { openNetworkPair } from '../support/sealNetworks.ts';
import type { NetworkPair } from '../support/sealNetworks.ts';

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

test('logits under SEAL are those of the definition; noise is within the bound after every step', () => {
  expect([spec.stages.length, plan.parameters.plainModuli.length]).toEqual([3, 2]);
  const { dataPrimes, specialPrime, plainModuli, degree } = plan.parameters;
  const model = new NoiseModel(pair.program, plaintextSquares(pair.program, plainModuli));
  const predicted = model.stages(
    {
      degree,
      plainModulus: Math.max(...plainModuli),
      dataPrimes: dataPrimes.map(BigInt),
      specialPrime: BigInt(specialPrime),
    },
    stepsWithDrops(pair.program, plan.primes),
  );
  expect(predicted.every(({ isRight }) => isRight)).toBe(true);
  for (const seed of [1, 2]) {
    const input = tensor(seed);
    const upload = pair.client.encrypt(input);
    const measured: number[] = [];
    const steps = predicted.length - 1;
    const results = pair.evaluator.evaluate(upload, (kind, ciphertext) => {
      const modulus = Math.floor(measured.length / steps);
      const expected = predicted[(measured.length % steps) + 1]!;
      expect(kind).toBe(expected.kind);
      const budget = pair.client.budgetOf(modulus, ciphertext);
      measured.push(budget);
      expect(budget, `step ${measured.length}, ${kind}`).toBeGreaterThanOrEqual(expected.budgetBits);
      // Not absurdly loose either: 2^-128 and a typical run are 2 bits apart, the rest is for correlation.
      expect(budget - expected.budgetBits, `step ${measured.length}, ${kind}`).toBeLessThanOrEqual(14);
    });
    expect(measured.length).toBe(2 * steps);
    expect(pair.client.decrypt(results)).toEqual(clearLogits(spec, input.data));
    expect(pair.client.measuredBudgetBits(results)).toBeGreaterThanOrEqual(plan.noise.predictedBudgetBits);
  }
});

test('every slot is masked afresh, those of a logit by residues whose sum is its bias: partial sums do not leave', async () => {
  const all = Array.from({ length: plan.parameters.degree }, (_, slot) => slot);
  const window = { lo: '0', hi: '0', modulus: '1' };
  const [plainModulus] = plan.parameters.plainModuli;
  const one = { ...plan, parameters: { ...plan.parameters, plainModuli: [plainModulus!] } };
  using whole = await openNetworkPair(one, (view) => ({
    ...view,
    results: { slots: all, sums: [] },
    logits: all.map(() => window),
  }));
  const { results } = whole.program;
  const summed = summedSlots(results);
  expect(results.sums.length).toBeGreaterThan(2);
  const input = tensor(5);
  const computed = simulateNetwork(whole.program, plainModulus!, input.data);
  const upload = whole.client.encrypt(input);
  const shown = [0, 1].map(() => {
    const values = whole.client.decrypt(whole.evaluator.evaluate(upload));
    return Float64Array.from(values, Number);
  });
  const equal = (left: Float64Array, right: Float64Array): number =>
    all.filter((slot) => left[slot] === right[slot]).length;
  for (const values of shown) {
    expect(logitResidues(summed, values, plainModulus!)).toEqual(
      logitResidues(summed, computed, plainModulus!),
    );
    // By chance one of t; 8,192 slots, t above 65,000.
    expect(equal(values, computed)).toBeLessThan(6);
  }
  expect(equal(shown[0]!, shown[1]!)).toBeLessThan(6);
});

test('a q some bits short is seen by the model and gives wrong logits', async () => {
  const { parameters } = plan;
  const dataPrimes = parameters.dataPrimes.with(
    0,
    String(nttPrimes(parameters.degree, parameters.dataPrimes[0]!.length > 15 ? 36 : 30, 1)[0]!),
  );
  const short = { ...plan, parameters: { ...parameters, dataPrimes } };
  using few = await openNetworkPair(short);
  const input = tensor(1);
  const results = few.evaluator.evaluate(few.client.encrypt(input));
  expect(few.client.measuredBudgetBits(results)).toBe(0);
  expect(few.client.decrypt(results)).not.toEqual(clearLogits(spec, input.data));
});

test('20 random networks under SEAL: every logit equal, budgets as predicted', async () => {
  let squares = 0;
  for (let seed = 101; seed <= 120; seed++) {
    const random = randomNetwork(seed);
    const compiled = compileNetwork(random);
    using both = await openNetworkPair(compiled);
    for (const run of [1, 2]) {
      const data = randomInput(random, run);
      const results = both.evaluator.evaluate(both.client.encrypt({ shape: random.input.shape, data }));
      expect(both.client.decrypt(results), `seed ${seed}`).toEqual(clearLogits(random, data));
      const measured = both.client.measuredBudgetBits(results);
      expect(measured, `seed ${seed}`).toBeGreaterThanOrEqual(compiled.noise.predictedBudgetBits);
      // Something is left: 0 is what SEAL says of wrong results too.
      expect(measured, `seed ${seed}`).toBeGreaterThan(0);
    }
    squares += compiled.counts.squares;
  }
  expect(squares).toBeGreaterThan(25);
});

test('biases at the ends of exact integers come out as they are, whatever the mask is', async () => {
  const most = Number.MAX_SAFE_INTEGER;
  const weights = [1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 2];
  const ends = {
    name: 'ends',
    input: { shape: [4], range: { lo: 0, hi: 3 } },
    stages: [denseStage('dense', 4, weights, [most, -most, most - 1])],
    output: { shape: [3], scale: UNSCALED },
  };
  using both = await openNetworkPair(compileNetwork(ends));
  for (let run = 0; run < 16; run++) {
    const data = randomInput(ends, run);
    const results = both.evaluator.evaluate(both.client.encrypt({ shape: [4], data }));
    expect(both.client.decrypt(results)).toEqual(clearLogits(ends, data));
  }
});
