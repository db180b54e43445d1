import { describe, expect, it } from 'vitest';
import { convolve } from '../../runtime/clear/loops.ts';
import { parseFilterConfig } from '../../src/frontend/config.ts';
import { resizePicture } from '../../src/frontend/pictureFit.ts';
import { cutText, keptPart } from '../../src/page/cut.ts';
import { convolutionGeometry, proportionalGeometry } from '../../src/page/geometry.ts';
import { parseLabels } from '../../src/page/labels.ts';
import { divergingLimit, divergingPixels, planePixels } from '../../src/page/pixels.ts';
import { pngSize } from '../../src/page/reading.ts';
import { stepRows } from '../../src/page/results.ts';
import { evaluationMs } from '../../src/page/serverTiming.ts';
import { samplePixels } from '../../src/page/samples.ts';

/** What the page shows, as pure functions. */

describe('the window under an output', () => {
  const { spec } = parseFilterConfig(
    JSON.stringify({
      version: 1,
      name: 'odd',
      input: { shape: [1, 1, 11, 13], bits: 4 },
      weights: { shape: [1, 1, 2, 3], bits: 4, values: [1, 2, 3, 4, 5, 6] },
      strides: [2, 3],
      pads: [1, 2, 0, 1],
      dilations: [3, 1],
    }),
  );
  const geometry = convolutionGeometry(spec);
  const data = Float64Array.from({ length: 11 * 13 }, (_, at) => (at * 7) % 16);
  const output = convolve(spec, { shape: [1, 1, 11, 13], data });
  const [, , height = 0, width = 0] = output.shape;

  it('holds exactly the pixels that the convolution sums', () => {
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const { rows, columns } = geometry.windowOf({ row, column });
        const sum = rows
          .flatMap((y, a) => columns.map((x, e) => ({ y, x, weight: 1 + 3 * a + e })))
          .filter(({ y, x }) => y >= 0 && y < 11 && x >= 0 && x < 13)
          .reduce((total, { y, x, weight }) => total + weight * data[y * 13 + x]!, 0);
        expect(sum).toBe(output.data[row * width + column]);
      }
  });

  it('is found again from its middle', () => {
    const same = convolutionGeometry({ ...spec, strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] });
    const { rows, columns } = same.windowOf({ row: 4, column: 5 });
    expect(same.outputAt({ row: rows[0] ?? 0, column: columns[1] ?? 0 })).toEqual({ row: 4, column: 5 });
    const half = proportionalGeometry({ width: 8, height: 6 }, { width: 4, height: 3 });
    expect(half.outputAt({ row: 5, column: 7 })).toEqual({ row: 2, column: 3 });
    expect(half.windowOf({ row: 2, column: 0 })).toEqual({ rows: [5], columns: [1] });
  });
});

describe('cropping', () => {
  it('says what the rule of the command line cuts off', () => {
    expect(cutText({ width: 400, height: 200 }, { width: 100, height: 100 })).toBe(
      'Cropped: 100 pixels are cut off at left and right each, 50 % of the picture.',
    );
    expect(cutText({ width: 100, height: 110 }, { width: 50, height: 50 })).toContain(
      '5 pixels are cut off at top',
    );
    expect(cutText({ width: 64, height: 48 }, { width: 32, height: 24 })).toBe('');
    // White only where the rule keeps nothing: none of it is left.
    const kept = keptPart({ width: 40, height: 20 }, { width: 5, height: 5 });
    const samples = Uint8Array.from({ length: 800 }, (_, at) =>
      at % 40 < kept.left || at % 40 >= kept.left + kept.width ? 255 : 0,
    );
    const picture = {
      file: 'x',
      width: 40,
      height: 20,
      depth: 8,
      channels: 1 as const,
      greyPalette: false,
      samples,
    };
    expect(new Set(resizePicture(picture, { width: 5, height: 5 }).samples)).toEqual(new Set([0]));
    samples[kept.left] = 255;
    expect(Math.max(...resizePicture(picture, { width: 5, height: 5 }).samples)).toBeGreaterThan(0);
  });
});

describe('colours', () => {
  it('go from blue through white to red for integers of both signs', () => {
    expect([...divergingPixels(Float64Array.of(-4, 0, 4, 2), 4)]).toEqual([
      33, 102, 172, 255, 247, 247, 247, 255, 178, 24, 43, 255, 212, 136, 145, 255,
    ]);
    expect([...divergingPixels(Float64Array.of(0), 0)]).toEqual([247, 247, 247, 255]);
    expect(divergingLimit({ low: -2, high: 9 })).toBe(9);
    expect(divergingLimit({ low: 0, high: 9 })).toBeNull();
    expect([...planePixels(Float64Array.of(0, 9), { low: 0, high: 9 })]).toEqual([
      0, 0, 0, 255, 255, 255, 255, 255,
    ]);
  });
});

describe('texts and files', () => {
  it('tells the time of the server apart where the server tells it', () => {
    const step = { name: 'send and evaluate', ms: 20, bytesUp: 1000, bytesDown: 2000 } as const;
    expect(stepRows({ ...step, serverMs: 8 })).toEqual([
      ['send and receive', 'network', '12 ms', '1,000 bytes', '2,000 bytes'],
      ['evaluate', 'server', '8.0 ms', '', ''],
    ]);
    expect(stepRows({ ...step, serverMs: null })[0]?.[1]).toBe('network and server');
    // A server that claims more than went by is not believed.
    expect(stepRows({ ...step, serverMs: 30 })).toHaveLength(1);
  });

  it.each([
    ['evaluate;dur=1.25', 1.25],
    ['queue;dur=3, evaluate;dur=7', 7],
    ['evaluate', null],
    ['evaluate;dur=-1', null],
    ['reevaluate;dur=4', null],
    [null, null],
  ])('reads the server timing %s', (header, ms) => {
    expect(evaluationMs(header)).toBe(ms);
  });

  it('reads class names, whoever wrote the lines', () => {
    expect(parseLabels('\uFEFFcat\r\n dog \n\nfish\n\n')).toEqual(['cat', 'dog', '', 'fish']);
  });

  it('reads the size that a PNG claims', () => {
    const bytes = new Uint8Array(24);
    bytes.set([0x89, 0x50, 0x4e, 0x47]);
    new DataView(bytes.buffer).setUint32(16, 70_000);
    new DataView(bytes.buffer).setUint32(20, 3);
    expect(pngSize(bytes)).toEqual({ width: 70_000, height: 3 });
    expect(pngSize(bytes.subarray(0, 20))).toBeNull();
    expect(pngSize(Uint8Array.of(0xff, 0xd8, 0xff))).toBeNull();
  });

  it('makes the same samples everywhere, each with dark and light', () => {
    for (const name of ['shapes', 'hills', 'rings', 'digit']) {
      const greens = samplePixels(name).filter((_, at) => at % 4 === 1);
      expect(Math.max(...greens) - Math.min(...greens)).toBeGreaterThan(100);
    }
  });
});
