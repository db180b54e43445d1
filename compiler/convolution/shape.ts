import { CipherconvError } from '../base/errors.ts';
import type { Interval, Width } from '../base/interval.ts';

/** The integers that enter: shape NCHW, declared width, zero point and the range that really occurs. */
export interface InputSpec extends Width {
  /** Images of one run, 1 to 2^24. */
  readonly batch: number;
  /** Input channels of all groups, 1 to 2^24. */
  readonly channels: number;
  /** Rows of an image, 1 to 2^24. */
  readonly height: number;
  /** Columns of an image, 1 to 2^24. */
  readonly width: number;
  /** The raw value that stands for 0; it is taken off every input. */
  readonly zeroPoint: number;
  /** Raw values (before the zero point is taken off), within what `bits` and `signed` allow. */
  readonly range: Interval;
}

/** The shape of the filter: OIHW, with I the input channels of one group. */
export interface WeightShape extends Width {
  /** Output channels of all groups (O), 1 to 2^24. */
  readonly outChannels: number;
  /** Input channels that one output channel sums over (I / group), 1 to 2^24. */
  readonly channelsPerGroup: number;
  /** Rows of the kernel (kH), 1 to 2^24. */
  readonly kernelHeight: number;
  /** Columns of the kernel (kW), 1 to 2^24. */
  readonly kernelWidth: number;
}

/** All of a convolution that does not reveal a weight. */
export interface ConvShape {
  /** Name of the layer, for messages and reports. */
  readonly name: string;
  /** The integers that enter, [batch, channels, height, width]. */
  readonly input: InputSpec;
  /** Shape and width of the filter. */
  readonly weights: WeightShape;
  /** [vertical, horizontal], as every pair here. */
  readonly strides: readonly [number, number];
  /** [top, left, bottom, right]; a padded tap contributes 0 to the sum. */
  readonly pads: readonly [number, number, number, number];
  /** Distance of neighbouring taps in input positions, each 1 to 2^16. */
  readonly dilations: readonly [number, number];
  /** Number of groups; it divides the input and the output channels. */
  readonly group: number;
}

/** Shape of the accumulators, NCHW. */
export interface OutputShape {
  /** Images, as in the input. */
  readonly batch: number;
  /** Output channels. */
  readonly channels: number;
  /** Rows of an output plane. */
  readonly height: number;
  /** Columns of an output plane. */
  readonly width: number;
}

/**
 * Output extent of one axis: floor((padded - (dilation * (kernel - 1) + 1)) / stride) + 1 (ONNX Conv), `padded` being the
 * input extent with both pads.
 * @throws CipherconvError `shape-mismatch` when the kernel does not fit into the padded input.
 */
function outputExtent(
  axis: 'height' | 'width',
  padded: number,
  kernel: number,
  dilation: number,
  stride: number,
): number {
  const reach = dilation * (kernel - 1) + 1;
  if (reach > padded) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      message: `the kernel does not fit into the padded input ${axis}`,
      expected: `a dilated kernel ${axis} of at most ${padded}`,
      found: `${reach} (kernel ${kernel}, dilation ${dilation})`,
      hint: 'add pads, or use a smaller kernel or dilation',
    });
  }
  return Math.floor((padded - reach) / stride) + 1;
}

/** Shape of the output, NCHW. Throws as `outputExtent` says. */
export function outputShape(shape: ConvShape): OutputShape {
  const { input, weights, pads, strides, dilations } = shape;
  const [top, left, bottom, right] = pads;
  return {
    batch: input.batch,
    channels: weights.outChannels,
    height: outputExtent(
      'height',
      top + input.height + bottom,
      weights.kernelHeight,
      dilations[0],
      strides[0],
    ),
    width: outputExtent('width', left + input.width + right, weights.kernelWidth, dilations[1], strides[1]),
  };
}

/** Range of x - zeroPoint, the values that are really multiplied. */
export function centredInputRange(input: InputSpec): Interval {
  return { lo: input.range.lo - input.zeroPoint, hi: input.range.hi - input.zeroPoint };
}

/** First input channel, counted over all groups, of the group that output channel `output` belongs to. */
export function firstChannelOf({ weights, group }: ConvShape, output: number): number {
  return Math.floor((output * group) / weights.outChannels) * weights.channelsPerGroup;
}
