/** Plans whose q has several primes, of which low bits do not travel: SEAL computes the same words and decrypts to the same. */
import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { run } from '../../src/run.ts';
import { rotated, wide } from '../support/severalPrimes.ts';
import { randomInput } from '../support/specs.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

const AGREED = { decryptsEqual: true, wordsEqual: true };

describe('several primes', () => {
  it.each<[string, CompileOptions, typeof AGREED | null]>([
    ['the direct kernel', { kernel: 'direct', upload: 'seeded' }, AGREED],
    ['the direct kernel, for bandwidth', { kernel: 'direct', objective: 'bandwidth' }, AGREED],
    ['whole uploads', { kernel: 'direct', upload: 'whole' }, AGREED],
    ['the ntt kernel', { kernel: 'ntt' }, AGREED],
    ['SEAL alone', { engine: 'seal' }, null],
    ['hints', { protocol: 'hint' }, AGREED],
    ['hints, for bandwidth', { protocol: 'hint', objective: 'bandwidth' }, AGREED],
    ['rotations', { lowering: 'diagonals' }, null],
    ['rotations in the worst case', { lowering: 'diagonals', failure: 'never' }, null],
  ])('%s', async (_, options, seal) => {
    const spec = options.lowering === 'diagonals' ? rotated : wide;
    const plan = compileSpec(spec, { lowering: 'toeplitz', ...options });
    const { parameters, wire, bytes } = plan;
    const primes = parameters.dataPrimes.length;
    expect(primes).toBeGreaterThan(1);
    // Not only bits of the last prime.
    expect(wire.responseC0).toBeGreaterThan(12);
    expect(options.protocol === 'hint' ? wire.uploadC0 : 0).toBe(0);
    const { report } = await run(plan, randomInput(spec, 3));
    expect(report).toMatchObject({ match: true, seal });
    expect(report.noise.measuredBudgetBits).toBeGreaterThanOrEqual(report.noise.predictedBudgetBits);
    expect(report.bytes.response).toBe(bytes.response);
  });
});
