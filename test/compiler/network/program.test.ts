import { expect, test } from 'vitest';
import { chooseLayout } from '../../../compiler/network/chooseLayout.ts';
import { decodeLogit } from '../../../compiler/network/decode.ts';
import { choosePlainModuli } from '../../../compiler/network/plainModuli.ts';
import { buildNetworkProgram } from '../../../compiler/network/program.ts';
import type { NetworkProgram } from '../../../compiler/network/program.ts';
import { proveNetwork } from '../../../compiler/network/prove.ts';
import { logitResidues, summedSlots } from '../../../compiler/network/results.ts';
import { simulateNetwork } from '../../../compiler/network/simulate.ts';
import type { NetworkSpec } from '../../../compiler/network/spec.ts';
import { verifyNetworkProgram } from '../../../compiler/network/verify.ts';
import { isPrime } from '../../../compiler/rings/primes.ts';
import { errorOf } from '../../support/simple.ts';
import { clearLogits, randomInput, randomNetwork } from '../../support/networks.ts';

/** Slots need no more than the network has values: small rings keep a hundred networks quick. */
const DEGREE = 512;

function programOf(spec: NetworkSpec): NetworkProgram {
  return buildNetworkProgram(spec, DEGREE, chooseLayout(spec, DEGREE)!.best.choices);
}

function moduliOf(spec: NetworkSpec): number[] {
  const { width, logits } = proveNetwork(spec);
  const divisors = logits.map(({ modulus }) => modulus).filter((modulus) => modulus !== 0n);
  for (let count = 1; ; count++) {
    const moduli = choosePlainModuli(8192, width, count, divisors);
    if (moduli !== null) return moduli;
  }
}

function simulated(
  spec: NetworkSpec,
  program: NetworkProgram,
  moduli: number[],
  input: Float64Array,
): bigint[] {
  const summed = summedSlots(program.results);
  const residues = moduli.map((modulus) =>
    logitResidues(summed, simulateNetwork(program, modulus, input), modulus),
  );
  return proveNetwork(spec).logits.map((logit, index) =>
    decodeLogit(
      logit,
      residues.map((values) => values[index]!),
      moduli,
    ),
  );
}

test('100 random networks: proved, simulated modulo every t, and equal to the definition', () => {
  let [wide, squares] = [0, 0];
  for (let seed = 1; seed <= 100; seed++) {
    const spec = randomNetwork(seed);
    const program = programOf(spec);
    verifyNetworkProgram(spec, program);
    const moduli = moduliOf(spec);
    const input = randomInput(spec, seed + 1000);
    expect(simulated(spec, program, moduli, input), `seed ${seed}`).toEqual(clearLogits(spec, input));
    wide += moduli.length > 1 ? 1 : 0;
    squares += spec.stages.length - 1;
  }
  // What was drawn: networks of two squares, and of several moduli.
  expect(squares).toBeGreaterThan(130);
  expect(wide).toBeGreaterThan(10);
});

test('one modulus short gives wrong logits', () => {
  const wide = Array.from({ length: 100 }, (_, index) => randomNetwork(index + 1)).filter(
    (spec) => moduliOf(spec).length > 1,
  );
  const wrong = wide.filter((spec) => {
    const input = new Float64Array(randomInput(spec, 1).length).fill(spec.input.range.hi);
    const short = moduliOf(spec).slice(0, -1);
    return simulated(spec, programOf(spec), short, input).join() !== clearLogits(spec, input).join();
  });
  expect(wrong.length).toBeGreaterThan(wide.length / 2);
});

/** Each changes one thing of a program that is right. */
const MUTATIONS: Record<string, (program: NetworkProgram) => NetworkProgram> = {
  'a weight': (program) => {
    const plaintexts = program.plaintexts.map((values) => values.slice());
    plaintexts[0]![plaintexts[0]!.findIndex((value) => value !== 0)]! += 1;
    return { ...program, plaintexts };
  },
  'an input element': (program) => {
    const inputs = program.inputs.map((elements) => elements.slice());
    const [first] = program.plaintexts;
    const slot = first!.findIndex((value) => value !== 0);
    inputs[0]![slot] = inputs[0]![slot] === 0 ? 1 : 0;
    return { ...program, inputs };
  },
  'a fold left out': (program) => {
    const at = program.steps.findIndex(({ kind }) => kind === 'fold');
    return { ...program, steps: program.steps.toSpliced(at, 1) };
  },
  'a fold too many': (program) => {
    const at = program.steps.findIndex(({ kind }) => kind === 'fold');
    return { ...program, steps: program.steps.toSpliced(at, 0, program.steps[at]!) };
  },
  'a rotation': (program) => ({
    ...program,
    steps: program.steps.map((step, index) =>
      step.kind === 'products' && index > 0
        ? { ...step, giants: step.giants.map((giant) => ({ ...giant, step: giant.step + 1 })) }
        : step,
    ),
  }),
  'a bias': (program) => ({
    ...program,
    steps: program.steps.filter(({ kind }) => kind !== 'add'),
  }),
  'a square left out': (program) => ({
    ...program,
    steps: program.steps.filter(({ kind }) => kind !== 'square'),
  }),
  'no mask': (program) => ({ ...program, steps: program.steps.filter(({ kind }) => kind !== 'mask') }),
  'a bias of the last sums': (program) => ({
    ...program,
    steps: program.steps.map((step) =>
      step.kind === 'mask' ? { ...step, bias: step.bias.map((value) => value + 1) } : step,
    ),
  }),
  'a fold of what the client sums': (program) => {
    const at = program.steps.findIndex(({ kind }) => kind === 'mask');
    return { ...program, steps: program.steps.toSpliced(at, 0, { kind: 'fold', step: 1 }) };
  },
  'two logits changed': ({ results, ...program }) => ({
    ...program,
    results: { ...results, slots: [results.slots[1]!, results.slots[0]!, ...results.slots.slice(2)] },
  }),
  'a logit in the place of another': ({ results, ...program }) => ({
    ...program,
    results: { ...results, slots: results.slots.with(1, results.slots[0]!) },
  }),
  'a bit less to sum over': ({ results, ...program }) => ({
    ...program,
    results: { ...results, sums: results.sums.slice(1) },
  }),
  'a bit more to sum over': ({ results, ...program }) => ({
    ...program,
    results: { ...results, sums: [...results.sums, Math.log2(DEGREE)] },
  }),
};

test.each(Object.entries(MUTATIONS))('verify refuses a program with %s', (_, mutate) => {
  const spec = randomNetwork(7);
  expect(spec.stages.at(-1)!.outputs).toBeGreaterThan(1);
  expect(
    errorOf(() => {
      verifyNetworkProgram(spec, mutate(programOf(spec)));
    }),
  ).toMatchObject({
    code: 'plan-rejected',
  });
});

test('plain moduli are batching primes, different, and just wide enough', () => {
  for (const bits of [5, 16, 17, 20, 30, 34, 48, 60]) {
    const width = 2n ** BigInt(bits);
    const moduli = [1, 2, 3, 4].map((count) => choosePlainModuli(8192, width, count, [])).find(Boolean)!;
    const product = moduli.reduce((all, modulus) => all * BigInt(modulus), 1n);
    expect(product >= width).toBe(true);
    expect(new Set(moduli).size).toBe(moduli.length);
    for (const modulus of moduli) expect([modulus % 16384, isPrime(BigInt(modulus))]).toEqual([1, true]);
  }
  expect(choosePlainModuli(8192, 147457n, 1, [])).toEqual([147457]);
  expect(choosePlainModuli(8192, 147458n, 1, [])).toEqual([163841]);
  expect(choosePlainModuli(8192, 147457n, 1, [2n * 147457n])).toEqual([163841]);
  expect(choosePlainModuli(8192, 2n ** 24n, 1, [])).toBe(null);
});
