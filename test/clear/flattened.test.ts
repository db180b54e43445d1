import { describe, expect, it } from 'vitest';
import { denseFilter, flattenFilter } from '../../runtime/clear/flattened.ts';
import { simpleSpec } from '../support/simple.ts';

const small = (pads: readonly [number, number, number, number]): ReturnType<typeof simpleSpec> =>
  simpleSpec({
    input: { height: 2, width: 3 },
    weights: { kernelHeight: 2, kernelWidth: 2, values: [0, 1, 2, 3], bits: 3 },
    pads,
  });

describe('flattenFilter', () => {
  it('splats the filter at the position of each output cell', () => {
    const { shape, data } = denseFilter(flattenFilter(small([0, 0, 0, 0]), 0));
    expect(shape).toEqual([6, 2]);
    // Rows are the pixels, columns the two output cells.
    expect([...data]).toEqual([0, 0, 1, 0, 0, 1, 2, 0, 3, 2, 0, 3]);
  });

  it('cuts off what falls on the pads, and keeps the last position', () => {
    const filter = flattenFilter(small([1, 1, 1, 1]), 0);
    expect([filter.rowCount, filter.columnCount]).toEqual([6, 12]);
    const { data } = denseFilter(filter);
    const column = (cell: number): number[] => Array.from({ length: 6 }, (_, row) => data[row * 12 + cell]!);
    expect(column(0)).toEqual([3, 0, 0, 0, 0, 0]);
    expect(column(11)).toEqual([0, 0, 0, 0, 0, 0]); // sees the last pixel through the tap that is 0
    expect(column(10)).toEqual([0, 0, 0, 0, 0, 1]);
  });

  it('has kH*kW non-zero diagonals where outputs keep the row pitch of the input', () => {
    const { starts, rows } = flattenFilter(simpleSpec(), 0);
    const diagonals = new Set<number>();
    for (let cell = 0; cell < 784; cell++) {
      for (let k = starts[cell]!; k < starts[cell + 1]!; k++) diagonals.add(rows[k]! - cell);
    }
    expect(diagonals.size).toBe(9);
  });
});

describe('denseFilter', () => {
  it('refuses to write out a large matrix', () => {
    const large = flattenFilter(simpleSpec({ input: { height: 80, width: 80 } }), 0);
    expect(() => denseFilter(large)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  });
});
