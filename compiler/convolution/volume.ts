import { CipherconvError } from '../base/errors.ts';
import type { Width } from '../base/interval.ts';
import { MAX_ELEMENTS } from './checkShape.ts';
import { makeSpec } from './spec.ts';
import type { InputSpec } from './shape.ts';
import type { ConvSpec } from './spec.ts';

/**
 * Convolutions over three axes, as one over two: the slices of a volume become channels.
 *
 *   input  [N, C, D, H, W]     ->  [N, C * D, H, W]       the same elements in the same order
 *   output [N, O * D', H', W'] ->  [N, O, D', H', W']     the same elements in the same order
 *
 * Output slice z of channel o reads slice z * stride + a * dilation - padFront of channel c with the weights
 * [o, c, a, :, :]. So the plane convolution has those weights at output channel o * D' + z and input channel c * D + slice,
 * and its weight zero point, which adds nothing, everywhere else. A tap on a padded slice has no channel and drops out.
 * The groups stay groups, because the channels of one lie next to each other before and after.
 *
 * Every output sums the same products as before. Only the number of taps grows: D slices are written where kernelDepth
 * are read.
 */
export interface VolumeConvolution {
  readonly name: string;
  /** The integers, as in `InputSpec`, with one more axis. */
  readonly input: InputSpec & { readonly depth: number };
  readonly weights: VolumeWeights;
  /** One per output channel. */
  readonly bias: readonly number[];
  /** [depth, vertical, horizontal] */
  readonly strides: Triple;
  /** [front, top, left, back, bottom, right] */
  readonly pads: readonly [number, number, number, number, number, number];
  readonly dilations: Triple;
  readonly group: number;
  readonly accumulator: Width | null;
}

export type Triple = readonly [number, number, number];

interface VolumeWeights extends Width {
  readonly outChannels: number;
  readonly channelsPerGroup: number;
  readonly kernelDepth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  /** One per output channel. */
  readonly zeroPoints: readonly number[];
  /** Raw values, flat OIDHW. */
  readonly values: ArrayLike<number>;
}

/**
 * Slices of the output.
 * @throws CipherconvError `shape-mismatch` when the kernel does not fit into the padded input.
 */
export function outputDepth({ input, weights, strides, pads, dilations }: VolumeConvolution): number {
  const padded = input.depth + pads[0] + pads[3];
  const reach = dilations[0] * (weights.kernelDepth - 1) + 1;
  if (reach <= padded) return Math.floor((padded - reach) / strides[0]) + 1;
  throw new CipherconvError({
    code: 'shape-mismatch',
    message: 'the kernel does not fit into the padded input depth',
    expected: `a dilated kernel depth of at most ${padded}`,
    found: String(reach),
    hint: 'add pads, or use a smaller kernel or dilation',
  });
}

/**
 * The plane convolution.
 * @throws CipherconvError as `makeSpec` does; `unsupported` when its filter would have more than 2^26 weights.
 */
export function volumeSpec(volume: VolumeConvolution): ConvSpec {
  const { name, input, weights, bias, strides, pads, dilations, group, accumulator } = volume;
  requireFilter(volume);
  const slices = outputDepth(volume);
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth, zeroPoints } = weights;
  const { depth, ...plane } = input;
  const shape = {
    outChannels: outChannels * slices,
    channelsPerGroup: channelsPerGroup * depth,
    kernelHeight,
    kernelWidth,
  };
  requireSize(shape.outChannels * shape.channelsPerGroup * kernelHeight * kernelWidth, volume, slices);
  return makeSpec({
    name,
    input: { ...plane, channels: input.channels * depth },
    weights: {
      ...shape,
      bits: weights.bits,
      signed: weights.signed,
      zeroPoints: forEachSlice(zeroPoints, slices),
      values: planeWeights(volume, slices),
    },
    bias: forEachSlice(bias, slices),
    strides: [strides[1], strides[2]],
    pads: [pads[1], pads[2], pads[4], pads[5]],
    dilations: [dilations[1], dilations[2]],
    group,
    accumulator,
  });
}

function requireFilter({ weights }: VolumeConvolution): void {
  const { outChannels, channelsPerGroup, kernelDepth, kernelHeight, kernelWidth, values } = weights;
  const count = outChannels * channelsPerGroup * kernelDepth * kernelHeight * kernelWidth;
  if (count === values.length) return;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where: 'weights.values',
    message: 'wrong number of weights',
    expected: String(count),
    found: String(values.length),
  });
}

function requireSize(count: number, { input, weights }: VolumeConvolution, slices: number): void {
  if (count <= MAX_ELEMENTS) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: 'weights',
    message: 'not supported yet: volumes so deep',
    expected: `at most ${MAX_ELEMENTS} weights once slices are channels`,
    found: `${count}: ${weights.outChannels} x ${slices} output channels, ${weights.channelsPerGroup} x ${input.depth} input channels`,
    hint: 'cut the volume into parts along its depth',
  });
}

function forEachSlice(list: readonly number[], slices: number): number[] {
  return list.flatMap((value) => new Array<number>(slices).fill(value));
}

/** Flat OIHW. */
function planeWeights(
  { input, weights, strides, pads, dilations }: VolumeConvolution,
  slices: number,
): number[] {
  const { outChannels, channelsPerGroup, kernelDepth, kernelHeight, kernelWidth, zeroPoints } = weights;
  const { depth } = input;
  const area = kernelHeight * kernelWidth;
  const row = channelsPerGroup * depth * area;
  const values = new Array<number>(outChannels * slices * row);
  for (let output = 0; output < outChannels; output++) {
    for (let slice = 0; slice < slices; slice++) {
      const start = (output * slices + slice) * row;
      values.fill(zeroPoints[output]!, start, start + row);
      for (let channel = 0; channel < channelsPerGroup; channel++) {
        for (let tap = 0; tap < kernelDepth; tap++) {
          const read = slice * strides[0] + tap * dilations[0] - pads[0];
          if (read < 0 || read >= depth) continue;
          const from = ((output * channelsPerGroup + channel) * kernelDepth + tap) * area;
          const to = start + (channel * depth + read) * area;
          for (let cell = 0; cell < area; cell++) values[to + cell] = weights.values[from + cell]!;
        }
      }
    }
  }
  return values;
}
