/**
 * Training with the integers that will run: the forward pass uses the rounded weights and activations, the backward pass
 * goes straight through the roundings (straight-through estimator). After every step the weights of each output channel
 * are brought back to an L1 norm with which its accumulator cannot leave ACCUMULATOR_BITS, as in A2Q (Colbert et al. 2023,
 * arXiv 2308.13504): rounding towards zero never makes the norm larger again.
 */
import { makeRandom, shuffle } from './random.ts';
import type { Random } from './random.ts';
import { backward, forward } from './gradients.ts';
import type { Gradients } from './gradients.ts';
import { ACCUMULATOR_BITS, LARGEST_ACTIVATION, LAYERS, tapCount } from './network.ts';
import type { Layer, LayerShape } from './network.ts';
import type { Drawing } from './drawings.ts';
import { makeAdam } from './adam.ts';

const EPOCHS = 8;
const BATCH = 20;
const LEARNING_RATE = 0.04;
const LARGEST_SUM = 2 ** (ACCUMULATOR_BITS - 1) - 1;
const LARGEST_BIAS = 24;

/** Floats that round to the integers of a layer, in the same units. */
interface Latent {
  readonly shape: LayerShape;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

function initial(shape: LayerShape, random: Random): Latent {
  const taps = tapCount(shape);
  const largest = 2 ** (shape.weightBits - 1) - 1;
  return {
    shape,
    weights: Float32Array.from({ length: shape.outputs * taps }, () => random.between(-largest, largest)),
    bias: new Float32Array(shape.outputs),
  };
}

/** The integers: weights towards zero, so that the L1 norm of a channel only shrinks; the bias to the nearest. */
function rounded({ shape, weights, bias }: Latent): Layer {
  return { shape, weights: weights.map(Math.trunc), bias: bias.map(Math.round) };
}

/**
 * Brings magnitudes and norms back within their bounds. |bias| + L1 * largest activation <= LARGEST_SUM bounds the sum of
 * every channel.
 */
function constrain({ shape, weights, bias }: Latent): void {
  const taps = tapCount(shape);
  const largest = 2 ** (shape.weightBits - 1) - 1 + 0.99;
  for (let index = 0; index < weights.length; index++) weights[index] = clip(weights[index]!, largest);
  for (let output = 0; output < shape.outputs; output++) {
    bias[output] = clip(bias[output]!, LARGEST_BIAS);
    const norm = Math.floor((LARGEST_SUM - Math.abs(Math.round(bias[output]!))) / LARGEST_ACTIVATION);
    projectNorm(weights.subarray(output * taps, (output + 1) * taps), norm);
  }
}

function clip(value: number, largest: number): number {
  return Math.min(Math.max(value, -largest), largest);
}

/**
 * Makes the rounded weights' L1 norm at most `norm` by taking the same amount off every magnitude: the amount is found by
 * bisection (the norm falls as it grows).
 */
function projectNorm(weights: Float32Array, norm: number): void {
  const shrunk = (weight: number, by: number): number => Math.max(Math.abs(weight) - by, 0);
  const normAfter = (by: number): number =>
    weights.reduce((sum, weight) => sum + Math.trunc(shrunk(weight, by)), 0);
  if (normAfter(0) <= norm) return;
  let [tooLittle, enough] = [0, 16];
  for (let step = 0; step < 20; step++) {
    const middle = (tooLittle + enough) / 2;
    if (normAfter(middle) <= norm) enough = middle;
    else tooLittle = middle;
  }
  for (let index = 0; index < weights.length; index++) {
    weights[index] = Math.sign(weights[index]!) * shrunk(weights[index]!, enough);
  }
}

/** Trains the layers. @param onEpoch told the mean loss after each pass over the drawings */
export function train(
  drawings: readonly Drawing[],
  seed: number,
  onEpoch: (epoch: number, epochs: number, loss: number) => void,
): Layer[] {
  const random = makeRandom(seed);
  const latents = LAYERS.map((shape) => initial(shape, random));
  latents.forEach(constrain);
  const step = makeAdam(latents.flatMap(({ weights, bias }) => [weights, bias]));
  const order = [...drawings];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, random);
    let loss = 0;
    for (let first = 0; first < order.length; first += BATCH) {
      const layers = latents.map(rounded);
      const gradients = layers.map(noGradients);
      for (const drawing of order.slice(first, first + BATCH)) {
        loss += backward(layers, forward(layers, drawing.pixels), drawing.digit, gradients);
      }
      const rate = LEARNING_RATE * (1 - (epoch + first / order.length) / EPOCHS);
      step(
        gradients.flatMap(({ weights, bias }) => [weights, bias]),
        rate,
      );
      latents.forEach(constrain);
    }
    onEpoch(epoch + 1, EPOCHS, loss / order.length);
  }
  return latents.map(rounded);
}

function noGradients({ weights, bias }: Layer): Gradients {
  return { weights: new Float32Array(weights.length), bias: new Float32Array(bias.length) };
}
