import type { ConvShape } from '../../compiler/convolution/shape.ts';
import type { Size } from '../frontend/pictureFit.ts';

/** Which part of the input an output was made from: what the cursor shows. Pure, so that it is tested without a browser. */

/** One pixel of a picture. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** Rows and columns of the input under the filter; some may lie outside, on the padding. */
export interface Window {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** How the pixels of input and output belong together. */
export interface Geometry {
  windowOf(output: Cell): Window;
  /** The output whose window has its middle closest to a pixel of the input; it may lie outside. */
  outputAt(input: Cell): Cell;
}

/** That of a convolution. */
export function convolutionGeometry({ weights, strides, pads, dilations }: ConvShape): Geometry {
  const [top, left] = pads;
  const axis = (kernel: number, stride: number, dilation: number, pad: number): Axis => ({
    taps: (at) => Array.from({ length: kernel }, (_, tap) => at * stride - pad + tap * dilation),
    closest: (at) => Math.round((at + pad - ((kernel - 1) * dilation) / 2) / stride),
  });
  const rows = axis(weights.kernelHeight, strides[0], dilations[0], top);
  const columns = axis(weights.kernelWidth, strides[1], dilations[1], left);
  return {
    windowOf: ({ row, column }) => ({ rows: rows.taps(row), columns: columns.taps(column) }),
    outputAt: ({ row, column }) => ({ row: rows.closest(row), column: columns.closest(column) }),
  };
}

interface Axis {
  readonly taps: (at: number) => number[];
  readonly closest: (at: number) => number;
}

/** Where nothing more is known: the pixel at the same place. */
export function proportionalGeometry(input: Size, output: Size): Geometry {
  const place = (at: number, from: number, to: number): number => Math.floor(((at + 0.5) * to) / from);
  return {
    windowOf: ({ row, column }) => ({
      rows: [place(row, output.height, input.height)],
      columns: [place(column, output.width, input.width)],
    }),
    outputAt: ({ row, column }) => ({
      row: place(row, input.height, output.height),
      column: place(column, input.width, output.width),
    }),
  };
}
