import type { Width } from '../base/interval.ts';
import type { ConvShape, InputSpec } from './shape.ts';
import type { ConvSpec } from './spec.ts';
import { makeSpec } from './spec.ts';

/**
 * Average pooling as a convolution: the sums of the windows, one input channel an output channel, all weights 1. The
 * average is a sum divided by the number of elements that count, which stays outside: integers do not hold it.
 */
export interface AveragePool extends Pick<ConvShape, 'strides' | 'pads' | 'dilations'> {
  readonly name: string;
  readonly input: InputSpec;
  /** [height, width] of a window. */
  readonly kernel: readonly [number, number];
  /** Whether padding counts as elements of value zero point, which is real 0. */
  readonly countsPads: boolean;
  readonly accumulator: Width | null;
}

/**
 * The sums: output (n, c, y, x) is that of x - zeroPoint over the window.
 * @throws CipherconvError as `makeSpec` does.
 */
export function poolSums({
  name,
  input,
  kernel,
  strides,
  pads,
  dilations,
  accumulator,
}: Omit<AveragePool, 'countsPads'>): ConvSpec {
  const [kernelHeight, kernelWidth] = kernel;
  const { channels } = input;
  return makeSpec({
    name,
    input,
    weights: {
      outChannels: channels,
      channelsPerGroup: 1,
      kernelHeight,
      kernelWidth,
      bits: 1,
      signed: false,
      zeroPoints: new Array<number>(channels).fill(0),
      values: new Array<number>(channels * kernelHeight * kernelWidth).fill(1),
    },
    bias: new Array<number>(channels).fill(0),
    strides,
    pads,
    dilations,
    group: channels,
    accumulator,
  });
}

/** What every sum is divided by; null where windows at the edge count fewer elements than those inside. */
export function poolDivisor({
  kernel,
  pads,
  countsPads,
}: Pick<AveragePool, 'kernel' | 'pads' | 'countsPads'>): number | null {
  return countsPads || pads.every((pad) => pad === 0) ? kernel[0] * kernel[1] : null;
}
