import type { IntegerLayer } from './integerNetwork.ts';
import type { Stage } from './stages.ts';

/** Whether a network has the odd form (see `oddForm`): in the padding behind a square there would be 0, which is no such value. */
export function hasOddForm(stages: readonly Stage[]): boolean {
  return stages
    .slice(1)
    .every(({ linear: { layer } }) => layer.kind === 'dense' || layer.pads.every((pad) => pad === 0));
}

/**
 * A network that was trained with k (k + 1) / 2 between its layers, as one with squares. What a layer reads is then
 * factor * T + offset for each value T that training had there, because (2 k + 1)^2 = 8 k (k + 1) / 2 + 1: the first layer
 * doubles its weights and takes the bias 2 b + 1, the others correct their biases for the offset. The scores are multiples of
 * the last factor.
 * @param layers of a network that has this form
 */
export function oddForm(layers: readonly IntegerLayer[]): IntegerLayer[] {
  let factor = 0;
  let offset = 0;
  return layers.map((layer) => {
    const { stage } = layer;
    if (factor === 0) {
      factor = 8;
      offset = areaOf(layer);
      return { stage, weights: layer.weights.map((w) => 2 * w), bias: layer.bias.map((b) => 2 * b + 1) };
    }
    const shifts = rowSums(layer).map((sum) => offset * sum);
    const half = stage.isLast ? 0 : factor / 2;
    const bias = layer.bias.map((value, row) => factor * value + half - shifts[row]!);
    // (factor / 2 * (2 k + 1))^2 = 2 factor^2 * k (k + 1) / 2 + factor^2 / 4
    offset = (factor ** 2 / 4) * areaOf(layer);
    factor = 2 * factor ** 2;
    return { stage, weights: layer.weights, bias };
  });
}

/** Values that a pool behind the layer adds up. */
function areaOf({ stage: { pool } }: IntegerLayer): number {
  return pool === null ? 1 : pool.kernel[0] * pool.kernel[1];
}

function rowSums({ weights, bias }: IntegerLayer): number[] {
  const length = weights.length / bias.length;
  return bias.map((_, row) =>
    weights.subarray(row * length, (row + 1) * length).reduce((sum, weight) => sum + weight, 0),
  );
}
