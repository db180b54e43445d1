import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
