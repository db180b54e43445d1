import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { checkShape } from './windows.ts';

/**
 * The flattened filter matrix B of one output channel, (C*H*W) x (OutH*OutW), by columns: the entries of column `cell`
 * are (rows[k], values[k]) for k from starts[cell] to starts[cell + 1] - 1. With one channel it is MN x (OutH*OutW), and
 * the convolution of an M x N image is y = x B with x of 1 x MN.
 */
export interface FlattenedFilter {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly starts: Int32Array;
  readonly rows: Int32Array;
  /** Centred weights. */
  readonly values: Float64Array;
}

/** Top left corners of the windows on one axis, in padded coordinates: 0, stride, 2*stride, ... while the kernel fits. */
function corners(padded: number, reach: number, stride: number): number[] {
  const found: number[] = [];
  // `<=`: the last window may touch the edge.
  for (let corner = 0; corner <= padded - reach; corner += stride) found.push(corner);
  return found;
}

/** Padded coordinate -> input coordinate, -1 for what lies on the pads. */
function unpadded(size: number, before: number, after: number): Int32Array {
  return Int32Array.from({ length: before + size + after }, (_, at) =>
    at < before || at >= before + size ? -1 : at - before,
  );
}

/**
 * Builds B for one output channel: each column is the filter splatted at the corner of its window on a padded canvas,
 * with the pads then cut away. Strides leave out columns, dilations spread the splat, groups leave channels empty.
 *
 * Positions: looping offsets up to `H + padding - KH` exclusive, as tutorials do, loses the last position; the last
 * corner is `top + H + bottom - reach` itself, with reach = (kH - 1)*dilation + 1.
 */
export function flattenFilter(spec: ConvSpec, output: number): FlattenedFilter {
  const { channels, height, width } = spec.input;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, values, zeroPoints } = spec.weights;
  const [top, left, bottom, right] = spec.pads;
  const canvasRow = unpadded(height, top, bottom);
  const canvasColumn = unpadded(width, left, right);
  const reachY = (kernelHeight - 1) * spec.dilations[0] + 1;
  const reachX = (kernelWidth - 1) * spec.dilations[1] + 1;
  const firstChannel = Math.floor(output / (outChannels / spec.group)) * channelsPerGroup;
  const filter = values.slice(output * channelsPerGroup * kernelHeight * kernelWidth);
  const rows: number[] = [];
  const entries: number[] = [];
  const starts = [0];
  for (const y of corners(canvasRow.length, reachY, spec.strides[0])) {
    for (const x of corners(canvasColumn.length, reachX, spec.strides[1])) {
      for (let tap = 0; tap < channelsPerGroup * kernelHeight * kernelWidth; tap++) {
        const row = canvasRow[y + (Math.floor(tap / kernelWidth) % kernelHeight) * spec.dilations[0]]!;
        const column = canvasColumn[x + (tap % kernelWidth) * spec.dilations[1]]!;
        if (row < 0 || column < 0) continue;
        const channel = firstChannel + Math.floor(tap / (kernelHeight * kernelWidth));
        rows.push((channel * height + row) * width + column);
        entries.push(filter[tap]! - zeroPoints[output]!);
      }
      starts.push(rows.length);
    }
  }
  return {
    rowCount: channels * height * width,
    columnCount: starts.length - 1,
    starts: Int32Array.from(starts),
    rows: Int32Array.from(rows),
    values: Float64Array.from(entries),
  };
}

/** Entries that `denseFilter` is willing to store. */
const MAX_DENSE = 2 ** 24;

/**
 * B written out, [C*H*W, OutH*OutW], to look at.
 * @throws CipherconvError `out-of-range` beyond 2^24 entries
 */
export function denseFilter(filter: FlattenedFilter): Tensor {
  const { rowCount, columnCount, starts, rows, values } = filter;
  if (rowCount * columnCount > MAX_DENSE) {
    throw new CipherconvError({
      code: 'out-of-range',
      message: 'too large to write out',
      expected: `at most ${MAX_DENSE} entries`,
      found: `${rowCount} x ${columnCount}`,
      hint: 'use a smaller image; convolveFlattened itself needs no dense matrix',
    });
  }
  const data = new Float64Array(rowCount * columnCount);
  for (let column = 0; column < columnCount; column++) {
    for (let k = starts[column]!; k < starts[column + 1]!; k++)
      data[rows[k]! * columnCount + column] = values[k]!;
  }
  return { shape: [rowCount, columnCount], data };
}

/** bias + x B for one image. */
function multiply(x: Float64Array, filter: FlattenedFilter, bias: number, y: Float64Array): void {
  for (let column = 0; column < filter.columnCount; column++) {
    let sum = bias;
    for (let k = filter.starts[column]!; k < filter.starts[column + 1]!; k++) {
      sum += x[filter.rows[k]!]! * filter.values[k]!;
    }
    y[column] = sum;
  }
}

function positions(size: number, pads: number, kernel: number, stride: number, dilation: number): number {
  return corners(size + pads, (kernel - 1) * dilation + 1, stride).length;
}

/**
 * The convolution as y = x B: the image as one row of C*H*W numbers times the flattened filter matrix of each output
 * channel, pads and strides included in B. See `flattenFilter` for the position that loops up to `H + padding - KH`
 * exclusive lose.
 * @param input raw values, NCHW, in the declared range
 * @returns accumulators, NCHW, exact
 * @throws CipherconvError `shape-mismatch`
 */
export function convolveFlattened(spec: ConvSpec, input: Tensor): Tensor {
  checkShape(spec, input);
  const { batch, height, width, zeroPoint } = spec.input;
  const { outChannels, kernelHeight, kernelWidth } = spec.weights;
  const [top, left, bottom, right] = spec.pads;
  const outHeight = positions(height, top + bottom, kernelHeight, spec.strides[0], spec.dilations[0]);
  const outWidth = positions(width, left + right, kernelWidth, spec.strides[1], spec.dilations[1]);
  const cellCount = outHeight * outWidth;
  const x = input.data.map((value) => value - zeroPoint);
  const pixels = x.length / batch;
  const data = new Float64Array(batch * outChannels * cellCount);
  for (let o = 0; o < outChannels; o++) {
    const filter = flattenFilter(spec, o);
    for (let n = 0; n < batch; n++) {
      const y = data.subarray((n * outChannels + o) * cellCount, (n * outChannels + o + 1) * cellCount);
      multiply(x.subarray(n * pixels, (n + 1) * pixels), filter, spec.bias[o]!, y);
    }
  }
  return { shape: [batch, outChannels, outHeight, outWidth], data };
}
