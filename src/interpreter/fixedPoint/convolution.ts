import { malformed } from './call.ts';
import type { Call } from './call.ts';
import type { OperationOf } from './node.ts';
import { linearParts } from './linearParts.ts';
import type { LinearParts } from './linearParts.ts';
import { prepareLinear } from './linearRule.ts';
import type { Operands } from './linearRule.ts';
import { operator } from './operator.ts';
import { windowAxes } from './windows.ts';
import type { Axis } from './windows.ts';

/**
 * CONV_2D and DEPTHWISE_CONV_2D as loops over what they are defined by. Taps outside of the image are left out, which is an
 * input of real value 0.
 */

type Convolution = OperationOf<'CONV_2D' | 'DEPTHWISE_CONV_2D'>;

interface Layout {
  readonly parts: LinearParts;
  readonly rows: Axis;
  readonly columns: Axis;
  readonly batch: number;
  readonly inputChannels: number;
  readonly channels: number;
  /** Input channels that one output channel reads. */
  readonly depth: number;
}

function layoutOf(call: Call<Convolution>): Layout {
  const { operation } = call;
  const parts = linearParts(call, operation.op);
  const { input, filter, channels } = parts;
  if (filter.shape.length !== 4)
    throw malformed(call, 'shape of the filter', 'four axes', `[${filter.shape.join(', ')}]`);
  const [first, height, width, last] = filter.shape as [number, number, number, number];
  const [rows, columns] = windowAxes(call, input.shape, [height, width], operation);
  const [batch, inputChannels] = [input.shape[0]!, input.shape[3]!];
  const isDepthwise = operation.op === 'DEPTHWISE_CONV_2D';
  const depth = isDepthwise ? 1 : last;
  if (isDepthwise && (first !== 1 || channels % inputChannels !== 0))
    throw malformed(
      call,
      'shape of the filter',
      `[1, height, width, a multiple of ${inputChannels}]`,
      `[${filter.shape.join(', ')}]`,
    );
  if (inputChannels % depth !== 0 || channels % (inputChannels / depth) !== 0)
    throw malformed(
      call,
      'groups',
      `input channels ${inputChannels} and output channels ${channels} in as many groups`,
      `filters of ${depth} channels`,
    );
  return { parts, rows, columns, batch, inputChannels, channels, depth };
}

/** Input channel, of the group, that an output channel begins with. */
function firstInput({ inputChannels, channels, depth }: Layout, channel: number): number {
  const groups = inputChannels / depth;
  return Math.floor(channel / (channels / groups)) * depth;
}

/** The positions of a filter [o, kh, kw, depth] or [1, kh, kw, o]. */
function filterSteps({ rows, columns, channels, depth }: Layout, op: Convolution['op']) {
  return op === 'CONV_2D'
    ? { channel: rows.kernel * columns.kernel * depth, tap: depth }
    : { channel: 1, tap: channels };
}

function accumulate(
  layout: Layout,
  op: Convolution['op'],
  { input, zeroPoint, filter, bias }: Operands,
): Float64Array {
  const { rows, columns, batch, inputChannels, channels, depth } = layout;
  const step = filterSteps(layout, op);
  const sums = new Float64Array(batch * rows.outputs * columns.outputs * channels);
  const firsts = Array.from({ length: channels }, (_, channel) => firstInput(layout, channel));
  let out = 0;
  for (let image = 0; image < batch; image++)
    for (let y = 0; y < rows.outputs; y++)
      for (let x = 0; x < columns.outputs; x++)
        for (let channel = 0; channel < channels; channel++) {
          let sum = bias === null ? 0 : bias[channel]!;
          for (let i = 0; i < rows.kernel; i++) {
            const row = y * rows.stride - rows.before + i * rows.dilation;
            if (row < 0 || row >= rows.size) continue;
            for (let j = 0; j < columns.kernel; j++) {
              const column = x * columns.stride - columns.before + j * columns.dilation;
              if (column < 0 || column >= columns.size) continue;
              const read =
                ((image * rows.size + row) * columns.size + column) * inputChannels + firsts[channel]!;
              const weight = channel * step.channel + (i * columns.kernel + j) * step.tap;
              for (let c = 0; c < depth; c++) sum += filter[weight + c]! * (input[read + c]! - zeroPoint);
            }
          }
          sums[out++] = sum;
        }
  return sums;
}

const tapsOf = ({ rows, columns, depth }: Layout): number => rows.kernel * columns.kernel * depth;

function convolution(op: Convolution['op']) {
  return {
    arity: [2, 3] as const,
    shape: (call: Call<Convolution>) => {
      const { batch, rows, columns, channels } = layoutOf(call);
      return [batch, rows.outputs, columns.outputs, channels];
    },
    products: (call: Call<Convolution>) => {
      const layout = layoutOf(call);
      const { batch, rows, columns, channels } = layout;
      return batch * rows.outputs * columns.outputs * channels * tapsOf(layout);
    },
    prepare: (call: Call<Convolution>) => {
      const layout = layoutOf(call);
      return prepareLinear(call, tapsOf(layout), (operands) => accumulate(layout, op, operands));
    },
  };
}

export const CONV_2D = operator('CONV_2D', convolution('CONV_2D'));
export const DEPTHWISE_CONV_2D = operator('DEPTHWISE_CONV_2D', convolution('DEPTHWISE_CONV_2D'));
