import { elementCount } from '../../compiler/base/tensor.ts';

/**
 * Sums of products, in doubles: exact for integers below 2^53, and for floats summed without rounding to float32 in
 * between. Rows of the output are added to as a whole, tap by tap.
 */

/** A convolution over three spatial axes; fewer are extents of 1 in front. */
export interface ConvolutionGeometry {
  readonly batch: number;
  readonly group: number;
  readonly channelsPerGroup: number;
  readonly outChannels: number;
  readonly input: Spatial;
  readonly kernel: Spatial;
  readonly output: Spatial;
  readonly strides: Spatial;
  readonly dilations: Spatial;
  /** Pads before each axis. */
  readonly pads: Spatial;
}

export type Spatial = readonly [number, number, number];

/**
 * Accumulators [batch, outChannels, ...output]; a tap on padding adds nothing.
 * @param x [batch, group * channelsPerGroup, ...input], zero points taken off
 * @param w [outChannels, channelsPerGroup, ...kernel], zero points taken off
 */
export function convolved(x: Float64Array, w: Float64Array, geometry: ConvolutionGeometry): Float64Array {
  const flat = flattened(geometry);
  const { batch, group, channelsPerGroup, outChannels, input, kernel, output } = flat;
  const [planeIn, planeOut] = [elementCount(input), elementCount(output)];
  const taps = elementCount(kernel);
  const sums = new Float64Array(batch * outChannels * planeOut);
  const outputsPerGroup = outChannels / group;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / outputsPerGroup) * channelsPerGroup;
      const to = (n * outChannels + o) * planeOut;
      for (let c = 0; c < channelsPerGroup; c++) {
        const from = (n * group * channelsPerGroup + firstChannel + c) * planeIn;
        addPlane(x, from, w, (o * channelsPerGroup + c) * taps, flat, sums, to);
      }
    }
  }
  return sums;
}

/** Where a kernel of one tap sees every pixel as it lies, a picture is one long row. */
function flattened(geometry: ConvolutionGeometry): ConvolutionGeometry {
  const { input, kernel, output, strides, pads } = geometry;
  const isPointwise = elementCount(kernel) === 1 && elementCount(strides) === 1;
  if (!isPointwise || pads.some((pad) => pad !== 0) || input.join() !== output.join()) return geometry;
  const row: Spatial = [1, 1, elementCount(input)];
  return { ...geometry, input: row, output: row };
}

/** One plane of the input under one plane of the kernel. */
function addPlane(
  x: Float64Array,
  from: number,
  w: Float64Array,
  firstTap: number,
  geometry: ConvolutionGeometry,
  sums: Float64Array,
  to: number,
): void {
  const { input, kernel, output, strides, dilations, pads } = geometry;
  const [, height, width] = input;
  for (let d = 0, tap = firstTap; d < kernel[0]; d++) {
    for (let a = 0; a < kernel[1]; a++) {
      for (let b = 0; b < kernel[2]; b++, tap++) {
        const weight = w[tap]!;
        const offset = b * dilations[2] - pads[2];
        // Columns whose tap lies on the image: 0 <= j * stride + offset < width.
        const first = Math.max(0, Math.ceil(-offset / strides[2]));
        const end = Math.min(output[2], Math.floor((width - 1 - offset) / strides[2]) + 1);
        for (let z = 0; z < output[0]; z++) {
          const depth = z * strides[0] + d * dilations[0] - pads[0];
          if (depth < 0 || depth >= input[0]) continue;
          for (let i = 0; i < output[1]; i++) {
            const row = i * strides[1] + a * dilations[1] - pads[1];
            if (row < 0 || row >= height) continue;
            const line = from + (depth * height + row) * width + offset;
            const out = to + (z * output[1] + i) * output[2];
            addRow(x, line + first * strides[2], strides[2], weight, sums, out + first, out + end);
          }
        }
      }
    }
  }
}

function addRow(
  x: Float64Array,
  from: number,
  stride: number,
  weight: number,
  sums: Float64Array,
  first: number,
  end: number,
): void {
  if (stride === 1)
    for (let cell = first, read = from; cell < end; cell++, read++) sums[cell]! += x[read]! * weight;
  else
    for (let cell = first, read = from; cell < end; cell++, read += stride) sums[cell]! += x[read]! * weight;
}

/** [rows, inner] times [inner, columns]. */
export function multiplied(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const sums = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const factor = a[row * inner + k]!;
      addRow(b, k * columns, 1, factor, sums, row * columns, (row + 1) * columns);
    }
  }
  return sums;
}
