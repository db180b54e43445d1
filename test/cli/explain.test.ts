import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cipherconv, temporaryFolder } from './spawnCli.ts';

const GAUSSIAN = 'examples/1-gaussian/gaussian.conv.json';
const folder = temporaryFolder();

interface Explained {
  readonly bytes?: { readonly upload: number; readonly response: number };
  readonly params: { readonly degree: number };
  readonly loweringReport: {
    readonly lowering: string;
    readonly asked: boolean | null;
    readonly auto: string;
    readonly reason: string;
  };
  readonly noiseReport: { readonly otherFailure: { readonly degree: number } | null };
}

function explain(...args: string[]): Explained {
  return JSON.parse(cipherconv(['explain', GAUSSIAN, '--json', ...args]).stdout) as Explained;
}

describe('explain compares with what the same options give otherwise', () => {
  it.each(['1024', '8192', '32768'])('--degree %s and the lowering left open', (degree) => {
    const { loweringReport, noiseReport } = explain('--degree', degree);
    expect(loweringReport).toMatchObject({ lowering: loweringReport.auto, asked: false });
    expect(noiseReport.otherFailure?.degree ?? Number(degree)).toBe(Number(degree));
    const { stdout } = cipherconv(['explain', GAUSSIAN, '--degree', degree]);
    expect(stdout).toMatch(/^ {2}toeplitz, the cheaper one: /m);
    expect(stdout).not.toContain('as asked for');
  });

  it('a lowering that was asked for is called so', () => {
    const { loweringReport } = explain('--lowering', 'diagonals', '--degree', '8192');
    expect(loweringReport).toMatchObject({ lowering: 'diagonals', asked: true, auto: 'toeplitz' });
    const [, size] = /toeplitz takes [\d.]+ ms and (\d+) bytes/.exec(loweringReport.reason) ?? [];
    const { stdout } = cipherconv(['explain', GAUSSIAN, '--degree', '8192']);
    const [, up, down] = /ciphertext in \((\d+) bytes\), 1 ciphertext out \((\d+) bytes\)/.exec(stdout) ?? [];
    // The other plan is the one that these options give, and has one size.
    expect(Number(size)).toBe(Number(up) + Number(down));
  });

  it('a plan that was compiled before knows what was asked for, and is compared under that', () => {
    const plan = join(folder, 'plan.json');
    for (const flags of [
      ['--degree', '32768'],
      ['--lowering', 'diagonals', '--degree', '8192'],
    ]) {
      expect(cipherconv(['compile', GAUSSIAN, ...flags, '-o', plan, '-q']).code).toBe(0);
      const now = explain(...flags);
      const later = JSON.parse(cipherconv(['explain', plan, '--json']).stdout) as Explained;
      expect(later.loweringReport).toEqual(now.loweringReport);
      expect(later.noiseReport).toEqual(now.noiseReport);
    }
  });
});

describe('explain --passes', () => {
  it('says what each pass made, in order, of a config and of the plan that it gives', () => {
    const plan = join(folder, 'passes.json');
    expect(cipherconv(['compile', GAUSSIAN, '-o', plan, '-q']).code).toBe(0);
    const [, text = ''] = cipherconv(['explain', GAUSSIAN, '--passes']).stdout.split('\nPasses');
    const order = [
      'spec',
      'accumulator',
      'packing (toeplitz)',
      'program (toeplitz)',
      'parameters (toeplitz)',
    ];
    const at = [...order, 'proof (toeplitz)'].map((name) => text.indexOf(`\n  ${name}`));
    expect(at.every((position, index) => position > (at[index - 1] ?? -1))).toBe(true);
    const passes = (path: string): unknown =>
      (JSON.parse(cipherconv(['explain', path, '--passes', '--json']).stdout) as { passes: unknown }).passes;
    expect(passes(plan)).toEqual(passes(GAUSSIAN));
    expect(passes(GAUSSIAN)).toContainEqual({
      name: 'accumulator',
      lowering: null,
      made: { low: 0, high: 45, decodeWidth: 46, bits: 6 },
    });
  });
});
