import type { ConvolutionLayer } from './architectureSchema.ts';
import type { PictureRoute } from './augment.ts';
import { featuresOf, lengthOf } from './features.ts';
import { makeConvolution, makeDense } from './linearLayers.ts';
import type { LayerInput, Machine, TrainedLayer } from './linearLayers.ts';
import type { Floats } from './memory.ts';
import { makePool, pooledLength } from './pools.ts';
import type { Pool } from './pools.ts';
import type { LayerRecipe } from './recipe.ts';
import type { LinearStage, Stage } from './stages.ts';

/** A layer with what stands behind it. */
export interface Level {
  readonly stage: Stage;
  readonly recipe: LayerRecipe;
  readonly layer: TrainedLayer;
  /** Squares; null behind the last layer. */
  readonly squares: Floats | null;
  readonly pool: Pool | null;
  /** Sums of squares, and their slopes; what the next layer reads, where there is a pool. */
  readonly pooled: { readonly values: Floats; readonly slopes: Floats } | null;
}

/** The layer that pictures go into. */
export interface FirstLayer {
  readonly layer: TrainedLayer;
  readonly route: Pick<PictureRoute, 'to' | 'rowPitch' | 'channelPitch'>;
  /** Address of the first pixel of a picture of the batch. */
  readonly place: (picture: number) => number;
  /** To be called when it is there. */
  readonly placed: (picture: number) => void;
}

export function firstLayer(machine: Machine, { linear }: Stage): FirstLayer {
  if (isConvolution(linear)) {
    const layer = makeConvolution(machine, linear, null);
    const [top, left, bottom, right] = linear.layer.pads;
    const rowPitch = linear.input.width + left + right;
    const channelPitch = rowPitch * (linear.input.height + top + bottom);
    const to = layer.picture.address + (top * rowPitch + left) * 4;
    return { layer, route: { to, rowPitch, channelPitch }, place: () => to, placed: layer.unfoldPicture };
  }
  const features = featuresOf(linear.input);
  const floats = machine.arena.floats(machine.batch * lengthOf(features));
  const layer = makeDense(machine, linear, { floats, features });
  const route = { to: floats.address, rowPitch: linear.input.width, channelPitch: features.pitch };
  const place = (picture: number): number => floats.address + picture * lengthOf(features) * 4;
  return { layer, route, place, placed: () => undefined };
}

export function isConvolution(linear: LinearStage): linear is LinearStage & { layer: ConvolutionLayer } {
  return linear.layer.kind === 'convolution';
}

/** The layers in order, each reading what the one before leaves. */
export function buildLevels(
  machine: Machine,
  stages: readonly Stage[],
  recipe: readonly LayerRecipe[],
  first: TrainedLayer,
): Level[] {
  const levels: Level[] = [];
  let input: LayerInput | null = null;
  stages.forEach((stage, index) => {
    const { linear } = stage;
    const layer = input === null ? first : makeLayer(machine, linear, input);
    const level = finishLevel(machine, stage, recipe[index]!, layer);
    levels.push(level);
    input = readBehind(level);
  });
  return levels;
}

function makeLayer(machine: Machine, linear: LinearStage, input: LayerInput): TrainedLayer {
  return isConvolution(linear) ? makeConvolution(machine, linear, input) : makeDense(machine, linear, input);
}

function finishLevel(machine: Machine, stage: Stage, recipe: LayerRecipe, layer: TrainedLayer): Level {
  const { arena, batch } = machine;
  const squares = stage.isLast ? null : arena.floats(batch * lengthOf(layer.outputs));
  if (stage.pool === null) return { stage, recipe, layer, squares, pool: null, pooled: null };
  const pool = makePool(stage.pool, stage.linear.output, layer.outputs);
  const room = (): Floats => arena.floats(batch * pooledLength(pool));
  return { stage, recipe, layer, squares, pool, pooled: { values: room(), slopes: room() } };
}

/** What the next layer reads; null behind the last. */
function readBehind({ layer, squares, pool, pooled }: Level): LayerInput | null {
  if (squares === null) return null;
  return pool === null || pooled === null
    ? { floats: squares, features: layer.outputs }
    : { floats: pooled.values, features: pool.outputs };
}
