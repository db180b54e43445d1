import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { clientPlanOf } from '../../src/frontend/clientPlan.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { encodeNpy } from '../../src/frontend/npy.ts';
import { storedPlan } from '../../src/frontend/planFile.ts';
import { compareWithConfig } from '../../src/page/comparison.ts';
import { refusal } from '../frontend/fixtures.ts';

const config = {
  version: 1,
  name: 'test',
  input: { shape: [1, 1, 4, 5], bits: 2 },
  weights: { shape: [1, 1, 2, 2], bits: 2, values: [1, 2, 3, 0] as number[] | { npy: string } },
};
const { spec } = parseFilterConfig(JSON.stringify(config));
const plan = clientPlanOf(storedPlan(compileSpec(spec), 'NCHW'));
const input = { shape: [1, 1, 4, 5], data: Float64Array.from({ length: 20 }, (_, at) => at % 4) };
const last = { input, output: convolve(spec, input) };

function file(name: string, content: object | Uint8Array): { name: string; bytes: Uint8Array } {
  const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
  return { name, bytes };
}

describe('compareWithConfig', () => {
  it('finds all integers equal for the right filter', () => {
    expect(compareWithConfig(plan, last, [file('a.conv.json', config)])).toMatchObject({
      outputs: 12,
      mismatches: 0,
      first: null,
    });
  });

  it('counts what differs, from one integer to the whole filter', () => {
    const data = last.output.data.with(5, 99);
    const changed = { input, output: { ...last.output, data } };
    const first = { index: 5, expected: last.output.data[5], actual: 99 };
    expect(compareWithConfig(plan, changed, [file('a.conv.json', config)])).toMatchObject({
      mismatches: 1,
      first,
    });
    const other = { ...config, weights: { ...config.weights, values: [3, 2, 1, 3] } };
    expect(compareWithConfig(plan, last, [file('a.conv.json', other)]).mismatches).toBeGreaterThan(6);
  });

  it('takes weights from a .npy file that was chosen too, and names one that was not', () => {
    const npy = encodeNpy({ shape: [1, 1, 2, 2], data: Float64Array.of(1, 2, 3, 0) });
    const apart = file('a.conv.json', {
      ...config,
      weights: { ...config.weights, values: { npy: 'x/w.npy' } },
    });
    expect(compareWithConfig(plan, last, [file('w.npy', npy), apart]).mismatches).toBe(0);
    refusal(() => compareWithConfig(plan, last, [apart]), 'unreadable', 'x/w.npy');
  });

  it.each([
    ['input.bits', { input: { shape: [1, 1, 4, 5], bits: 3 } }],
    ['input.shape', { input: { shape: [1, 1, 5, 4], bits: 2 } }],
    ['pads', { pads: [0, 0, 1, 0] }],
  ])('refuses a config whose %s is another', (where, changes) => {
    const other = file('a.conv.json', { ...config, ...changes });
    refusal(() => compareWithConfig(plan, last, [other]), 'shape-mismatch', where);
  });

  it('wants one config', () => {
    const one = file('a.conv.json', config);
    refusal(() => compareWithConfig(plan, last, []), 'usage');
    refusal(() => compareWithConfig(plan, last, [one, one]), 'usage');
  });
});
