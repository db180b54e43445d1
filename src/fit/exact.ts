import { levelOf } from './integerNetwork.ts';
import type { IntegerLayer, IntegerNetwork } from './integerNetwork.ts';
import type { Extents } from './stages.ts';

/**
 * A trained network on one picture, in exact integers (doubles below 2^53, as the proof says), by plain loops over outputs:
 * nothing of it is shared with training.
 */

/** What was computed for one picture. */
export interface ExactRun {
  /** One per class. */
  readonly scores: Float64Array;
  /** What each linear layer gave, in the order [channel, row, column]. */
  readonly values: readonly Float64Array[];
}

/** @param pixels [channel, row, column], 0 to the input's largest */
export function runExactly(network: IntegerNetwork, pixels: ArrayLike<number>): ExactRun {
  let values: Float64Array = Float64Array.from(pixels, (pixel) => levelOf(pixel, network.input));
  const found: Float64Array[] = [];
  for (const layer of network.layers) {
    values = linear(layer, values);
    found.push(values);
    if (layer.stage.isLast) break;
    values = pooled(
      layer,
      values.map((value) => value * value),
    );
  }
  return { scores: values, values: found };
}

function linear(layer: IntegerLayer, input: Float64Array): Float64Array {
  return layer.stage.linear.layer.kind === 'dense' ? dense(layer, input) : convolution(layer, input);
}

function dense({ weights, bias }: IntegerLayer, input: Float64Array): Float64Array {
  return Float64Array.from(bias, (start, output) => {
    let sum = start;
    const first = output * input.length;
    for (let index = 0; index < input.length; index++) sum += weights[first + index]! * input[index]!;
    return sum;
  });
}

function convolution({ stage, weights, bias }: IntegerLayer, values: Float64Array): Float64Array {
  const { layer, input, output } = stage.linear;
  if (layer.kind !== 'convolution') return values;
  const [height, width] = layer.kernel;
  const [top, left] = layer.pads;
  const sums = new Float64Array(output.channels * output.height * output.width);
  let cell = 0;
  for (let map = 0; map < output.channels; map++) {
    for (let row = 0; row < output.height; row++) {
      for (let column = 0; column < output.width; column++) {
        let sum = bias[map]!;
        let tap = map * input.channels * height * width;
        for (let channel = 0; channel < input.channels; channel++) {
          for (let y = 0; y < height; y++) {
            const from = row * layer.strides[0] - top + y;
            for (let x = 0; x < width; x++, tap++) {
              const at = column * layer.strides[1] - left + x;
              if (from < 0 || at < 0 || from >= input.height || at >= input.width) continue;
              sum += weights[tap]! * values[(channel * input.height + from) * input.width + at]!;
            }
          }
        }
        sums[cell++] = sum;
      }
    }
  }
  return sums;
}

function pooled({ stage }: IntegerLayer, squares: Float64Array): Float64Array {
  const { pool, linear: stageLinear } = stage;
  if (pool === null) return squares;
  const { height, width }: Extents = stageLinear.output;
  const { output, kernel, strides } = pool;
  const sums = new Float64Array(output.channels * output.height * output.width);
  let cell = 0;
  for (let channel = 0; channel < output.channels; channel++) {
    for (let row = 0; row < output.height; row++) {
      for (let column = 0; column < output.width; column++) {
        let sum = 0;
        for (let y = 0; y < kernel[0]; y++) {
          for (let x = 0; x < kernel[1]; x++)
            sum += squares[(channel * height + row * strides[0] + y) * width + column * strides[1] + x]!;
        }
        sums[cell++] = sum;
      }
    }
  }
  return sums;
}
