import { largestSquare } from './activation.ts';
import type { Activation } from './activation.ts';
import type { ConvolutionLayer } from './architectureSchema.ts';
import type { Features } from './features.ts';
import type { LinearStage } from './stages.ts';

/**
 * How far values get over all inputs, for the budgets of the next layer: per position, borders included. Inputs are 0 or more
 * everywhere (levels, squares, sums of squares), so that the largest of each says all.
 */

type Convolution = LinearStage & { readonly layer: ConvolutionLayer };

/** Weights of a convolution that are not 0, with what they multiply: for one map. */
interface Tap {
  readonly weight: number;
  readonly channel: number;
  readonly row: number;
  readonly column: number;
}

function tapsOf({ layer, input }: Convolution, integers: ArrayLike<number>, first: number): Tap[] {
  const [height, width] = layer.kernel;
  const taps: Tap[] = [];
  for (let index = 0; index < input.channels * height * width; index++) {
    const weight = integers[first + index]!;
    if (weight === 0) continue;
    const within = index % (height * width);
    const channel = Math.floor(index / (height * width));
    taps.push({ weight, channel, row: Math.floor(within / width), column: within % width });
  }
  return taps;
}

/** Where the reach of an input pixel is. */
type ReachOf = (channel: number, row: number, column: number) => number;

/** Reach of a pixel among features; 0 in the padding. */
export function reachAt({ input }: LinearStage, reaches: Float64Array, { groups, pitch }: Features): ReachOf {
  const channelPitch = groups === 1 && input.channels > 1 ? 1 : pitch;
  return (channel, row, column) =>
    row < 0 || column < 0 || row >= input.height || column >= input.width
      ? 0
      : reaches[channel * channelPitch + row * input.width + column]!;
}

/** The largest reach that each tap of a convolution meets at any position: one for every entry of a row of weights. */
export function tapReaches(stage: Convolution, reach: ReachOf, length: number): Float64Array {
  const { layer, input, output } = stage;
  const [height, width] = layer.kernel;
  const [top, left] = layer.pads;
  return Float64Array.from({ length }, (_, index) => {
    const channel = Math.floor(index / (height * width));
    if (channel >= input.channels) return 0;
    const [tapRow, tapColumn] = [Math.floor((index % (height * width)) / width), index % width];
    let most = 0;
    for (let row = 0; row < output.height; row++) {
      for (let column = 0; column < output.width; column++) {
        const from = reach(
          channel,
          row * layer.strides[0] - top + tapRow,
          column * layer.strides[1] - left + tapColumn,
        );
        if (from > most) most = from;
      }
    }
    return most;
  });
}

/** How far the square of every output of a convolution gets, in the outputs' layout. */
export function squaredReaches(
  stage: Convolution,
  reach: ReachOf,
  weights: { readonly integers: ArrayLike<number>; readonly length: number },
  bias: ArrayLike<number>,
  { outputs, activation }: { readonly outputs: Features; readonly activation: Activation },
): Float64Array {
  const { layer, output } = stage;
  const squares = new Float64Array(outputs.groups * outputs.pitch);
  for (let map = 0; map < layer.maps; map++) {
    const taps = tapsOf(stage, weights.integers, map * weights.length);
    for (let cell = 0; cell < output.height * output.width; cell++) {
      const row = Math.floor(cell / output.width) * layer.strides[0] - layer.pads[0];
      const column = (cell % output.width) * layer.strides[1] - layer.pads[1];
      let [lo, hi] = [bias[map]!, bias[map]!];
      for (const tap of taps) {
        const end = tap.weight * reach(tap.channel, row + tap.row, column + tap.column);
        if (end > 0) hi += end;
        else lo += end;
      }
      squares[map * outputs.pitch + cell] = largestSquare(activation, lo, hi);
    }
  }
  return squares;
}
