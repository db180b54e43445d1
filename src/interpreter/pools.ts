import type { Spatial } from './linear.ts';
import { emptyArray } from './values.ts';
import type { DenseTensor } from './values.ts';

/** Windows over pictures. */

export interface PoolGeometry {
  /** Pictures times channels. */
  readonly planes: number;
  readonly input: Spatial;
  readonly kernel: Spatial;
  readonly output: Spatial;
  readonly strides: Spatial;
  readonly dilations: Spatial;
  readonly padsBefore: Spatial;
  readonly padsAfter: Spatial;
}

/** Positions first, first + step, ... below end, of one window on one axis. */
interface Stretch {
  readonly first: number;
  readonly end: number;
  /** Taps within the pads too: what `count_include_pad` counts. */
  readonly padded: number;
}

function stretchesOf(geometry: PoolGeometry, axis: 0 | 1 | 2): Stretch[] {
  const [size, kernel, dilation] = [geometry.input[axis], geometry.kernel[axis], geometry.dilations[axis]];
  const padAfter = geometry.padsAfter[axis];
  return Array.from({ length: geometry.output[axis] }, (_, cell) => {
    const start = cell * geometry.strides[axis] - geometry.padsBefore[axis];
    const before = start < 0 ? Math.ceil(-start / dilation) : 0;
    const fitting = Math.floor((size - 1 - start) / dilation) + 1;
    const withPads = Math.floor((size + padAfter - 1 - start) / dilation) + 1;
    return {
      first: start + before * dilation,
      end: start + Math.min(kernel, fitting) * dilation,
      padded: Math.min(kernel, withPads),
    };
  });
}

type Reduce = 'maximum' | 'average' | 'average-with-pads';

/**
 * The largest of each window, or its average: summed in doubles, divided and rounded to the type once. Padding is never the
 * largest, and counts in `average-with-pads` only, as 0.
 */
export function pooled(input: DenseTensor, geometry: PoolGeometry, how: Reduce): DenseTensor['data'] {
  const { planes, input: size, output, dilations } = geometry;
  const axes = ([0, 1, 2] as const).map((axis) => stretchesOf(geometry, axis));
  const [depths, rows, columns] = [axes[0]!, axes[1]!, axes[2]!];
  const data = emptyArray(input.type, planes * output[0] * output[1] * output[2]);
  const plane = size[0] * size[1] * size[2];
  let cell = 0;
  for (let p = 0; p < planes; p++) {
    for (const depth of depths) {
      for (const row of rows) {
        for (const column of columns) {
          data[cell++] = windowValue(input.data, p * plane, size, dilations, { depth, row, column, how });
        }
      }
    }
  }
  return data;
}

interface Window {
  readonly depth: Stretch;
  readonly row: Stretch;
  readonly column: Stretch;
  readonly how: Reduce;
}

function windowValue(
  values: DenseTensor['data'],
  base: number,
  size: Spatial,
  dilations: Spatial,
  { depth, row, column, how }: Window,
): number {
  let [largest, sum, count] = [-Infinity, 0, 0];
  for (let z = depth.first; z < depth.end; z += dilations[0]) {
    for (let y = row.first; y < row.end; y += dilations[1]) {
      const line = base + (z * size[1] + y) * size[2];
      for (let x = column.first; x < column.end; x += dilations[2]) {
        const value = values[line + x]!;
        if (value > largest) largest = value;
        sum += value;
        count++;
      }
    }
  }
  if (how === 'maximum') return largest;
  return sum / (how === 'average' ? count : depth.padded * row.padded * column.padded);
}
