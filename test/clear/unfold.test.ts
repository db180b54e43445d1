import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { fold, unfold } from '../../runtime/clear/unfold.ts';
import { geometryOf } from '../../runtime/clear/windows.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

/** How many windows see pixel `at` of one axis: counted window by window. */
function overlaps(
  size: number,
  before: number,
  after: number,
  kernel: number,
  stride: number,
  dilation: number,
): number[] {
  const counts = new Array<number>(size).fill(0);
  for (let start = -before; start + (kernel - 1) * dilation < size + after; start += stride) {
    for (let tap = 0; tap < kernel; tap++) {
      const at = start + tap * dilation;
      if (at >= 0 && at < size) counts[at]!++;
    }
  }
  return counts;
}

describe('unfold', () => {
  it('has the layout of torch.nn.Unfold: rows channel, tap row, tap column; columns output cells', () => {
    const input = makeTensor([1, 2, 2, 3], [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]);
    const geometry = { kernel: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;
    const columns = unfold(input, geometry);
    expect(columns.shape).toEqual([1, 8, 2]);
    expect([...columns.data]).toEqual([1, 2, 2, 3, 4, 5, 5, 6, 11, 12, 12, 13, 14, 15, 15, 16]);
  });

  it('has zeros in the pads, which may differ on all sides', () => {
    const geometry = { kernel: [1, 2], strides: [1, 2], pads: [1, 1, 0, 2], dilations: [1, 1] } as const;
    const columns = unfold(makeTensor([1, 1, 1, 2], [7, 9]), geometry);
    expect(columns.shape).toEqual([1, 2, 4]);
    expect([...columns.data]).toEqual([0, 0, 0, 9, 0, 0, 7, 0]);
  });
});

describe('fold', () => {
  it('after unfold multiplies each pixel by the number of windows that see it', () => {
    fc.assert(
      fc.property(arbitrarySpec(), fc.nat(), (spec, seed) => {
        const { channels, height, width } = spec.input;
        const { kernel, strides, pads, dilations } = geometryOf(spec);
        const input = randomInput(spec, seed);
        const folded = fold(unfold(input, geometryOf(spec)), geometryOf(spec), { channels, height, width });
        const rows = overlaps(height, pads[0], pads[2], kernel[0], strides[0], dilations[0]);
        const columns = overlaps(width, pads[1], pads[3], kernel[1], strides[1], dilations[1]);
        expect(folded.shape).toEqual(input.shape);
        const expected = input.data.map(
          (value, at) => value * rows[Math.floor(at / width) % height]! * columns[at % width]! + 0,
        );
        expect(folded.data).toEqual(expected);
      }),
      { numRuns: runs(200) },
    );
  });

  it('refuses columns of another image', () => {
    const geometry = { kernel: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;
    const columns = unfold(makeTensor([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]), geometry);
    for (const size of [
      { channels: 1, height: 3, width: 4 },
      { channels: 2, height: 3, width: 3 },
      { channels: 1, height: 1, width: 1 },
    ]) {
      expect(() => fold(columns, geometry, size)).toThrow(
        expect.objectContaining({ code: 'shape-mismatch' }),
      );
    }
  });
});
