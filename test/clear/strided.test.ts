import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { contiguous, toTensor } from '../../runtime/clear/copy.ts';
import { elementAt, permute, select, strided, tile, view } from '../../runtime/clear/strided.ts';
import { windows } from '../../runtime/clear/windows.ts';

const ramp = (count: number): Float64Array => Float64Array.from({ length: count }, (_, index) => index);
const outOfRange = expect.objectContaining({ code: 'out-of-range' }) as Error;
const mismatch = expect.objectContaining({ code: 'shape-mismatch' }) as Error;

describe('strided', () => {
  it('reads what the strides say, in C order by default', () => {
    const matrix = strided(ramp(6), [2, 3]);
    expect(matrix.strides).toEqual([3, 1]);
    expect(elementAt(matrix, 1, 2)).toBe(5);
    const backwards = view(matrix, { shape: [3, 2], strides: [-1, -3], offset: 5 });
    expect([...toTensor(backwards).data]).toEqual([5, 2, 4, 1, 3, 0]);
    const repeated = view(matrix, { shape: [2, 2], strides: [0, 1], offset: 4 });
    expect([...toTensor(repeated).data]).toEqual([4, 5, 4, 5]);
  });

  it('takes a view that reaches the last element and refuses one that reaches past it', () => {
    const source = strided(ramp(12), [12]);
    expect(elementAt(view(source, { shape: [3, 2], strides: [5, 1] }), 2, 1)).toBe(11);
    expect(() => view(source, { shape: [3, 2], strides: [5, 1], offset: 1 })).toThrow(outOfRange);
    expect(() => view(source, { shape: [3, 3], strides: [5, 1] })).toThrow(outOfRange);
    expect(() => view(source, { shape: [4, 2], strides: [5, 1] })).toThrow(outOfRange);
  });

  it('takes a view that reaches the first element and refuses one that reaches before it', () => {
    const source = strided(ramp(12), [12]);
    expect(elementAt(view(source, { shape: [3], strides: [-4], offset: 8 }), 2)).toBe(0);
    expect(() => view(source, { shape: [3], strides: [-4], offset: 7 })).toThrow(outOfRange);
    expect(() => view(source, { shape: [1], strides: [1], offset: -1 })).toThrow(outOfRange);
    expect(() => view(source, { shape: [1], strides: [1], offset: 12 })).toThrow(outOfRange);
  });

  it('refuses extents, strides and offsets that are no such numbers, however large', () => {
    const data = ramp(4);
    expect(() => strided(data, [0])).toThrow(mismatch);
    expect(() => strided(data, [1.5])).toThrow(mismatch);
    expect(() => strided(data, [2, 2], [1])).toThrow(mismatch);
    expect(() => strided(data, [2], [0.5])).toThrow(outOfRange);
    expect(() => strided(data, [2], [1], 0.5)).toThrow(outOfRange);
    expect(() => strided(data, [2 ** 52, 2 ** 52], [2 ** 52, -(2 ** 52)])).toThrow(outOfRange);
    expect(() => strided(new Float64Array(0), [1])).toThrow(outOfRange);
  });

  it('refuses exactly the views with an element outside', () => {
    const axis = fc.record({
      extent: fc.integer({ min: 1, max: 4 }),
      stride: fc.integer({ min: -4, max: 4 }),
    });
    const property = fc.property(
      fc.array(axis, { maxLength: 3 }),
      fc.integer({ min: -2, max: 20 }),
      (axes, offset) => {
        let reached = [offset];
        for (const { extent, stride } of axes) {
          reached = reached.flatMap((at) =>
            Array.from({ length: extent }, (_, index) => at + index * stride),
          );
        }
        const make = (): unknown =>
          strided(
            ramp(16),
            axes.map(({ extent }) => extent),
            axes.map(({ stride }) => stride),
            offset,
          );
        if (reached.every((at) => at >= 0 && at < 16)) {
          expect(make).not.toThrow();
          expect([...toTensor(make() as ReturnType<typeof strided>).data]).toEqual(reached);
        } else {
          expect(make).toThrow(outOfRange);
        }
      },
    );
    fc.assert(property, { numRuns: runs(1000) });
  });

  it('checks every index of an element', () => {
    const matrix = strided(ramp(6), [2, 3]);
    expect(() => elementAt(matrix, 0, 3)).toThrow(outOfRange);
    expect(() => elementAt(matrix, -1, 0)).toThrow(outOfRange);
    expect(() => elementAt(matrix, 1)).toThrow(mismatch);
    expect(elementAt(select(matrix, 1), 2)).toBe(5);
    expect(() => select(matrix, 2)).toThrow(outOfRange);
  });
});

describe('permute and contiguous', () => {
  it('move axes without a copy, and copy when asked', () => {
    const source = strided(ramp(24), [2, 3, 4]);
    const moved = permute(source, [2, 0, 1]);
    expect(moved.data).toBe(source.data);
    expect(moved.shape).toEqual([4, 2, 3]);
    const copy = contiguous(moved);
    expect(copy.data).not.toBe(source.data);
    expect(copy.strides).toEqual([6, 3, 1]);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++) {
        for (let k = 0; k < 4; k++) expect(elementAt(copy, k, i, j)).toBe(elementAt(source, i, j, k));
      }
    }
    expect([...contiguous(permute(copy, [1, 2, 0])).data]).toEqual([...source.data]);
  });

  it('refuses what is no permutation', () => {
    const source = strided(ramp(6), [2, 3]);
    expect(() => permute(source, [0, 0])).toThrow(mismatch);
    expect(() => permute(source, [0])).toThrow(mismatch);
    expect(() => permute(source, [1, 2])).toThrow(mismatch);
  });
});

describe('tile', () => {
  it('shows A[M][N] as A[M/T][N/T][T][T], zero copy', () => {
    const source = strided(ramp(24), [4, 6]);
    const tiles = tile(source, 2);
    expect(tiles.data).toBe(source.data);
    expect(tiles.shape).toEqual([2, 3, 2, 2]);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 6; j++) {
        expect(elementAt(tiles, i >> 1, j >> 1, i & 1, j & 1)).toBe(elementAt(source, i, j));
      }
    }
    expect([...toTensor(select(select(tiles, 1), 2)).data]).toEqual([16, 17, 22, 23]);
  });

  it('tiles a transposed matrix too, and refuses tiles that do not fit', () => {
    const turned = permute(strided(ramp(24), [4, 6]), [1, 0]);
    expect(elementAt(tile(turned, 2), 2, 1, 1, 0)).toBe(elementAt(turned, 5, 2));
    expect(() => tile(turned, 4)).toThrow(mismatch);
    expect(() => tile(turned, 0)).toThrow(mismatch);
    expect(() => tile(strided(ramp(8), [2, 2, 2]), 2)).toThrow(mismatch);
  });
});

describe('windows', () => {
  const geometry = { kernel: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;

  it('are a view of the image, the last pixel included', () => {
    const image = strided(ramp(24), [1, 3, 4, 2]);
    const patches = windows(image, geometry);
    expect(patches.data).toBe(image.data);
    expect(patches.shape).toEqual([1, 2, 3, 2, 2, 2]);
    expect(elementAt(patches, 0, 1, 2, 1, 1, 1)).toBe(23);
  });

  it('refuses a kernel that does not fit', () => {
    expect(() => windows(strided(ramp(3), [1, 1, 3, 1]), geometry)).toThrow(mismatch);
  });
});
