import type { MatrixExports } from '../../runtime/training/module.ts';
import type { Activation } from './activation.ts';
import { lengthOf } from './features.ts';
import type { Level } from './levels.ts';
import type { TrainedLayer } from './linearLayers.ts';
import type { Learned, Weights } from './parameters.ts';
import { pooledLength, poolSums, spreadSlopes } from './pools.ts';

/** The values of a batch, from the first layer's inputs, which are there, to the scores. */
export function forward(
  kernel: MatrixExports,
  levels: readonly Level[],
  { linear, scale }: Activation,
  count: number,
): void {
  for (const { layer, squares, pool, pooled } of levels) {
    layer.forward(count);
    if (squares === null) return;
    const length = lengthOf(layer.outputs);
    kernel.square(layer.values.address, squares.address, count * length, linear, scale);
    if (pool === null || pooled === null) continue;
    const to = pooledLength(pool);
    for (let picture = 0; picture < count; picture++)
      poolSums(pool, squares.numbers, pooled.values.numbers, [picture * length, picture * to]);
  }
}

/** From the scores' slopes to those of the weights that move. */
export function backward(
  kernel: MatrixExports,
  levels: readonly Level[],
  activation: Activation,
  { count, progress }: { readonly count: number; readonly progress: number },
): void {
  // Below the lowest layer that still moves nothing is asked for.
  const lowest = levels.findIndex(({ recipe }) => progress <= recipe.frozenFrom);
  for (let index = levels.length - 1; index >= Math.max(lowest, 0); index--) {
    const { layer } = levels[index]!;
    layer.backward(count);
    if (index <= lowest || index === 0) return;
    const below = levels[index - 1]!;
    passDown(layer, below, count);
    const { slopes, values, outputs } = below.layer;
    const length = count * lengthOf(outputs);
    kernel.squareSlopes(slopes.address, values.address, length, activation.linear, activation.scale);
  }
}

/** Slopes of what a layer read, to those of the squares below it. */
function passDown(layer: TrainedLayer, below: Level, count: number): void {
  const length = lengthOf(below.layer.outputs);
  const { slopes } = below.layer;
  if (below.pool === null || below.pooled === null) layer.backwardInputs(count, slopes);
  else {
    layer.backwardInputs(count, below.pooled.slopes);
    slopes.numbers.fill(0, 0, count * length);
    const from = pooledLength(below.pool);
    for (let picture = 0; picture < count; picture++)
      spreadSlopes(below.pool, below.pooled.slopes.numbers, slopes.numbers, [
        picture * from,
        picture * length,
      ]);
  }
}

/** One step of Adam for the layers that move. @param step from 0 */
export function update(
  kernel: MatrixExports,
  levels: readonly Level[],
  at: { readonly progress: number; readonly rate: number; readonly step: number },
): void {
  // The averages start at 0: without this the first steps would be too small.
  const correction = Math.sqrt(1 - 0.99 ** (at.step + 1)) / (1 - 0.9 ** (at.step + 1));
  const move = (part: Learned, rate: number): void => {
    const { values, slopes, means, squares, count } = part;
    kernel.adam(values.address, slopes.address, means.address, squares.address, count, rate);
  };
  for (const { layer, recipe } of levels) {
    if (at.progress > recipe.frozenFrom) continue;
    move(layer.weights.latent, recipe.rate * at.rate * correction);
    move(layer.bias, recipe.biasRate * at.rate * correction);
    relaxRows(kernel, layer.weights, RELAXATION * at.rate);
  }
}

/** Share of a row's amount that its real weights give way by at each step at full rate. */
const RELAXATION = 0.1;

/**
 * Where a row does not fit its budget, its real weights give way. Without that they grow without end, and with them the
 * amount that is taken off, until what an input reaches says more than what it tells.
 */
function relaxRows(kernel: MatrixExports, { latent, shares, amounts, length }: Weights, share: number): void {
  amounts.forEach((amount, row) => {
    if (amount === 0) return;
    kernel.relax(latent.values.address + row * length * 4, shares.address, length, share * amount);
  });
}
