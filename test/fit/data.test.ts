import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { encodeNpy } from '../../src/frontend/npy.ts';
import { loadExamples } from '../../src/fit/data.ts';
import { parseArchitecture } from '../../src/fit/parseArchitecture.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';
import { BARS } from './small.ts';

const folder = temporaryFolder();
const INPUT = { shape: [1, 2, 3] as [number, number, number], levels: 4, largest: 9 };
const PIXELS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2];

let files = 0;
function file(bytes: Uint8Array): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, bytes);
  return path;
}

function idx(shape: readonly number[], data: readonly number[], type = 8): Uint8Array {
  const header = [0, 0, type, shape.length, ...shape.flatMap((extent) => [0, 0, extent >> 8, extent & 255])];
  return Uint8Array.from([...header, ...data]);
}

function npy(shape: readonly number[], data: readonly number[]): Uint8Array {
  return encodeNpy({ shape, data: Float64Array.from(data) });
}

async function refusal(data: Uint8Array, labels: Uint8Array): Promise<CipherconvError> {
  try {
    await loadExamples({ data: file(data), labels: file(labels) }, INPUT, 3);
  } catch (error) {
    if (error instanceof CipherconvError) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('pictures and labels', () => {
  it.each([
    ['npy', npy([2, 2, 3], PIXELS), npy([2], [0, 2])],
    ['npy with channels', npy([2, 1, 2, 3], PIXELS), npy([2], [0, 2])],
    ['idx', idx([2, 2, 3], PIXELS), idx([2], [0, 2])],
    ['gzipped', gzipSync(idx([2, 2, 3], PIXELS)), gzipSync(npy([2], [0, 2]))],
  ])('%s', async (_, data, labels) => {
    const examples = await loadExamples({ data: file(data), labels: file(labels) }, INPUT, 3);
    expect(Array.from(examples.pixels)).toEqual(PIXELS);
    expect(Array.from(examples.labels)).toEqual([0, 2]);
  });

  const labels = idx([2], [0, 2]);
  it.each([
    ['another size', idx([2, 3, 2], PIXELS), labels, 'shape-mismatch', '[2, 3, 2]'],
    ['no picture', idx([0, 2, 3], []), labels, 'shape-mismatch', '[0, 2, 3]'],
    ['a label too few', idx([2, 2, 3], PIXELS), idx([1], [0]), 'shape-mismatch', '[1]'],
    ['a class too many', idx([2, 2, 3], PIXELS), idx([2], [0, 3]), 'out-of-range', '3'],
    ['a pixel too large', npy([2, 2, 3], [...PIXELS.slice(1), 10]), labels, 'out-of-range', '10'],
    ['a pixel below 0', npy([2, 2, 3], [...PIXELS.slice(1), -1]), labels, 'out-of-range', '-1'],
    ['a pixel that wraps', npy([2, 2, 3], [...PIXELS.slice(1), 256]), labels, 'out-of-range', '256'],
    ['floats in idx', idx([2, 2, 3], PIXELS, 0x0d), labels, 'malformed-tensor', 'type 0x0d'],
    ['cut off', idx([2, 2, 3], PIXELS.slice(1)), labels, 'malformed-tensor', '11 bytes'],
    ['too long', idx([2, 2, 3], [...PIXELS, 1]), labels, 'malformed-tensor', '13 bytes'],
    ['half a header', Uint8Array.of(0, 0, 8, 3, 0, 0), labels, 'malformed-tensor', '6 bytes in all'],
    ['half a gzip file', gzipSync(idx([2, 2, 3], PIXELS)).subarray(0, 20), labels, 'malformed-tensor', ''],
  ])('refuses %s', async (_, data, other, code, found) => {
    const { details } = await refusal(data, other);
    expect(details.code).toBe(code);
    expect(details.found).toContain(found);
  });
});

describe('architectures', () => {
  const text = (change: object): string => JSON.stringify({ ...BARS, ...change }, null, 1);
  const [convolution, square, dense] = BARS.layers;
  it.each([
    [
      'an unknown key',
      { layers: [{ ...convolution, stride: 2 }, square, dense] },
      'malformed-config',
      'strides',
    ],
    ['an unknown kind', { layers: [{ kind: 'relu' }, dense] }, 'malformed-config', 'square'],
    ['two linear layers in a row', { layers: [convolution, dense] }, 'unsupported', 'a square'],
    ['no scores at the end', { layers: [convolution, square] }, 'malformed-config', 'dense'],
    ['a convolution at the end', { layers: [convolution] }, 'malformed-config', 'dense'],
    [
      'a window that does not fit',
      { layers: [{ ...convolution, kernel: [99, 3] }, square, dense] },
      'malformed-config',
      '8 x 8',
    ],
    ['one level', { input: { shape: [1, 8, 8], levels: 1 } }, 'malformed-config', 'at least 2'],
    ['a filter config', { weights: {}, input: {} }, 'malformed-config', 'architecture'],
  ])('refuses %s', (_, change, code, says) => {
    try {
      parseArchitecture(text(change), 'x.fit.json');
    } catch (error) {
      expect(error).toBeInstanceOf(CipherconvError);
      if (!(error instanceof CipherconvError)) return;
      expect(error.code).toBe(code);
      expect(error.message).toContain(says);
      expect(error.message).toMatch(/^x\.fit\.json:\d+:\d+/);
      return;
    }
    throw new Error('not refused');
  });

  it('takes the one that trains', () => {
    const { stages } = parseArchitecture(text({}), 'x.fit.json');
    expect(stages.map(({ linear }) => linear.name)).toEqual(['convolution 1', 'dense 2']);
    expect(stages[0]?.output).toEqual({ channels: 4, height: 4, width: 4 });
  });
});
