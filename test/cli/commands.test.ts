import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { drawPicture } from '../../examples/draw-picture.ts';
import { decodeNpy } from '../../src/frontend/npy.ts';
import { NODE_SEAL_VERSION, VERSION } from '../../src/version.ts';
import { cipherconv, namesIn, ROOT, temporaryFolder } from './spawnCli.ts';
import { COMPILER_VERSION } from '../../compiler/lowering/assemble.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const GAUSSIAN = join(ROOT, 'examples', '1-gaussian', 'gaussian.conv.json');
const PICTURE = join(ROOT, 'examples', 'picture-28.png');

/** The object of the contract: every field, and of which type. */
const REPORT = {
  match: true,
  mismatches: 0,
  outputs: 784,
  lowering: 'toeplitz',
  kernel: 'direct',
  params: { degree: 1024, coeffModulusBits: [expect.any(Number)], plainModulus: 46 },
  accumulator: { lo: 0, hi: 45, decodeWidth: 46 },
  noise: { predictedBudgetBits: expect.any(Number), measuredBudgetBits: expect.any(Number) },
  ms: {
    keygen: expect.any(Number),
    prepare: expect.any(Number),
    encrypt: expect.any(Number),
    evaluate: expect.any(Number),
    decrypt: expect.any(Number),
    offline: expect.any(Number),
    online: expect.any(Number),
  },
  engine: 'ring',
  protocol: 'standard',
  seal: { decryptsEqual: true, wordsEqual: true },
  bytes: { keys: 0, upload: expect.any(Number), response: expect.any(Number) },
  counts: { products: 1, ntt: 0, rotations: 0, inputCiphertexts: 1, outputCiphertexts: 1 },
};

describe('run', () => {
  it('encrypts, evaluates, decrypts and compares a picture', () => {
    const { code, stdout, stderr } = cipherconv(['run', GAUSSIAN, '-i', PICTURE, '-o', at('y.png')]);
    expect(stdout).toMatch(/\nequal: 784 of 784\n$/);
    expect(stdout).toContain('N = 1024, t = 46');
    expect(stderr).toContain('quantized from 8 to 2 bits');
    expect(decode(readFileSync(at('y.png')))).toMatchObject({ width: 28, height: 28, channels: 1 });
    expect(code).toBe(0);
  });

  it('prints the whole object with --json, and nothing else with --quiet', () => {
    const { code, stdout, stderr } = cipherconv(['run', GAUSSIAN, '-i', PICTURE, '--json', '--quiet']);
    const report: unknown = JSON.parse(stdout);
    expect(report).toEqual(REPORT);
    const { noise } = report as { noise: { predictedBudgetBits: number; measuredBudgetBits: number } };
    expect(noise.measuredBudgetBits).toBeGreaterThanOrEqual(noise.predictedBudgetBits);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('prints the whole object also when all weights are zero', () => {
    const zero = JSON.parse(readFileSync(GAUSSIAN, 'utf8')) as { weights: { values: unknown } };
    zero.weights.values = new Array(9).fill(0);
    const { code, stdout } = cipherconv(['run', '-', '-i', PICTURE, '--json'], {
      input: JSON.stringify(zero),
    });
    expect(JSON.parse(stdout)).toEqual({
      ...REPORT,
      params: { ...REPORT.params, plainModulus: 2 },
      // Nothing is computed that it could judge.
      seal: { decryptsEqual: true, wordsEqual: null },
      accumulator: { lo: 0, hi: 0, decodeWidth: 1 },
      counts: { products: 0, ntt: 0, rotations: 0, inputCiphertexts: 0, outputCiphertexts: 0 },
    });
    expect(code).toBe(0);
  });

  it('gives the same integers as .npy, as .json and on stdout', () => {
    const ends = [at('y.npy'), at('y.json'), '-'].map((out) =>
      cipherconv(['run', GAUSSIAN, '-i', PICTURE, '-o', out]),
    );
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    const npy = decodeNpy(readFileSync(at('y.npy')), 'y.npy');
    expect(npy.shape).toEqual([1, 1, 28, 28]);
    const tensor = { shape: [1, 1, 28, 28], data: Array.from(npy.data) };
    expect(JSON.parse(readFileSync(at('y.json'), 'utf8'))).toEqual(tensor);
    expect(JSON.parse(ends[2]!.stdout)).toEqual(tensor);
    expect(ends[2]!.stderr).toContain('equal: 784 of 784');
  });

  it('reads and writes tensors in the layout of the config', () => {
    const config = {
      version: 1,
      name: 'swap',
      input: { shape: [1, 1, 2, 2], layout: 'NHWC', bits: 4 },
      weights: { shape: [1, 1, 2, 2], layout: 'HWIO', bits: 1, values: [0, 1, 1, 0] },
    };
    writeFileSync(at('swap.conv.json'), JSON.stringify(config));
    const input = JSON.stringify({ shape: [1, 1, 2, 2], data: [1, 2, 3, 4] });
    expect(cipherconv(['compile', at('swap.conv.json'), '-o', at('swap.plan.json')]).code).toBe(0);
    for (const source of ['swap.conv.json', 'swap.plan.json']) {
      const { stdout } = cipherconv(['run', at(source), '-i', '-', '-o', '-'], { input });
      expect(JSON.parse(stdout)).toEqual({ shape: [1, 1, 2, 2], data: [2, 1, 4, 3] });
    }
  });

  it('compiles anew for a picture of another size, and says so; a plan is not changed', () => {
    writeFileSync(at('p.png'), drawPicture(40, 33, 'grey'));
    const ended = cipherconv(['run', GAUSSIAN, '-i', at('p.png'), '-o', at('p-out.png')]);
    expect(ended.stdout).toContain('equal: 1320 of 1320');
    expect(ended.stderr).toContain('40 x 33; compiled for this size instead of the 28 x 28');
    expect(decode(readFileSync(at('p-out.png')))).toMatchObject({ width: 40, height: 33 });
    expect(cipherconv(['compile', GAUSSIAN, '-o', at('g.plan.json')]).code).toBe(0);
    const refused = cipherconv(['run', at('g.plan.json'), '-i', at('p.png')]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('give the filter config instead of the plan');
    const useless = cipherconv(['run', at('g.plan.json'), '-i', PICTURE, '--degree', '2048']);
    expect(useless.stderr).toContain('--degree has no effect on a plan');
    expect(useless.code).toBe(2);
  });

  it('refuses a colour picture for a filter of one channel', () => {
    writeFileSync(at('rgb.png'), drawPicture(28, 28, 'rgb'));
    const { code, stderr } = cipherconv(['run', GAUSSIAN, '-i', at('rgb.png')]);
    expect(stderr).toContain('colour picture');
    expect(code).toBe(2);
  });

  it('says where a pixel leaves the declared range', () => {
    const config = JSON.parse(readFileSync(GAUSSIAN, 'utf8')) as { input: object };
    config.input = { ...config.input, range: [0, 2] };
    const data = new Uint8Array(784);
    data[30] = 255;
    writeFileSync(at('bright.png'), encode({ width: 28, height: 28, channels: 1, depth: 8, data }));
    const { stderr, code } = cipherconv(['run', '-', '-i', at('bright.png')], {
      input: JSON.stringify(config),
    });
    expect(stderr).toContain('bright.png: row 1, column 2: pixel outside the input range');
    expect(code).toBe(2);
  });
});

describe('compile and explain', () => {
  it('write the same plan to a file and to stdout', () => {
    const { stdout, code } = cipherconv(['compile', GAUSSIAN]);
    const toFile = cipherconv(['compile', GAUSSIAN, '-o', at('plan.json')]);
    expect(readFileSync(at('plan.json'), 'utf8')).toBe(stdout);
    expect(toFile).toMatchObject({ code: 0, stdout: '' });
    expect(toFile.stderr).toContain('gaussian3x3: N = 1024, t = 46');
    expect(JSON.parse(stdout)).toMatchObject({ format: 'cipherconv-plan', version: 3 });
    expect(code).toBe(0);
    expect(namesIn(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('explain gives the same for config and plan, in text and JSON', () => {
    cipherconv(['compile', GAUSSIAN, '-o', at('plan.json')]);
    const text = cipherconv(['explain', GAUSSIAN]);
    expect(cipherconv(['explain', at('plan.json')]).stdout).toBe(text.stdout);
    for (const part of [
      '[0, 45] (6 bits unsigned)',
      'N = 1024, t = 46',
      'channel pitch 841',
      'refused:',
      'digest',
    ]) {
      expect(text.stdout).toContain(part);
    }
    const json: unknown = JSON.parse(cipherconv(['explain', at('plan.json'), '--json']).stdout);
    expect(json).toMatchObject({
      name: 'gaussian3x3',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      requiredBits: 6,
    });
    // explain says more than compile, never something else.
    expect(json).toMatchObject(JSON.parse(cipherconv(['compile', GAUSSIAN, '--json']).stdout) as object);
  });

  it('take the degree that is asked for', () => {
    const { stdout } = cipherconv(['compile', GAUSSIAN, '--degree', '2048', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ params: { degree: 2048 } });
  });
});

describe('the process', () => {
  it('prints its version, the same as in package.json', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
      dependencies: Record<string, string>;
    };
    expect(cipherconv(['--version'])).toEqual({
      code: 0,
      stdout: `cipherconv ${manifest.version} (node-seal ${NODE_SEAL_VERSION}, Microsoft SEAL 4.1)\n`,
      stderr: '',
    });
    expect([VERSION, COMPILER_VERSION]).toEqual([manifest.version, manifest.version]);
    expect(manifest.dependencies['node-seal']).toBe(NODE_SEAL_VERSION);
  });

  it('prints help', () => {
    const { code, stdout } = cipherconv(['run', '--help']);
    expect(stdout).toContain('--input <file>');
    expect(code).toBe(0);
  });

  it('ends silently when nobody reads its output', async () => {
    const child = spawn(process.execPath, [join(ROOT, 'src/cli/bin.ts'), 'compile', GAUSSIAN]);
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('ends with 130 when interrupted, and leaves nothing', async () => {
    const before = namesIn(folder);
    const args = ['run', GAUSSIAN, '-i', '-', '-o', at('never.json')];
    const child = spawn(process.execPath, [join(ROOT, 'src/cli/bin.ts'), ...args]);
    const ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        resolve(code ?? signal);
      });
    });
    // More than a pipe holds: written once the program reads. Its input goes on, for ever.
    await new Promise((resolve) => child.stdin.write(' '.repeat(2 ** 20), resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(namesIn(folder)).toEqual(before);
  });
});

describe('the examples', () => {
  it.each([
    ['demo.ts', 'equal: 784 of 784'],
    ['demo.ts', 'equal: 262144 of 262144'],
    [join('2-sobel', 'edges.ts'), 'Sobel edges equal: 784 of 784'],
  ])('%s checks itself', async (script, line) => {
    const child = spawn(process.execPath, [join(ROOT, 'examples', script)], { cwd: ROOT });
    let stdout = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(stdout).toContain(line);
  });
});
