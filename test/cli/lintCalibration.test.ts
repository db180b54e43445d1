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

  const MODELS: readonly (readonly [string, Uint8Array, number])[] = [
    ['residual', residualModel(), 3],
    // A float input: QuantizeLinear stands before the first layer.
    ['quantized', quantizedModel(), 1],
  ];
  it.each(MODELS)('every layer of the model %s is calibrated', (name, bytes, count) => {
    const model = put(`${name}.onnx`, bytes);
    const x = put('images.npy', npyBytes([2, ...SHAPE.slice(1)], new Array(32).fill(3)));
    const linted = cipherconv(['lint', model, '--json', '--calibration', x]);
    expect([linted.code, linted.stderr]).toEqual([0, '']);
    const tiers = tiersOf(linted.stdout);
    expect(tiers.size).toBe(count);
    for (const { exact, calibrated } of tiers.values()) {
      expect(calibrated.samples).toBeGreaterThan(0);
      expect(calibrated.interval[0]).toBeGreaterThanOrEqual(exact.interval[0]);
      expect(calibrated.interval[1]).toBeLessThanOrEqual(exact.interval[1]);
    }
    const reported = cipherconv(['report', model, '--json', '--calibration', x]);
    expect(reported.code).toBe(0);
    const plan = put(`${name}.plan`, '');
    expect(cipherconv(['compile', model, '-o', plan]).code).toBe(0);
    const planned = cipherconv(['report', plan, '--json', '--calibration', x]);
    for (const { stdout } of [reported, planned])
      for (const [layer, { calibrated }] of tiersOf(stdout))
        expect(calibrated).toEqual(tiers.get(layer)?.calibrated);
  });

  it.each(['lint', 'report'])(
    '%s slides pictures of another size over the layers that read the input',
    (command) => {
      const model = put('residual.onnx', residualModel());
      const x = put('large.npy', npyBytes([1, 1, 6, 6], new Array(36).fill(3)));
      const { stderr, code } = cipherconv([command, model, '--json', '--calibration', x]);
      expect(stderr).toMatch(/large\.npy says nothing about what other steps feed: .*residual\.onnx/);
      expect(code).toBe(0);
    },
  );

  it.each(['lint', 'report'])('%s refuses samples that a model does not take', (command) => {
    const model = put('quantized.onnx', quantizedModel());
    const x = put('wide.npy', npyBytes([1, 1, 4, 5], new Array(20).fill(3)));
    const { stdout, stderr, code } = cipherconv([command, model, '--calibration', x]);
    expect(stderr).toContain('expected: float32 [1, 1, 4, 4]');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

interface Tiers {
  readonly exact: { readonly interval: readonly [number, number] };
  readonly calibrated: {
    readonly interval: readonly [number, number];
    readonly channels: readonly unknown[];
    readonly samples: number;
  };
}

/** What `lint` and `report` print of layers: the report keeps the linter's layer whole. */
interface Printed {
  readonly layers: readonly ({ readonly name: string } & (
    { readonly tiers: Tiers } | { readonly analysis: { readonly tiers: Tiers } }
  ))[];
}

function tiersOf(text: string): Map<string, Tiers> {
  const { layers } = JSON.parse(text) as Printed;
  return new Map(
    layers.map((layer) => [layer.name, 'tiers' in layer ? layer.tiers : layer.analysis.tiers] as const),
  );
}
