import { fc } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatMilliseconds,
  hexLines,
  middleBox,
  noisePixels,
  pixelsOf,
  rangeOf,
  samplesOf,
} from '../../src/page/pixels.ts';

const side = fc.integer({ min: 1, max: 5000 });
const size = fc.record({ width: side, height: side });

describe('middleBox', () => {
  it('lies within the source, in its middle, with the proportions of the target, touching two sides', () => {
    fc.assert(
      fc.property(size, size, (source, target) => {
        const box = middleBox(source, target);
        expect(box.width / box.height).toBeCloseTo(target.width / target.height, 6);
        expect(box.left * 2 + box.width).toBeCloseTo(source.width, 6);
        expect(box.top * 2 + box.height).toBeCloseTo(source.height, 6);
        expect(Math.min(box.left, box.top)).toBeCloseTo(0, 6);
        expect(Math.max(box.left, box.top)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is the whole source when the sizes are the same, so that no value changes', () => {
    fc.assert(
      fc.property(size, (same) => {
        expect(middleBox(same, same)).toEqual({ left: 0, top: 0, ...same });
      }),
    );
  });
});

describe('samplesOf', () => {
  it('keeps every grey value, and colours as they are', () => {
    const greys = Uint8ClampedArray.from({ length: 1024 }, (_, at) =>
      at % 4 === 3 ? 255 : Math.floor(at / 4),
    );
    expect([...samplesOf(greys, 1)]).toEqual(Array.from({ length: 256 }, (_, value) => value));
    expect([...samplesOf(Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255), 3)]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('weighs colours: red 76, green 150, blue 29', () => {
    const pure = Uint8ClampedArray.of(255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255);
    expect([...samplesOf(pure, 1)]).toEqual([76, 150, 29]);
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
