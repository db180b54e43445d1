import { largestSquare } from './activation.ts';
import type { Activation } from './activation.ts';
import { featuresOf, lengthOf } from './features.ts';
import type { Features } from './features.ts';
import { isConvolution } from './levels.ts';
import type { Level } from './levels.ts';
import type { TrainedLayer } from './linearLayers.ts';
import type { MatrixExports } from '../../runtime/training/module.ts';
import { roundRow, setReaches } from './parameters.ts';
import type { Budget } from './parameters.ts';
import { pooledLength, poolSums } from './pools.ts';
import { reachAt, squaredReaches, tapReaches } from './reaches.ts';

/** What is given to the network as a whole. */
export interface Limits {
  /** The highest level of an input. */
  readonly largestLevel: number;
  /** Scores: largest minus smallest, at most. */
  readonly width: number;
  readonly activation: Activation;
}

/**
 * New integers for the layers that move, each within the budget that the reach of its inputs leaves.
 * @param moves whether a layer moves; what stands behind one that does is rounded anew too
 */
export function roundWeights(
  kernel: MatrixExports,
  levels: readonly Level[],
  limits: Limits,
  moves: (level: Level) => boolean,
): void {
  let reaches: Float64Array | null = null;
  let features = featuresOf(levels[0]!.stage.linear.input);
  let isStill = true;
  for (const level of levels) {
    const { layer, stage } = level;
    const found = reaches ?? levelReaches(features, limits.largestLevel);
    isStill &&= !moves(level);
    if (!isStill) {
      const { linear } = stage;
      const own = isConvolution(linear)
        ? tapReaches(linear, reachAt(linear, found, features), layer.weights.length)
        : found;
      setReaches(layer.weights, own);
      roundLayer(kernel, level, limits.width);
    }
    if (stage.isLast) return;
    reaches = reachBehind(level, found, features, limits.activation);
    features = level.pool?.outputs ?? layer.outputs;
  }
}

function levelReaches({ groups, used, pitch }: Features, largest: number): Float64Array {
  return Float64Array.from({ length: groups * pitch }, (_, index) => (index % pitch < used ? largest : 0));
}

function roundLayer(kernel: MatrixExports, { layer, recipe, stage }: Level, width: number): void {
  const { weights, bias, offsets } = layer;
  for (let row = 0; row < weights.rows; row++) {
    const offset = stage.isLast ? 0 : roundedBias(bias.values.numbers[row]!, recipe.bound ?? 1);
    offsets[row] = offset;
    const budget: Budget =
      recipe.bound === null
        ? { up: Infinity, down: Infinity, both: width }
        : { up: recipe.bound - offset, down: recipe.bound + offset, both: Infinity };
    const [up, down] = roundRow(kernel, weights, row, budget);
    weights.lows[row] = offset - down;
    weights.highs[row] = offset + up;
  }
}

/** Half of the bound is the most that a bias may take. */
function roundedBias(value: number, bound: number): number {
  const most = Math.floor(bound / 2);
  return Math.min(Math.max(Math.round(value), -most), most);
}

/** How far the values get that the next layer reads. */
function reachBehind(
  { layer, pool, stage }: Level,
  reaches: Float64Array,
  features: Features,
  activation: Activation,
): Float64Array {
  const { linear } = stage;
  const squares = isConvolution(linear)
    ? squaredReaches(
        linear,
        reachAt(linear, reaches, features),
        { integers: layer.weights.integers.numbers, length: layer.weights.length },
        layer.offsets,
        { outputs: layer.outputs, activation },
      )
    : denseSquares(layer, activation);
  if (pool === null) return squares;
  const sums = new Float64Array(pooledLength(pool));
  poolSums(pool, squares, sums, [0, 0]);
  return sums;
}

function denseSquares({ outputs, weights }: TrainedLayer, activation: Activation): Float64Array {
  const squares = new Float64Array(lengthOf(outputs));
  weights.lows.forEach((lo, row) => (squares[row] = largestSquare(activation, lo, weights.highs[row]!)));
  return squares;
}
