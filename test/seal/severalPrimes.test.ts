/** Plans whose q has several primes, of which low bits do not travel: SEAL computes the same words and decrypts to the same. */
import { afterEach, describe, expect, it } from 'vitest';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { CompileOptions } from '../../compiler/lowerings/compile.ts';
import { liveSealObjects } from '../../runtime/seal/scope.ts';
import { run } from '../../src/run.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';

afterEach(() => {
  expect(liveSealObjects()).toBe(0);
});

/** 16 x 16 bits: q has more than 60. */
const wide = simpleSpec({
  input: { channels: 12, height: 9, width: 9, bits: 16 },
  weights: {
    outChannels: 3,
    channelsPerGroup: 12,
    bits: 16,
    signed: true,
    values: Array.from({ length: 324 }, (_, index) => ((index * 7919) % 65_535) - 32_767),
  },
});

/** Rotations whose noise one prime does not carry at N = 4096. */
const rotated = simpleSpec({
  input: { channels: 3, height: 20, width: 20, bits: 8 },
  weights: {
    outChannels: 4,
    channelsPerGroup: 3,
    kernelHeight: 5,
    kernelWidth: 5,
    bits: 4,
    signed: true,
    values: Array.from({ length: 300 }, (_, index) => ((index * 7) % 16) - 8),
  },
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
