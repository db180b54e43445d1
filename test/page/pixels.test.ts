import { fc } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatMilliseconds,
  hexLines,
  noisePixels,
  pixelsOf,
  rangeOf,
  readingSize,
  samplesOf,
} from '../../src/page/pixels.ts';

describe('readingSize', () => {
  it('is the size of the picture, or one of at most 2^24 pixels with its proportions', () => {
    const side = fc.integer({ min: 1, max: 60_000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const read = readingSize({ width, height });
        expect(read.width * read.height).toBeLessThanOrEqual(2 ** 24);
        if (width * height <= 2 ** 24) expect(read).toEqual({ width, height });
        else
          expect(Math.abs(read.width / read.height / (width / height) - 1)).toBeLessThan(
            1 / Math.min(read.width, read.height) + 1e-9,
          );
      }),
    );
    expect(readingSize({ width: 4096, height: 4096 })).toEqual({ width: 4096, height: 4096 });
    expect(readingSize({ width: 8192, height: 8192 })).toEqual({ width: 4096, height: 4096 });
  });
});

describe('samplesOf', () => {
  it('keeps every value and drops alpha', () => {
    expect([...samplesOf(Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255))]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('pictures of integers', () => {
  it('go from black at the lowest to white at the highest', () => {
    const plane = Float64Array.of(-3, 0, 3);
    expect(rangeOf(plane)).toEqual({ low: -3, high: 3 });
    expect([...pixelsOf([plane], rangeOf(plane))]).toEqual([
      0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255,
    ]);
  });

  it('show three planes as red, green and blue, and one value alone as black', () => {
    const planes = [Float64Array.of(0), Float64Array.of(1), Float64Array.of(3)];
    expect([...pixelsOf(planes, { low: 0, high: 3 })]).toEqual([0, 85, 255, 255]);
    expect([...pixelsOf([Float64Array.of(7)], { low: 7, high: 7 })]).toEqual([0, 0, 0, 255]);
  });

  it('show bytes, and nothing where there are none', () => {
    const shown = noisePixels(Uint8Array.of(9, 200, 3), { width: 2, height: 2 });
    expect([...shown]).toEqual([9, 9, 9, 255, 200, 200, 200, 255, 3, 3, 3, 255, 0, 0, 0, 0]);
  });
});

describe('texts', () => {
  it('shows bytes in hexadecimal after their offset', () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, at) => at);
    expect(hexLines(bytes, 16, 9)).toBe(
      '000010  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n000020  20 21 22 23 24 25 26 27',
    );
    expect(hexLines(bytes, 0, 1).split('\n').length).toBe(1);
  });

  it('groups digits', () => {
    expect(formatBytes(1234567)).toBe('1,234,567 bytes');
    expect([3.14159, 12.6, 1234].map(formatMilliseconds)).toEqual(['3.1 ms', '13 ms', '1,234 ms']);
  });
});
