import { describe, expect, it } from 'vitest';
import { costliest } from '../../src/lint/costliest.ts';
import type { Finding } from '../../src/lint/finding.ts';
import { foldInfos } from '../../src/lint/reporters/fold.ts';

function info(layer: string | null, more: Partial<Finding> = {}): Finding {
  return {
    rule: 'wider-than-needed',
    level: 'info',
    file: 'm.onnx',
    line: null,
    column: null,
    layer,
    message: `${layer} is wide`,
    interval: null,
    requiredBits: null,
    declaredBits: null,
    headroom: null,
    witness: null,
    hint: 'pass --accumulator-bits 22',
    ...more,
  };
}

describe('findings of models that only inform', () => {
  it('become one for each rule and file, which counts them; the first keeps its place', () => {
    const warning = info('b', { rule: 'unsupported-operator', level: 'warning' });
    const findings = [info('a'), warning, info('b'), info('c'), info('d'), info('e', { file: 'n.onnx' })];
    const folded = foldInfos(findings);
    expect(folded).toEqual([
      info(null, {
        message: expect.stringMatching(/: 4 layers, a, b, c and 1 more \(--verbose shows each\)$/) as string,
      }),
      warning,
      info('e', { file: 'n.onnx' }),
    ]);
  });

  it('say what to try only where all say the same, and findings with a place stay', () => {
    expect(foldInfos([info('a'), info('b', { hint: 'other' })])[0]?.hint).toBeNull();
    const placed = [info('a', { line: 1 }), info('b', { line: 2 })];
    expect(foldInfos(placed)).toEqual(placed);
  });
});

describe('the layer that costs most', () => {
  it('has the most products times bits; the widest sums are named where they are another one', () => {
    const layers = [
      { name: 'first', products: 1000, bits: 10 },
      { name: 'last', products: 100, bits: 20 },
    ];
    expect(costliest(layers)).toBe(
      'costs most: first, 83% of all products times bits of a sum (10 bits); the widest sums, 20 bits, are those of last',
    );
    expect(costliest(layers.slice(1))).toBeNull();
  });
});
