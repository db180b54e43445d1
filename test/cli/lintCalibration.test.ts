import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePng, npyBytes } from '../lint/samples.ts';
import { config } from '../frontend/fixtures.ts';
import { quantizedModel, residualModel, SHAPE } from '../model/models.ts';
import { cipherconv, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder, ...path);

function put(path: string, content: unknown): string {
  mkdirSync(join(at(path), '..'), { recursive: true });
  const raw = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(at(path), raw ? content : JSON.stringify(content));
  return at(path);
}

describe('lint --calibration', () => {
  const file = put('cal.conv.json', config({ accumulator: { bits: 5 } }));
  const calibrated = (...args: string[]) => {
    const { stdout, code, stderr } = cipherconv(['lint', file, '--format', 'json', '--calibration', ...args]);
    return { code, stderr, tier: code === 2 ? null : JSON.parse(stdout).layers[0].tiers.calibrated };
  };

  it('runs the images of a .npy, any number of them', () => {
    // Weights 1 2 / 3 0 over two 2x2 images of which one is all ones: sums 6 and 1 x 1 + 2 x 0 + 3 x 2 = 7.
    const x = put('x.npy', npyBytes([2, 1, 2, 2], [1, 1, 1, 1, 1, 0, 2, 3]));
    expect(calibrated(x).tier).toEqual({
      kind: 'estimate',
      interval: [6, 7],
      requiredBits: 3,
      channels: [[6, 7]],
      samples: 2,
      headroom: 2,
      timesWider: 19 / 2,
      histogram: [
        { from: 6, to: 6, count: 1 },
        { from: 7, to: 7, count: 1 },
      ],
    });
    const { stdout } = cipherconv(['lint', file, '--calibration', x]);
    expect(stdout).toContain('estimate: 2 samples within [6, 7], 2 bits of headroom');
  });

  it('reads a folder of pictures, whatever their size', () => {
    put('pictures/a.png', encodePng(4, 4, 255));
    put('pictures/b.png', encodePng(6, 3, 64));
    put('pictures/notes.txt', 'not a picture');
    expect(calibrated(at('pictures')).tier).toMatchObject({ interval: [6, 18], samples: 9 + 10 });
  });

  it.each([
    ['a missing file', () => at('gone.npy'), 'no such file'],
    ['a folder without inputs', () => (mkdirSync(at('bare')), at('bare')), 'no sample inputs'],
    ['inputs that fit nothing', () => put('y.npy', npyBytes([1, 2, 2, 2], new Array(8).fill(0))), 'fit none'],
    [
      'a value out of range',
      () => put('z.npy', npyBytes([1, 1, 2, 2], [0, 1, 2, 4])),
      'outside its declared range',
    ],
  ])('refuses %s', (_, path, message) => {
    const { code, stderr } = calibrated(path());
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it('says which convolutions the inputs do not fit', () => {
    const x = put('x.npy', npyBytes([1, 1, 2, 2], [1, 1, 1, 1]));
    const two = config({
      name: 'two-channels',
      input: { shape: [1, 2, 4, 4], bits: 2 },
      weights: { shape: [1, 2, 1, 1], bits: 2, values: [1, 2] },
    });
    const { stderr, code } = cipherconv(['lint', file, put('two.conv.json', two), '--calibration', x]);
    expect(stderr).toContain('does not fit: two-channels');
    expect(code).toBe(0);
  });

  it.each(['lint', 'report'])('%s names the layers of a model that read what other steps make', (command) => {
    const model = put('residual.onnx', residualModel());
    const x = put('image.npy', npyBytes(SHAPE, new Array(16).fill(3)));
    const { stderr, code } = cipherconv([command, model, '--json', '--calibration', x]);
    expect(stderr).toMatch(/image\.npy says nothing about what other steps feed: .*residual\.onnx/);
    expect(code).toBe(0);
  });

  it.each(['lint', 'report'])('%s refuses samples that no layer of a model reads', (command) => {
    const model = put('quantized.onnx', quantizedModel());
    const x = put('float.npy', npyBytes([1, 1, 4, 4], new Array(16).fill(3)));
    const { stdout, stderr, code } = cipherconv([command, model, '--calibration', x]);
    expect(stderr).toContain('not supported yet: sample inputs of a model');
    expect(stderr).toContain('init --from MODEL --layer NAME');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
