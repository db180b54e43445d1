import type { MatrixExports } from '../../runtime/training/module.ts';
import { ACTIVATIONS } from './activation.ts';
import { placePicture } from './augment.ts';
import type { PictureRoute } from './augment.ts';
import { lengthOf } from './features.ts';
import type { IntegerLayer } from './integerNetwork.ts';
import { buildLevels, firstLayer } from './levels.ts';
import type { Level } from './levels.ts';
import type { Machine, TrainedLayer } from './linearLayers.ts';
import { crossEntropy } from './loss.ts';
import { backward, forward, update } from './passes.ts';
import type { Random } from './random.ts';
import { roundWeights } from './rounding.ts';
import type { Limits } from './rounding.ts';
import { integersOf } from './trainedIntegers.ts';
import type { TrainingPlan } from './trainingPlan.ts';

/** A network in training. */
export interface TrainedNetwork {
  /** Draws the weights to start with. */
  readonly start: (random: Random) => void;
  /** One step on a batch. */
  readonly step: (
    chosen: Uint32Array,
    random: Random,
    at: { readonly progress: number; readonly rate: number },
  ) => { readonly loss: number; readonly right: number };
  /** The integers as they are now. */
  readonly integers: () => IntegerLayer[];
}

/** What the loss learns besides. */
interface LossState {
  readonly scale: Float32Array;
  readonly mean: Float32Array;
  readonly square: Float32Array;
}

function lossState(): LossState {
  const one = (): Float32Array => new Float32Array(1);
  return { scale: one(), mean: one(), square: one() };
}

/** Lays out a network and its batch in the machine's memory. */
export function buildNetwork(plan: TrainingPlan, machine: Machine): TrainedNetwork {
  const { examples, stages, architecture } = plan;
  const [channels, height, width] = architecture.input.shape;
  const pixels = machine.arena.bytes(examples.pixels.length);
  const first = firstLayer(machine, stages[0]!);
  const levels = buildLevels(machine, stages, plan.recipe, first.layer);
  const labels = new Uint8Array(machine.batch);
  const loss = lossState();
  const route: PictureRoute = {
    channels,
    height,
    width,
    from: pixels.address,
    ...first.route,
    scale: (architecture.input.levels - 1) / architecture.input.largest,
  };
  const limits: Limits = {
    largestLevel: architecture.input.levels - 1,
    width: 2 ** plan.bits - 1,
    activation: ACTIVATIONS[plan.squares],
  };
  const state: NetworkState = { kernel: machine.kernel, levels, limits, loss, steps: 0 };
  return {
    start: (random) => {
      pixels.numbers.set(examples.pixels);
      for (const { layer, recipe } of levels) drawWeights(layer, recipe.spread, random);
    },
    step: (chosen, random, { progress, rate }) => {
      chosen.forEach((index, picture) => {
        const kind = plan.augmentation;
        placePicture(machine.kernel, { ...route, to: first.place(picture) }, index, { kind, random });
        first.placed(picture);
        labels[picture] = examples.labels[index]!;
      });
      const result = stepOn(state, labels, chosen.length, { progress, rate });
      state.steps++;
      return result;
    },
    integers: () => {
      const { kernel } = machine;
      roundWeights(kernel, levels, limits, ({ recipe }) => recipe.frozenFrom >= 1);
      return integersOf(levels, loss.scale[0]!);
    },
  };
}

interface NetworkState {
  readonly kernel: MatrixExports;
  readonly levels: readonly Level[];
  readonly limits: Limits;
  readonly loss: LossState;
  steps: number;
}

function drawWeights({ weights, inputs, stage }: TrainedLayer, spread: number, random: Random): void {
  const { rows, length, latent, taps } = weights;
  const isDense = stage.layer.kind === 'dense';
  for (let index = 0; index < rows * length; index++) {
    const entry = index % length;
    const isUsed = isDense ? entry % inputs.pitch < inputs.used : entry < taps;
    if (isUsed) latent.values.numbers[index] = spread * random.normal();
  }
}

function stepOn(
  { kernel, levels, limits, loss, ...state }: NetworkState,
  labels: Uint8Array,
  count: number,
  at: { readonly progress: number; readonly rate: number },
): { loss: number; right: number } {
  roundWeights(kernel, levels, limits, ({ recipe }) => state.steps === 0 || at.progress <= recipe.frozenFrom);
  forward(kernel, levels, limits.activation, count);
  const result = lossOf(levels, loss, { labels, count }, at.rate);
  backward(kernel, levels, limits.activation, { count, progress: at.progress });
  update(kernel, levels, { ...at, step: state.steps });
  return result;
}

function lossOf(
  levels: readonly Level[],
  loss: LossState,
  { labels, count }: { readonly labels: Uint8Array; readonly count: number },
  rate: number,
): { loss: number; right: number } {
  const { layer } = levels[levels.length - 1]!;
  const { values, slopes, outputs, bias, weights } = layer;
  const scores = { values: values.numbers, pitch: lengthOf(outputs), classes: weights.rows };
  if (loss.scale[0] === 0) loss.scale[0] = 1 / deviation(values.numbers.subarray(0, count * scores.pitch));
  const head = { scale: loss.scale[0]!, bias: bias.values.numbers };
  const result = crossEntropy(scores, { labels, count }, head, slopes.numbers);
  moveScale(loss, result.scaleSlope, SCALE_RATE * rate);
  return result;
}

const SCALE_RATE = 0.005;

/** Adam on the logarithm of the scale. */
function moveScale({ scale, mean, square }: LossState, slope: number, rate: number): void {
  mean[0] = 0.9 * mean[0]! + 0.1 * slope;
  square[0] = 0.99 * square[0]! + 0.01 * slope * slope;
  scale[0] = scale[0]! * Math.exp((-rate * mean[0]) / (Math.sqrt(square[0]) + 1e-20));
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.sqrt(variance) || 1;
}
