import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { benchWorkers } from '../../src/bench/workersBench.ts';
import { clearModel, residualModel } from '../model/models.ts';
import { cipherconv, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();

/** Paths of all numbers in a report, and of everything that is null. */
function paths(value: unknown, path: string): { numbers: string[]; nulls: string[] } {
  if (value === null) return { numbers: [], nulls: [path] };
  if (typeof value === 'number') return { numbers: [path], nulls: [] };
  if (typeof value !== 'object') return { numbers: [], nulls: [] };
  const found = Object.entries(value).map(([key, item]) => paths(item, `${path}.${key}`));
  return { numbers: found.flatMap(({ numbers }) => numbers), nulls: found.flatMap(({ nulls }) => nulls) };
}

it('times one layer on one and two threads: medians, and the fastest evaluation of each', async () => {
  const shape = { size: 8, channels: 4, kernel: 3, filters: 16, pad: 1, stride: 1, note: '' } as const;
  const times = await benchWorkers(
    { id: 'small', ...shape, inputBits: 4, weightBits: 4, weightsSigned: true },
    [1, 2],
  );
  expect(times.map(({ id, workers }) => [id, workers])).toEqual([
    ['small', 1],
    ['small', 2],
  ]);
  for (const { ms, fastest } of times) {
    expect(fastest).toBeGreaterThan(0);
    expect(fastest).toBeLessThanOrEqual(ms);
  }
});

describe('bench', () => {
  it('fills its JSON, finds every layer equal and draws the chart', () => {
    const chart = join(folder, 'bench.svg');
    const { code, stdout } = cipherconv([
      'bench',
      '--layers',
      'L1,L2',
      '--workers',
      '1',
      '--json',
      '--chart',
      chart,
    ]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.layers.map((layer: { id: string }) => layer.id)).toEqual(['L1', 'L2']);
    for (const layer of report.layers) {
      expect(layer.match).toBe(true);
      const { numbers } = paths(layer, layer.id);
      for (const field of [
        'encrypt',
        'encodeUpload',
        'evaluate.ntt',
        'evaluate.nttOwn',
        'evaluate.auto',
        'floorNtt',
        'encodeDownload',
        'decrypt',
        'total',
        'plaintext',
      ]) {
        expect(numbers).toContain(`${layer.id}.ms.${field}`);
      }
      expect(numbers).toContain(`${layer.id}.ratios.nttOverFloor`);
    }
    expect(report.peakRssMiB).toBeGreaterThan(0);
    expect(Object.keys(report.machine)).toEqual(['cpu', 'cores', 'node', 'platform', 'stolen']);
    expect(readFileSync(chart, 'utf8')).toMatch(/^<svg[\s\S]*onnxruntime-web, cleartext/);
  });

  it('refuses layers and worker counts that do not exist', () => {
    for (const args of [
      ['--layers', 'L12'],
      ['--workers', '0'],
      ['--workers', 'two'],
    ]) {
      const { code, stderr } = cipherconv(['bench', ...args]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/no such layer|Expected a whole number/);
    }
  });
});

describe('bench --model', () => {
  it('has every layer, equal, and totals that are the sums', () => {
    const file = join(folder, 'residual.onnx');
    writeFileSync(file, residualModel());
    const { code, stdout } = cipherconv(['bench', '--model', file, '--json']);
    expect(code).toBe(0);
    const { model, layers, total, machine } = JSON.parse(stdout);
    expect(model).toBe('residual');
    expect(Object.keys(machine)).toEqual(['cpu', 'cores', 'node', 'platform', 'stolen']);
    expect(layers).toHaveLength(3);
    for (const layer of layers) {
      expect(layer).toMatchObject({ match: true, protocol: expect.stringMatching(/^(hint|standard)$/) });
      expect(layer.bytes.hint > 0).toBe(layer.protocol === 'hint');
      expect(layer.ms.hint > 0).toBe(layer.protocol === 'hint');
      expect(layer.ms.evaluate).toBeLessThan(layer.ms.online);
    }
    for (const part of ['ms', 'bytes'] as const) {
      for (const key of Object.keys(total[part])) {
        const sum = layers.reduce(
          (all: number, layer: Record<typeof part, Record<string, number>>) => all + layer[part][key]!,
          0,
        );
        expect(total[part][key]).toBeCloseTo(sum, 6);
      }
    }
    expect(total.coldOverOnline).toBeCloseTo(total.ms.cold / total.ms.online, 6);
  });

  it('refuses what has no effect with it, what is no model, and what cannot be encrypted', () => {
    const config = join(folder, 'no-model.json');
    const file = join(folder, 'clear.onnx');
    writeFileSync(config, '{}');
    writeFileSync(file, clearModel());
    const refused: [args: string[], text: RegExp][] = [
      [['--model', file, '--layers', 'L1'], /--layers has no effect with --model/],
      [['--model', file, '--compare'], /--compare has no effect with --model/],
      [['--bind', 'x=y.pb'], /--bind/],
      [['--model', config], /no-model\.json/],
      [['--model', file], /nothing of this model can be encrypted/],
    ];
    for (const [args, text] of refused) {
      const { code, stdout, stderr } = cipherconv(['bench', ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(text);
    }
  });
});
