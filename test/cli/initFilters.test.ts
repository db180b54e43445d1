import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { configText, specOfFilter, withOwnWidth } from '../../src/init/config.ts';
import { filterOfKernel, filterOfNumbers } from '../../src/init/filter.ts';
import { KERNELS } from '../../src/init/kernelNames.ts';
import type { KernelName } from '../../src/init/kernelNames.ts';
import { kernelOf } from '../../src/init/kernels.ts';
import { quantizationText } from '../../src/init/scales.ts';
import { lint } from '../../src/lint/lint.ts';
import { temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const path = (name: string): string => join(folder, name);
const INPUT = { height: 20, width: 30, bits: 2 };

/** The errors and warnings of the linter. */
async function findings(file: string): Promise<string[]> {
  const report = await lint([file]);
  return report.findings
    .filter(({ level }) => level !== 'info')
    .map(({ rule, message }) => `${rule}: ${message}`);
}

/** Bits in which a filter stays what it is, and sums stay narrow; the others are refused. */
function holding(name: KernelName, size: number): readonly number[] {
  return [1, 2, 3, 4, 5].filter((bits) => {
    try {
      return filterOfKernel(kernelOf(name, size), bits).bits === bits;
    } catch (error) {
      expect(error).toMatchObject({ details: { code: 'usage', where: '--bits' } });
      return false;
    }
  });
}

describe('well-known filters', () => {
  it.each(KERNELS)(
    '%s, in all sizes and with all bits that keep it, gives configs that lint clean',
    async (name) => {
      for (const size of [3, 5]) {
        for (const bits of [null, ...holding(name, size)]) {
          const filter = filterOfKernel(kernelOf(name, size), bits);
          const spec = withOwnWidth(specOfFilter(name, filter, INPUT));
          const file = path(`${name}${size}${bits}.conv.json`);
          writeFileSync(file, configText(spec, 'x.json', null));
          expect(await findings(file)).toEqual([]);
          const read = parseFilterConfig(readFileSync(file, 'utf8'));
          expect(read.spec).toEqual(spec);
        }
      }
    },
  );

  it('are what books say', () => {
    expect(kernelOf('gaussian', 5)[0]?.slice(10, 15)).toEqual([6, 24, 36, 24, 6]);
    expect(kernelOf('sobel', 3)).toEqual([
      [-1, 0, 1, -2, 0, 2, -1, 0, 1],
      [-1, -2, -1, 0, 0, 0, 1, 2, 1],
    ]);
    expect(kernelOf('sharpen', 3)).toEqual([[0, -1, 0, -1, 5, -1, 0, -1, 0]]);
    for (const size of [3, 5]) {
      const sum = (name: (typeof KERNELS)[number]): number =>
        kernelOf(name, size)[0]!.reduce((total, weight) => total + weight, 0);
      expect([sum('laplacian'), sum('sobel'), sum('sharpen'), sum('box')]).toEqual([0, 0, 1, size * size]);
    }
  });

  it('take as few bits as hold them exactly', () => {
    const exact = filterOfKernel(kernelOf('gaussian', 3), null);
    expect(exact).toMatchObject({ bits: 3, signed: false, error: 0, scales: null });
    expect(filterOfKernel(kernelOf('gaussian', 3), 2)).toMatchObject({
      bits: 2,
      values: [1, 2, 1, 2, 3, 2, 1, 2, 1],
    });
  });
});

describe('well-known filters in few bits', () => {
  it.each<[KernelName, number, readonly number[]]>([
    ['gaussian', 3, [2, 3, 4, 5]],
    ['gaussian', 5, [5]],
    ['box', 3, [1, 2, 3, 4, 5]],
    ['sobel', 3, [3, 4, 5]],
    ['sobel', 5, [4, 5]],
    ['laplacian', 3, [3, 4, 5]],
    ['laplacian', 5, [5]],
    ['sharpen', 3, [4, 5]],
    ['sharpen', 5, []],
  ])('%s of size %i stays itself with %j of 1 to 5', (name, size, bits) => {
    expect(holding(name, size)).toEqual(bits);
    const weights = kernelOf(name, size);
    for (const some of bits) {
      const { values } = filterOfKernel(weights, some);
      expect(values.map(Math.sign)).toEqual(weights.flat().map(Math.sign));
    }
  });

  it.each<[KernelName, number, number, string, string, string]>([
    ['sharpen', 3, 2, '4 of its 5 weights would become 0', 'at least 4, which hold it exactly', '--bits 4'],
    ['sharpen', 3, 3, 'the sum of its weights would have another sign', 'at least 4', '--bits 4'],
    ['sharpen', 3, 1, 'it has weights below 0', 'at least 4', '--bits 4'],
    ['laplacian', 3, 2, '4 of its 5 weights would become 0', 'at least 3, which hold it exactly', '--bits 3'],
    ['sobel', 3, 2, '8 of its 12 weights would become 0', 'at least 3', '--bits 3'],
    ['gaussian', 5, 2, '16 of its 25 weights would become 0', 'at least 5; 6 hold it exactly', '--bits 5'],
  ])('%s of size %i with %i bits is refused, and told what holds it', (name, size, bits, ...says) => {
    for (const text of says) expect(() => filterOfKernel(kernelOf(name, size), bits)).toThrow(text);
  });
});

describe('weights from a file', () => {
  it('floats that become 0 are a warning of their own, and shares are no powers of ten', () => {
    const sharpen = { shape: [3, 3], data: Float64Array.from(kernelOf('sharpen', 3).flat()), type: 'f4' };
    const text = (bits: number): string =>
      quantizationText(filterOfNumbers(sharpen, 'w.npy', { bits, scale: null })) ?? '';
    expect(text(2)).toContain('(20%)');
    expect(text(2)).toContain('\nwarning: 4 of 5 weights that are not 0 have become 0');
    expect(text(3)).not.toContain('warning');
    const far = filterOfNumbers(sharpen, 'w.npy', { bits: 4, scale: 100 });
    expect(quantizationText(far)).toContain('(100%)');
  });

  const floats = { shape: [2, 1, 1, 2], data: Float64Array.of(0.5, -1, 3, 1.5), type: 'f4' };

  it('floats: a scale for each output channel, and how far off the integers are', () => {
    const filter = filterOfNumbers(floats, 'w.npy', { bits: 3, scale: null });
    expect(filter).toMatchObject({ values: [2, -3, 3, 2], signed: true, bits: 3 });
    expect(filter.scales).toEqual([1 / 3, 1]);
    expect(filter.error).toBeCloseTo(0.5, 10);
  });

  it('floats with a scale of their own: refused where a bit is missing, not cut off', () => {
    expect(filterOfNumbers(floats, 'w.npy', { bits: 4, scale: 0.5 }).values).toEqual([1, -2, 6, 3]);
    expect(() => filterOfNumbers(floats, 'w.npy', { bits: 3, scale: 0.5 })).toThrow('does not fit 3 bits');
  });

  it('floats without bits, and what is no filter, are refused', () => {
    expect(() => filterOfNumbers(floats, 'w.npy', { bits: null, scale: null })).toThrow('--bits 4');
    const line = { shape: [4], data: floats.data, type: 'f4' };
    expect(() => filterOfNumbers(line, 'w.npy', { bits: 3, scale: null })).toThrow(
      'not the shape of a filter',
    );
  });
});
