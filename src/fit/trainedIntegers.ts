import { unpadded } from './features.ts';
import type { IntegerLayer } from './integerNetwork.ts';
import type { Level } from './levels.ts';
import type { TrainedLayer } from './linearLayers.ts';

/** Stored as int32, in the odd form eight times as large with something added. */
const LARGEST_BIAS = 2 ** 28 - 1;

/** The integers that training has come to. @param scale of the loss: the scores' biases are multiples of 1 / scale */
export function integersOf(levels: readonly Level[], scale: number): IntegerLayer[] {
  return levels.map(({ layer, stage }) => ({
    stage,
    weights: integerWeights(layer),
    bias: stage.isLast ? scoreBiases(layer, scale) : Array.from(layer.offsets),
  }));
}

function integerWeights({ weights, stage, inputs }: TrainedLayer): Int8Array {
  const { rows, length, taps, integers } = weights;
  if (stage.layer.kind === 'dense') return Int8Array.from(unpadded(integers.numbers, inputs, rows));
  return Int8Array.from({ length: rows * taps }, (_, index) => {
    const [row, tap] = [Math.floor(index / taps), index % taps];
    return integers.numbers[row * length + tap]!;
  });
}

/** Moved together so that they stay small: only their differences choose a class. */
function scoreBiases({ bias, weights }: TrainedLayer, scale: number): number[] {
  const values = Array.from(bias.values.numbers.subarray(0, weights.rows), (value) => value / scale);
  const middle = (Math.min(...values) + Math.max(...values)) / 2;
  return values.map((value) => {
    const whole = Math.round(value - middle) + 0;
    return Math.min(Math.max(whole, -LARGEST_BIAS), LARGEST_BIAS);
  });
}
