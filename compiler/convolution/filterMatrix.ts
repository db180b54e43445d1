import { firstChannelOf, outputShape } from './shape.ts';
import { centredWeights } from './spec.ts';
import type { ConvSpec } from './spec.ts';

/**
 * The flattened filter matrix B of y = x B, sparse, one column an output cell: the filter splatted at the cell's
 * position. Rows are input elements (flat NCHW of one image), entries are w - weightZeroPoint. Padding never appears:
 * a padded tap multiplies nothing.
 */
export interface MatrixColumn {
  /** Input elements, flat CHW of one image, ascending in tap order. */
  readonly rows: Int32Array;
  readonly values: Int32Array;
}

/** Column of B for output channel `channel` at output cell (row, column). */
export function filterMatrixColumn(
  spec: ConvSpec,
  centred: Int32Array,
  channel: number,
  row: number,
  column: number,
): MatrixColumn {
  const { input, weights, strides, pads, dilations } = spec;
  const { channelsPerGroup, kernelHeight, kernelWidth } = weights;
  const firstChannel = firstChannelOf(spec, channel);
  const rows: number[] = [];
  const values: number[] = [];
  for (let c = 0; c < channelsPerGroup; c++) {
    for (let kernelRow = 0; kernelRow < kernelHeight; kernelRow++) {
      const y = row * strides[0] + kernelRow * dilations[0] - pads[0];
      if (y < 0 || y >= input.height) continue;
      for (let kernelColumn = 0; kernelColumn < kernelWidth; kernelColumn++) {
        const x = column * strides[1] + kernelColumn * dilations[1] - pads[1];
        if (x < 0 || x >= input.width) continue;
        rows.push(((firstChannel + c) * input.height + y) * input.width + x);
        values.push(
          centred[
            ((channel * channelsPerGroup + c) * kernelHeight + kernelRow) * kernelWidth + kernelColumn
          ]!,
        );
      }
    }
  }
  return { rows: Int32Array.from(rows), values: Int32Array.from(values) };
}

/** All columns, in order (channel, row, column). For small convolutions, tests and printing. */
export function filterMatrix(spec: ConvSpec): MatrixColumn[] {
  const output = outputShape(spec);
  const centred = centredWeights(spec.weights);
  const columns: MatrixColumn[] = [];
  for (let channel = 0; channel < output.channels; channel++) {
    for (let row = 0; row < output.height; row++) {
      for (let column = 0; column < output.width; column++) {
        columns.push(filterMatrixColumn(spec, centred, channel, row, column));
      }
    }
  }
  return columns;
}
