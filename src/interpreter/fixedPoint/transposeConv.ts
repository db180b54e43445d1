import { malformed } from './call.ts';
import type { Call } from './call.ts';
import { linearParts } from './linearParts.ts';
import { prepareLinear } from './linearRule.ts';
import type { Operands } from './linearRule.ts';
import type { OperationOf } from './node.ts';
import { operator } from './operator.ts';
import { windowAxes } from './windows.ts';
import type { Axis } from './windows.ts';

/**
 * TRANSPOSE_CONV: each input is spread over the outputs that a forward convolution, from the output's size to the input's,
 * would have read it into. What falls outside of the output is dropped.
 */

interface Layout {
  /** Of that forward convolution: its inputs are our outputs. */
  readonly rows: Axis;
  readonly columns: Axis;
  readonly batch: number;
  readonly depth: number;
  readonly channels: number;
}

function layoutOf(call: Call<OperationOf<'TRANSPOSE_CONV'>>): Layout {
  const { input, filter, output, channels } = linearParts(call, 'TRANSPOSE_CONV');
  if (input.shape.length !== 4 || output.shape.length !== 4)
    throw malformed(
      call,
      'shapes of input and output',
      '[batch, height, width, channels]',
      `[${input.shape.join(', ')}] and [${output.shape.join(', ')}]`,
    );
  const [, height, width, depth] = filter.shape;
  if (
    filter.shape.length !== 4 ||
    height === undefined ||
    width === undefined ||
    depth === undefined ||
    depth !== input.shape[3]
  )
    throw malformed(
      call,
      'shape of the filter',
      `[o, height, width, ${input.shape[3]}]`,
      `[${filter.shape.join(', ')}]`,
    );
  const [rows, columns] = windowAxes(call, output.shape, [height, width], call.operation);
  const expected = [output.shape[0]!, rows.outputs, columns.outputs, depth];
  if (output.shape[3] !== channels || input.shape.join() !== expected.join())
    throw malformed(
      call,
      'shapes',
      `input [${expected.join(', ')}] and ${channels} output channels`,
      `input [${input.shape.join(', ')}] and output [${output.shape.join(', ')}]`,
    );
  return { rows, columns, batch: expected[0]!, depth, channels };
}

function accumulate(
  { rows, columns, batch, depth, channels }: Layout,
  { input, zeroPoint, filter, bias }: Operands,
): Float64Array {
  const sums = new Float64Array(batch * rows.size * columns.size * channels);
  for (let image = 0; image < batch; image++)
    for (let y = 0; y < rows.outputs; y++)
      for (let x = 0; x < columns.outputs; x++)
        for (let i = 0; i < rows.kernel; i++)
          for (let j = 0; j < columns.kernel; j++) {
            const row = y * rows.stride - rows.before + i;
            const column = x * columns.stride - columns.before + j;
            if (row < 0 || row >= rows.size || column < 0 || column >= columns.size) continue;
            for (let channel = 0; channel < channels; channel++) {
              const read = ((image * rows.outputs + y) * columns.outputs + x) * depth;
              const weight = ((channel * rows.kernel + i) * columns.kernel + j) * depth;
              let sum = 0;
              for (let c = 0; c < depth; c++) sum += filter[weight + c]! * (input[read + c]! - zeroPoint);
              sums[((image * rows.size + row) * columns.size + column) * channels + channel]! += sum;
            }
          }
  if (bias !== null)
    for (let index = 0; index < sums.length; index++) sums[index]! += bias[index % channels]!;
  return sums;
}

const tapsOf = ({ rows, columns, depth }: Layout): number => rows.kernel * columns.kernel * depth;

export const TRANSPOSE_CONV = operator('TRANSPOSE_CONV', {
  arity: [3, 4],
  // Input 0 is a shape that may hold -1: the output has it.
  shape: (call) => {
    layoutOf(call);
    return call.output.shape;
  },
  products: (call) => {
    const layout = layoutOf(call);
    const { rows, columns, batch, channels } = layout;
    return batch * rows.outputs * columns.outputs * channels * tapsOf(layout);
  },
  prepare: (call) => {
    const layout = layoutOf(call);
    return prepareLinear(call, tapsOf(layout), (operands) => accumulate(layout, operands));
  },
});
