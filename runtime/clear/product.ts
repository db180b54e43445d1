import { internalError } from '../../compiler/base/errors.ts';
import { PANEL } from './lanes.ts';
import type { Columns } from './lanes.ts';
import type { Strided } from './strided.ts';

/**
 * sums += x * columns, the matrix product under every fast executor: blocks of 2 rows by 4 columns, so that the eight
 * partial sums stay in registers (4 by 2 and 4 by 4 were slower under V8, which keeps bounds checks and has no vectors).
 * @param x [rows, depth], any strides
 * @param sums [rows, columns] in C order, added to
 * @param shift moves `x` by so many elements
 */
export function multiplyAdd(
  x: Strided,
  { depth, columns, data: w }: Columns,
  sums: Float64Array,
  shift = 0,
): void {
  const [rows = 0, found = 0] = x.shape;
  const [rowStride = 0, depthStride = 0] = x.strides;
  if (found !== depth || sums.length < rows * columns) throw internalError('matrices do not fit together');
  const first = x.offset + shift;
  for (let column = 0; column < columns; column += PANEL) {
    const panel = column * depth;
    const end = panel + depth * PANEL;
    let row = 0;
    for (; row + 1 < rows; row += 2) {
      twoRows(
        x.data,
        first + row * rowStride,
        rowStride,
        depthStride,
        w,
        panel,
        end,
        sums,
        row * columns + column,
        columns,
      );
    }
    if (row < rows) {
      oneRow(x.data, first + row * rowStride, depthStride, w, panel, end, sums, row * columns + column);
    }
  }
}

function twoRows(
  x: Float64Array,
  from: number,
  rowStride: number,
  depthStride: number,
  w: Float64Array,
  panel: number,
  end: number,
  sums: Float64Array,
  to: number,
  columns: number,
): void {
  let upper = from;
  let lower = from + rowStride;
  let u0 = 0;
  let u1 = 0;
  let u2 = 0;
  let u3 = 0;
  let l0 = 0;
  let l1 = 0;
  let l2 = 0;
  let l3 = 0;
  for (let at = panel; at < end; at += PANEL) {
    const w0 = w[at]!;
    const w1 = w[at + 1]!;
    const w2 = w[at + 2]!;
    const w3 = w[at + 3]!;
    const u = x[upper]!;
    const l = x[lower]!;
    u0 += u * w0;
    u1 += u * w1;
    u2 += u * w2;
    u3 += u * w3;
    l0 += l * w0;
    l1 += l * w1;
    l2 += l * w2;
    l3 += l * w3;
    upper += depthStride;
    lower += depthStride;
  }
  addFour(sums, to, u0, u1, u2, u3);
  addFour(sums, to + columns, l0, l1, l2, l3);
}

function oneRow(
  x: Float64Array,
  from: number,
  depthStride: number,
  w: Float64Array,
  panel: number,
  end: number,
  sums: Float64Array,
  to: number,
): void {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let at = panel; at < end; at += PANEL) {
    const value = x[from]!;
    s0 += value * w[at]!;
    s1 += value * w[at + 1]!;
    s2 += value * w[at + 2]!;
    s3 += value * w[at + 3]!;
    from += depthStride;
  }
  addFour(sums, to, s0, s1, s2, s3);
}

function addFour(sums: Float64Array, to: number, s0: number, s1: number, s2: number, s3: number): void {
  sums[to]! += s0;
  sums[to + 1]! += s1;
  sums[to + 2]! += s2;
  sums[to + 3]! += s3;
}
