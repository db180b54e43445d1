import { elementCount } from '../../compiler/base/tensor.ts';
import type { Spatial } from './linear.ts';

/** A transposed convolution over three spatial axes; fewer are extents of 1 in front. */
export interface TransposedGeometry {
  readonly batch: number;
  readonly group: number;
  readonly channelsPerGroup: number;
  readonly outputsPerGroup: number;
  readonly input: Spatial;
  readonly kernel: Spatial;
  readonly output: Spatial;
  readonly strides: Spatial;
  readonly dilations: Spatial;
  /** What is cut off the beginning of each axis. */
  readonly begins: Spatial;
}

/**
 * Sums [batch, group * outputsPerGroup, ...output] in doubles, by the definition: every input element adds its products where
 * they fall, at input * stride + tap * dilation - begin.
 * @param x [batch, group * channelsPerGroup, ...input]
 * @param w [group * channelsPerGroup, outputsPerGroup, ...kernel]
 */
export function transposedSums(x: Float64Array, w: Float64Array, geometry: TransposedGeometry): Float64Array {
  const { batch, group, channelsPerGroup, outputsPerGroup, input, kernel, output } = geometry;
  const [planeIn, planeOut, taps] = [input, output, kernel].map(elementCount) as [number, number, number];
  const sums = new Float64Array(batch * group * outputsPerGroup * planeOut);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < group * channelsPerGroup; c++) {
      const from = (n * group * channelsPerGroup + c) * planeIn;
      const first = (n * group + Math.floor(c / channelsPerGroup)) * outputsPerGroup;
      for (let o = 0; o < outputsPerGroup; o++) {
        const plane = { x: from, w: (c * outputsPerGroup + o) * taps, sums: (first + o) * planeOut };
        scatter(x, w, sums, plane, geometry);
      }
    }
  }
  return sums;
}

/** One plane of the input by one plane of the kernel. @param plane where they and the sums begin */
function scatter(
  x: Float64Array,
  w: Float64Array,
  sums: Float64Array,
  plane: { readonly x: number; readonly w: number; readonly sums: number },
  { input, kernel, output, strides, dilations, begins }: TransposedGeometry,
): void {
  const place = (axis: 0 | 1 | 2, element: number, tap: number): number => {
    const at = element * strides[axis] + tap * dilations[axis] - begins[axis];
    return at < output[axis] ? at : -1;
  };
  let tap = plane.w;
  for (let a = 0; a < kernel[0]; a++) {
    for (let b = 0; b < kernel[1]; b++) {
      for (let c = 0; c < kernel[2]; c++, tap++) {
        for (let i = 0; i < input[0]; i++) {
          const depth = place(0, i, a);
          for (let j = 0; j < input[1] && depth >= 0; j++) {
            const row = place(1, j, b);
            if (row < 0) continue;
            const from = plane.x + (i * input[1] + j) * input[2];
            const to = plane.sums + (depth * output[1] + row) * output[2];
            for (let k = 0; k < input[2]; k++) {
              const column = place(2, k, c);
              if (column >= 0) sums[to + column]! += x[from + k]! * w[tap]!;
            }
          }
        }
      }
    }
  }
}
