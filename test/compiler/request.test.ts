import { describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { encodePlan, parsePlan, storedPlan } from '../../src/frontend/planFile.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';

describe('what a plan is compiled for', () => {
  it.each([
    ['objective', ['speed', 1]],
    ['degree', [1000, 2048.5, '2048', 65536]],
    ['security', [5, '128']],
    ['failure', ['maybe', 0]],
    ['kernel', ['fast', 'seal']],
    ['upload', ['hint', true]],
    ['protocol', ['hints', false]],
    ['engine', ['own']],
    ['inferences', [0, -1, 1.5, NaN, Infinity, '2']],
    ['linkMegabitsPerSecond', [0, -1, NaN, Infinity, '10']],
    ['accumulatorBits', [0, 65, 1.5, NaN]],
  ] as const)('is refused where it is no %s', (name, values) => {
    for (const value of values) {
      const options = { [name]: value } as CompileOptions;
      expect(errorOf(() => compileSpec(simpleSpec(), options))).toMatchObject({
        code: 'usage',
        details: { where: name },
      });
    }
  });

  it.each<[string, CompileOptions]>([
    ['for one inference on a slow line', { inferences: 1, linkMegabitsPerSecond: 0.01 }],
    ['for very many', { inferences: Number.MAX_SAFE_INTEGER, protocol: 'standard' }],
    ['by name', { objective: 'total', failure: '2^-128', kernel: 'ntt', upload: 'seeded', security: 192 }],
  ])('stands in its plan, which can be read again: %s', (_, options) => {
    const stored = storedPlan(compileSpec(simpleSpec(), options), 'NCHW');
    expect(parsePlan(encodePlan(stored), 'plan').plan.request).toMatchObject(options);
  });
});
