import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cipherconv, ROOT, temporaryFolder } from './spawnCli.ts';

const GAUSSIAN = join(ROOT, 'examples', '1-gaussian', 'gaussian.conv.json');
const PICTURE = join(ROOT, 'examples', 'picture-28.png');
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

describe('--lowering', () => {
  it('diagonals: run fills the report, keys and rotations included', () => {
    const { code, stdout } = cipherconv([
      'run',
      GAUSSIAN,
      '-i',
      PICTURE,
      '--lowering',
      'diagonals',
      '--json',
    ]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      match: true,
      outputs: 784,
      lowering: 'diagonals',
      kernel: 'ntt',
      params: { degree: 4096, plainModulus: 40961 },
      accumulator: { lo: 0, hi: 45, decodeWidth: 46 },
      counts: { products: 9, rotations: 8, inputCiphertexts: 1, outputCiphertexts: 1 },
    });
    expect(report.params.coeffModulusBits).toHaveLength(2);
    expect(report.bytes.keys).toBeGreaterThan(100_000);
    expect(report.noise.measuredBudgetBits).toBeGreaterThanOrEqual(report.noise.predictedBudgetBits);
  });

  it('auto and toeplitz give the same plan but for the request that it records', () => {
    const plans = [[], ['--lowering', 'toeplitz']].map((flags) => {
      const { stdout } = cipherconv(['compile', GAUSSIAN, ...flags]);
      const { request, digest, ...rest } = JSON.parse(stdout);
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
      return { request, rest };
    });
    const [auto, asked] = plans;
    expect(auto!.rest).toEqual(asked!.rest);
    expect(auto!.request).toEqual({ ...asked!.request, lowering: 'auto' });
  });

  it('a diagonals plan is a file like any other: read, proved and run, refused when changed', () => {
    const compiled = cipherconv(['compile', GAUSSIAN, '--lowering', 'diagonals', '-o', at('d.json')]);
    expect(compiled).toMatchObject({ code: 0 });
    const ran = cipherconv(['run', at('d.json'), '-i', PICTURE]);
    expect(ran.stdout).toContain('equal: 784 of 784');
    const useless = cipherconv(['run', at('d.json'), '-i', PICTURE, '--lowering', 'toeplitz']);
    expect(useless).toMatchObject({ code: 2 });
    const text = readFileSync(at('d.json'), 'utf8');
    writeFileSync(at('forged.json'), text.replace(/"rowPitch": ?28/, '"rowPitch":27'));
    expect(cipherconv(['run', at('forged.json'), '-i', PICTURE])).toMatchObject({ code: 2 });
    writeFileSync(at('odd.json'), text.replace('"planePitch"', '"planePich"'));
    const odd = cipherconv(['explain', at('odd.json')]);
    expect(odd.stderr).toContain('did you mean "planePitch"');
  });

  it('explain says which lowering is cheaper and why, for both', () => {
    const toeplitz = cipherconv(['explain', GAUSSIAN]).stdout;
    expect(toeplitz).toContain('toeplitz, the cheaper one: diagonals would take at least');
    const diagonals = cipherconv(['explain', GAUSSIAN, '--lowering', 'diagonals']).stdout;
    expect(diagonals).toContain('diagonals, as asked for; toeplitz is the cheaper one');
    expect(diagonals).toContain('8 rotations');
    expect(diagonals).toContain('at most 2^-128');
    const json = JSON.parse(cipherconv(['explain', GAUSSIAN, '--lowering', 'diagonals', '--json']).stdout);
    expect(json.loweringReport).toMatchObject({ lowering: 'diagonals', auto: 'toeplitz' });
    expect(json.keys.steps).toHaveLength(8);
  });

  it('says what it does not take', () => {
    const config = JSON.parse(readFileSync(GAUSSIAN, 'utf8'));
    config.input.shape = [1, 1, 3000, 3000];
    const { code, stderr } = cipherconv(['compile', '-', '--lowering', 'diagonals'], {
      input: JSON.stringify(config),
    });
    expect(code).toBe(2);
    expect(stderr).toContain('not supported yet: the diagonals lowering of a convolution this large');
  });
});

describe('bench --compare', () => {
  it('prints both lowerings with keys, bytes, rotations and times', () => {
    const { code, stdout } = cipherconv(['bench', '--compare', '--layers', 'L1,L2']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/layer +lowering +equal +N +q bits +t +rotations +products +keys +key bytes/);
    expect(stdout).toMatch(/L1 +toeplitz +yes/);
    expect(stdout).toMatch(/L1 +diagonals +yes +4096 .* 5 +6 +5 /);
    expect(stdout).toMatch(/L2 +diagonals +yes/);
    expect(stdout).toMatch(/L2: diagonals evaluate in [\d.]+ times the time of toeplitz/);
  });

  it('gives the same as JSON', () => {
    const { code, stdout } = cipherconv(['bench', '--compare', '--layers', 'L1', '--json']);
    expect(code).toBe(0);
    const [layer] = JSON.parse(stdout).layers;
    expect(layer).toMatchObject({ id: 'L1', outputs: 1024, runs: [{ match: true }, { match: true }] });
    expect(layer.runs[0].bytes.keys).toBe(0);
    expect(layer.runs[1].bytes.keys).toBeGreaterThan(0);
  });

  it('takes no option that would have no effect', () => {
    expect(cipherconv(['bench', '--compare', '--workers', '2'])).toMatchObject({ code: 2 });
  });
});
