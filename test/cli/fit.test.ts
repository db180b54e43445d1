import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { encodeNpy } from '../../src/frontend/npy.ts';
import { BARS, bars } from '../fit/small.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const path = (name: string): string => join(folder, name);
const { pixels, labels } = bars(300, 1);
writeFileSync(path('x.npy'), encodeNpy({ shape: [300, 8, 8], data: Float64Array.from(pixels) }));
writeFileSync(path('y.npy'), encodeNpy({ shape: [300], data: Float64Array.from(labels) }));
writeFileSync(path('bars.fit.json'), JSON.stringify(BARS));

const DATA = ['--data', path('x.npy'), '--labels', path('y.npy')];
const fit = (bits: string, output: string, ...more: string[]) =>
  cipherconv([
    'fit',
    path('bars.fit.json'),
    ...DATA,
    '--accumulator-bits',
    bits,
    '-o',
    path(output),
    ...more,
  ]);

describe('fit', () => {
  it('writes a model that is read, says what it trained, and tells of its passes on stderr', async () => {
    const { code, stdout, stderr } = fit('12', 'bars.onnx', '--epochs', '3', '--augment', 'none', '--json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      name: 'bars',
      accumulatorBits: 12,
      epochs: 3,
      seed: 1,
      output: path('bars.onnx'),
    });
    expect(stderr.match(/^epoch [123] of 3 {3}loss \d/gm)).toHaveLength(3);
    const model = await importOnnx(readFileSync(path('bars.onnx')));
    expect(model.layers.map(({ op }) => op)).toContain('Conv');
  });

  it('says in a table what a person wants to know; nothing on stderr with --quiet', () => {
    const { code, stdout, stderr } = fit('12', 'quiet.onnx', '--epochs', '1', '--quiet');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^bars: \d+\.\d\d% \(\d+ of 30\) right on held-out pictures/);
    expect(stdout).toMatch(
      /convolution 1 .*\n {2}dense 2 .*\nevery score is held to \d+\.\d\d bits of 12, proved/,
    );
  });

  it('refuses, and writes nothing: no room for weights, half of a pair, an input as output', () => {
    const before = namesIn(folder);
    const narrow = fit('4', 'never.onnx');
    expect([narrow.code, narrow.stderr]).toEqual([2, expect.stringContaining('leave no room for weights')]);
    const half = fit('12', 'never.onnx', '--validation-data', path('x.npy'));
    expect([half.code, half.stderr]).toEqual([2, expect.stringContaining('add --validation-labels FILE')]);
    const over = fit('12', 'x.npy');
    expect([over.code, over.stderr]).toEqual([2, expect.stringContaining('are the same file')]);
    expect(namesIn(folder)).toEqual(before);
  });
});

describe('schema', () => {
  it('prints what editors take', () => {
    const { code, stdout } = cipherconv(['schema', 'architecture']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ title: 'cipherconv architecture', type: 'object' });
  });
});
