import { CipherconvError } from '../../compiler/base/errors.ts';
import { ACTIVATIONS, largestSquare } from './activation.ts';
import type { Squares } from './activation.ts';
import type { Stage } from './stages.ts';
import { countOf } from './stages.ts';

/**
 * The numbers that training needs and nobody wants to choose, from the architecture and the width: how far the values of
 * each layer may get, how large weights start, how fast they move and when they stop. Found by trials on MNIST.
 */
export interface LayerRecipe {
  /** How far from 0 the values may get; null for the scores, which have a width instead. */
  readonly bound: number | null;
  /** Standard deviation of the weights at the start, in integer units. */
  readonly spread: number;
  /** Learning rates of weights and biases. */
  readonly rate: number;
  readonly biasRate: number;
  /** The share of all steps after which the weights stand still, so that the next layer's budget does too. */
  readonly frozenFrom: number;
}

/** What the scores' weights may add up to before their inputs' reach, where a hidden layer is bounded by default. */
const SCORE_WEIGHTS = 64;

/**
 * @param levels of the input
 * @param bits of the scores' width
 * @throws CipherconvError `out-of-range` where the width leaves a layer no weights at all.
 */
export function recipeOf(
  stages: readonly Stage[],
  levels: number,
  bits: number,
  squares: Squares,
): LayerRecipe[] {
  const bounds = boundsOf(stages, levels - 1, bits);
  let reach = levels - 1;
  return stages.map((stage, index) => {
    const bound = bounds[index] ?? null;
    const room = (bound ?? 2 ** bits) / reach;
    if (room < 1) throw noRoom(stage, bound ?? 2 ** bits, reach, bits);
    const recipe = layerRecipe(stages, index, { bound, room });
    reach = largestSquare(ACTIVATIONS[squares], -(bound ?? 1), bound ?? 1) * areaOf(stage);
    return recipe;
  });
}

function areaOf({ pool }: Stage): number {
  return pool === null ? 1 : pool.kernel[0] * pool.kernel[1];
}

/** How many inputs one output has. */
function tapCount({ linear: { layer, input } }: Stage): number {
  return layer.kind === 'dense' ? countOf(input) : input.channels * layer.kernel[0] * layer.kernel[1];
}

/** From the scores backwards: each hidden layer is bounded so that the next one's weights have room. */
function boundsOf(stages: readonly Stage[], largestLevel: number, bits: number): (number | null)[] {
  const bounds: (number | null)[] = stages.map(() => null);
  let width = 2 ** bits;
  for (let index = stages.length - 2; index >= 0; index--) {
    const stage = stages[index]!;
    const byWidth = Math.floor(Math.sqrt(width / SCORE_WEIGHTS / areaOf(stage)));
    const room = stages.length === 2 ? 0.93 : 0.8;
    const byInputs = Math.round(largestLevel * Math.sqrt(tapCount(stage)) * room);
    const chosen = index === 0 ? Math.min(byInputs, byWidth) : byWidth;
    const bound = stage.linear.layer.bound ?? Math.max(chosen, 1);
    bounds[index] = bound;
    width = bound;
  }
  return bounds;
}

function layerRecipe(
  stages: readonly Stage[],
  index: number,
  { bound, room }: { readonly bound: number | null; readonly room: number },
): LayerRecipe {
  const taps = tapCount(stages[index]!);
  const last = stages.length - 1;
  if (bound === null) {
    const spread = Math.max(0.4, (0.8 * room) / taps);
    return { bound, spread, rate: 0.04 * spread, biasRate: 0.01, frozenFrom: 1 };
  }
  const frozenFrom = stages.length === 2 ? 0.8 : 0.6 + (0.35 * index) / (last - 1);
  if (index === 0) {
    const spread = Math.max(0.7, room / 5);
    return { bound, spread, rate: 0.02 * spread, biasRate: 0.02 * spread, frozenFrom };
  }
  const spread = Math.max(0.35, (2.5 * room) / taps);
  return { bound, spread, rate: 0.03 * spread, biasRate: 0.015 * Math.max(1, 0.02 * bound), frozenFrom };
}

function noRoom(stage: Stage, width: number, reach: number, bits: number): CipherconvError {
  return new CipherconvError({
    code: 'out-of-range',
    where: stage.linear.name,
    message: `${bits} bits leave no room for weights: one input alone reaches ${reach}, all may add up to ${width}`,
    hint: 'give more --accumulator-bits, fewer input levels, fewer squares, or a smaller bound to the layer before',
  });
}

/** Share of the full learning rate at a share of all steps: a short warm-up, then a cosine down to 2%. */
export function rateAt(progress: number): number {
  const [warmUp, least] = [0.02, 0.02];
  if (progress < warmUp) return progress / warmUp;
  const along = (progress - warmUp) / (1 - warmUp);
  return least + ((1 - least) * (1 + Math.cos(Math.PI * along))) / 2;
}
