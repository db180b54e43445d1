import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { canonicalJson } from '../../src/frontend/canonicalJson.ts';
import { freshBlind } from '../../src/frontend/planDigest.ts';
import { encodePlan, parsePlan, planDigest, storedPlan } from '../../src/frontend/planFile.ts';
import { clientPlanOf, encodeClientPlan, parseClientPlan } from '../../src/frontend/clientPlan.ts';
import { config, parse, refusal } from './fixtures.ts';
import { compileToeplitz } from '../support/compile.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';

const { spec } = parse(config({ pads: [1, 1, 1, 1], bias: [-3] }));
const plan = compileToeplitz(spec);
const stored = storedPlan(plan, 'NHWC');
const text = encodePlan(stored);

/** The plan with a change and a digest that matches it: only the proof can refuse it. */
function forged(change: (plan: ToeplitzPlan) => ToeplitzPlan): string {
  return encodePlan(storedPlan(change(plan), 'NHWC'));
}

describe('a plan file', () => {
  it('reads back as it was written', () => {
    expect(parsePlan(text, 'p.json')).toEqual(stored);
    expect(encodePlan(parsePlan(text, 'p.json'))).toBe(text);
    expect(Object.isFrozen(parsePlan(text, 'p.json').plan.spec)).toBe(true);
  });

  it('is the same for the same config, and has a digest of 64 hex digits', () => {
    expect(encodePlan(storedPlan(compileToeplitz(spec), 'NHWC'))).toBe(text);
    expect(stored.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(planDigest(stored.plan, 'NCHW')).not.toBe(stored.digest);
  });

  it('is refused when it is of another version, with what to do', () => {
    const old = text.replace('"version": 3', '"version": 2');
    const { details } = refusal(() => parsePlan(old, 'p.json'), 'malformed-plan', 'an older cipherconv');
    expect(details).toMatchObject({ found: 'version 2', hint: 'compile the config again with this version' });
    const next = refusal(
      () => parsePlan(text.replace('"version": 3', '"version": 4'), 'p.json'),
      'malformed-plan',
    );
    expect(next.details.hint).toBe('update cipherconv');
  });

  it('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: 'x' })).toBe('{"a":"x","b":[{"c":2,"d":1}]}');
  });

  it('is refused when anything in it was changed', () => {
    refusal(
      () => parsePlan(text.replace('"name":"test"', '"name":"tes1"'), 'p.json'),
      'malformed-plan',
      'digest',
    );
    const low = forged((plan) => ({ ...plan, windows: { ...plan.windows, low: [-2] } }));
    refusal(() => parsePlan(low, 'p.json'), 'plan-rejected', 'p.json', 'windows.low');
    const pitch = forged((plan) => ({
      ...plan,
      packing: { ...plan.packing, rowPitch: plan.packing.rowPitch - 1 },
    }));
    refusal(() => parsePlan(pitch, 'p.json'), 'plan-rejected', 'p.json');
    const bias = forged((plan) => ({ ...plan, spec: { ...plan.spec, bias: [1, 2] } }));
    refusal(() => parsePlan(bias, 'p.json'), 'malformed-plan', 'bias');
  });

  it('is refused when it is not one', () => {
    refusal(() => parsePlan(text.slice(0, 200), 'p.json'), 'malformed-json', 'p.json:');
    refusal(() => parsePlan('{"format": "cipherconv-plan"}', 'p.json'), 'malformed-plan', 'missing key');
    refusal(
      () => parsePlan(text.replace('"execution"', '"executoin"'), 'p.json'),
      'malformed-plan',
      'did you mean "execution"',
    );
  });

  it.each([
    ['ntt', 'execution has only the keys kernel, upload'],
    ['direct', 'execution has only the keys kernel, lanes, upload'],
  ])('names the keys that the %s kernel has', (kernel, expected) => {
    const wrong = JSON.stringify({ ...(JSON.parse(text) as object), execution: { kernel, lane: 1 } });
    const { details } = refusal(() => parsePlan(wrong, 'p.json'), 'malformed-plan', 'execution.lane');
    expect(details.expected).toBe(expected);
  });

  it('has the digest of its client plan, which is not the hash of either alone', () => {
    const client = parseClientPlan(encodeClientPlan(clientPlanOf(stored)), 'c.json');
    expect(client.digest).toBe(parsePlan(text, 'p.json').digest);
    expect(client.commitment).toBe(stored.commitment);
    expect(client.commitment).not.toBe(client.digest);
  });

  it('with a blind: the same plan, another digest each time, the same one read back', () => {
    const [one, two] = [storedPlan(plan, 'NHWC', freshBlind()), storedPlan(plan, 'NHWC', freshBlind())];
    expect(new Set([stored.digest, one.digest, two.digest]).size).toBe(3);
    expect(parsePlan(encodePlan(one), 'p.json')).toEqual(one);
    expect(parsePlan(encodePlan(one), 'p.json').plan).toEqual(stored.plan);
    const swapped = encodePlan(one).replace(one.blind!, two.blind!);
    refusal(() => parsePlan(swapped, 'p.json'), 'malformed-plan', 'digest');
    const short = encodePlan(one).replace(one.blind!, 'ab');
    refusal(() => parsePlan(short, 'p.json'), 'malformed-plan', 'blind');
  });

  it('never takes a mutated number, nor breaks on one', () => {
    const numbers = [...text.matchAll(/-?\d+/g)].map(({ index, 0: digits }) => ({ index, digits }));
    fc.assert(
      fc.property(fc.nat(numbers.length - 1), fc.integer({ min: -3, max: 4000 }), (at, value) => {
        const { index, digits } = numbers[at]!;
        fc.pre(String(value) !== digits);
        const mutated = text.slice(0, index) + String(value) + text.slice(index + digits.length);
        expect(() => parsePlan(mutated, 'p.json')).toThrow(CipherconvError);
      }),
      { numRuns: runs(300) },
    );
  });
});
