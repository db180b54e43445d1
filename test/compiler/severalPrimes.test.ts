/** What is dropped under several primes: proved by the noise, and at the bound. */
import { describe, expect, it } from 'vitest';
import { bitLength } from '../../compiler/base/interval.ts';
import { noiseReport } from '../../src/report/noiseReport.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { checkClientView } from '../../compiler/lowerings/checkView.ts';
import { planNoise } from '../../compiler/lowerings/noise.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import { buildProgram } from '../../compiler/lowerings/program.ts';
import { simulate } from '../../compiler/lowerings/simulate.ts';
import { verify } from '../../compiler/lowerings/verify.ts';
import { clientView } from '../../compiler/lowerings/views.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { dropStep, mostDropped } from '../../compiler/bfv/dropStep.ts';
import { largestNoise } from '../../compiler/bfv/noise.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import { scaleDownExactly } from '../../runtime/ring/scaling.ts';
import { rotated, wide } from '../support/severalPrimes.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

const KINDS: readonly (readonly [string, CompileOptions])[] = [
  ['standard', { lowering: 'toeplitz', protocol: 'standard' }],
  ['standard, for bandwidth', { lowering: 'toeplitz', protocol: 'standard', objective: 'bandwidth' }],
  ['standard, 2^-128', { lowering: 'toeplitz', protocol: 'standard', failure: '2^-128' }],
  ['hints', { lowering: 'toeplitz', protocol: 'hint' }],
  ['hints, for bandwidth', { lowering: 'toeplitz', protocol: 'hint', objective: 'bandwidth' }],
  ['rotations', { lowering: 'diagonals' }],
  ['rotations, never wrong', { lowering: 'diagonals', failure: 'never' }],
];

function compiled(options: CompileOptions): Plan {
  const plan = compileSpec(options.lowering === 'diagonals' ? rotated : wide, options);
  expect(plan.parameters.dataPrimes.length).toBeGreaterThan(1);
  return plan;
}

function withWire(plan: Plan, change: Partial<Plan['wire']>): Plan {
  return { ...plan, wire: { ...plan.wire, ...change } };
}

function refusalOf(plan: Plan): unknown {
  return errorOf(() => {
    verify(plan);
  });
}

describe.each(KINDS)('%s', (_, options) => {
  const plan = compiled(options);
  const primes = plan.parameters.dataPrimes.map(BigInt);
  const isHint = options.protocol === 'hint';

  it('drops what the noise leaves room for: it is proved, and one bit more is not', () => {
    verify(plan);
    checkClientView(clientView(plan));
    expect(plan.wire.responseC0).toBeGreaterThan(16);
    expect(plan.wire.responseC1 > 0).toBe(!isHint);
    const input = randomInput(plan.spec, 5);
    expect(simulate(plan, buildProgram(plan), input)).toEqual(convolve(plan.spec, input));
    const more = withWire(plan, { responseC0: plan.wire.responseC0 + 1 });
    expect(refusalOf(more)).toMatchObject({ code: 'plan-rejected', details: { where: 'parameters' } });
    if (isHint) return;
    // c1 may have less than all the room there is: so much more is too much.
    const ofC1 = withWire(plan, { responseC1: plan.wire.responseC1 + 2 });
    expect(refusalOf(ofC1)).toMatchObject({ code: 'plan-rejected', details: { where: 'parameters' } });
  });

  it('is refused when its bytes or its budget say otherwise, and when nothing would be left', () => {
    const less = withWire(plan, { responseC0: plan.wire.responseC0 - 1 });
    expect(refusalOf(less)).toMatchObject({ code: 'plan-rejected' });
    const limit = mostDropped(primes);
    for (const responseC0 of [limit + 1, -1, 0.5]) {
      const wire = { ...plan.wire, responseC0 };
      expect(refusalOf({ ...plan, wire })).toMatchObject({
        code: 'plan-rejected',
        details: { where: 'wire.responseC0', expected: `from 0 to ${limit}` },
      });
      const view = clientView(plan);
      const ofView = errorOf(() => {
        checkClientView({ ...view, wire: { ...view.wire, responseC0 } } as typeof view);
      });
      expect(ofView).toMatchObject({ code: 'plan-rejected', details: { where: 'wire.responseC0' } });
    }
    if (!isHint) return;
    const view = clientView(plan);
    const ofUpload = errorOf(() => {
      checkClientView({ ...view, wire: { ...view.wire, uploadC0: 1 } } as typeof view);
    });
    expect(ofUpload).toMatchObject({
      details: { message: 'too many bits dropped for hints', expected: 'at most 0' },
    });
  });

  it('at the bound every ciphertext decrypts right; with one bit more of c0 some does not', () => {
    const q = dataModulus(plan.parameters);
    const t = BigInt(plan.parameters.plainModulus);
    const { products, response } = planNoise(plan);
    expect(response <= largestNoise(q, Number(t))).toBe(true);
    // What c1 adds at most is noise like any other here.
    const others = response - dropStep(primes, plan.wire.responseC0) + 1n;
    expect(others >= products).toBe(true);
    expect(wrongOnes(others / 2n, dropStep(primes, plan.wire.responseC0))).toBe(0);
    expect(wrongOnes(others / 2n, dropStep(primes, plan.wire.responseC0 + 1))).toBeGreaterThan(0);

    /** Messages that come out wrong with a noise of at most `noise` before c0 is cut to `step`, and restored to its middle. */
    function wrongOnes(noise: bigint, step: bigint): number {
      let wrong = 0;
      for (let index = 0n; index < 4000n; index++) {
        const message = (index * 7_368_787n) % t;
        const exact = (q * message + (t + 1n) / 2n) / t;
        // The lowest coefficient of the step in which the noise is largest, or the next where that has more noise.
        for (const beside of [0n, 1n]) {
          const x = (exact + noise) / step - beside;
          const lowest = x * step;
          if (lowest < exact - noise || lowest + step / 2n >= q) continue;
          const { residue } = scaleDownExactly(lowest + step / 2n, q, t);
          if (residue !== message) wrong++;
        }
      }
      return wrong;
    }
  });
});

it('explain says how many bits of which primes are dropped', () => {
  const plan = compiled(KINDS[0]![1]);
  const names = noiseReport(plan).waterfall.map(({ name }) => name);
  const sizes = plan.parameters.dataPrimes.map((prime) => bitLength(BigInt(prime))).join(' + ');
  const { uploadC0, responseC0, responseC1 } = plan.wire;
  expect(names).toContain(`upload (seeded): ${uploadC0} low of ${sizes} bits of c0 dropped`);
  expect(names).toContain(
    `response: ${responseC0} low of ${sizes} bits of c0 and ${responseC1} of c1 dropped`,
  );
  const one = noiseReport(compileSpec(simpleSpec(), { lowering: 'toeplitz' })).waterfall;
  expect(one.map(({ name }) => name).join()).toMatch(/ \d+ low bits of c0 dropped/);
});
