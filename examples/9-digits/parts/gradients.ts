/** Forward and backward pass of one drawing, for training: integers forward, straight through the roundings backward. */
import { roundHalfEven } from '../../../runtime/clear/requantize.ts';
import { accumulate, LARGEST_ACTIVATION, outputSize } from './network.ts';
import type { Layer } from './network.ts';

/** Sums of slopes of the loss, in the layout of the layer's weights and bias. */
export interface Gradients {
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** What the backward pass needs of one layer. */
interface Trace {
  readonly input: Float32Array;
  readonly accumulators: Float32Array;
  /** For each activation, the accumulator it was taken from; null after the last layer. */
  readonly sources: Int32Array | null;
}

/** Scores are divided by this before the softmax: accumulators of 8 bits are too far apart for it. */
const TEMPERATURE = 6;

export function forward(layers: readonly Layer[], pixels: Float32Array): Trace[] {
  let input = pixels;
  return layers.map((layer) => {
    const accumulators = accumulate(layer, input);
    const { next } = layer.shape;
    if (next === null) return { input, accumulators, sources: null };
    // Pooling before rounding gives the same activations, and fewer ties to choose between.
    const sources = pooledSources(accumulators, outputSize(layer.shape), next.pool);
    const trace = { input, accumulators, sources };
    input = Float32Array.from(sources, (source) => activation(accumulators[source]! / 2 ** next.shift));
    return trace;
  });
}

function activation(value: number): number {
  return Math.min(Math.max(roundHalfEven(value), 0), LARGEST_ACTIVATION);
}

/** Index of the largest accumulator of every window. */
function pooledSources(accumulators: Float32Array, size: number, pool: number): Int32Array {
  const extent = Math.floor(size / pool);
  const planes = accumulators.length / (size * size);
  return Int32Array.from({ length: planes * extent * extent }, (_, cell) => {
    const plane = Math.floor(cell / (extent * extent));
    const first =
      (plane * size + (Math.floor(cell / extent) % extent) * pool) * size + (cell % extent) * pool;
    let best = first;
    for (let within = 1; within < pool * pool; within++) {
      const index = first + Math.floor(within / pool) * size + (within % pool);
      if (accumulators[index]! > accumulators[best]!) best = index;
    }
    return best;
  });
}

/** Adds the slopes of one drawing's cross entropy to `gradients`. @returns the cross entropy, in nats */
export function backward(
  layers: readonly Layer[],
  traces: readonly Trace[],
  digit: number,
  gradients: readonly Gradients[],
): number {
  const scores = traces.at(-1)?.accumulators ?? new Float32Array();
  const { loss, slopes } = crossEntropy(scores, digit);
  let above = slopes;
  for (let index = layers.length - 1; index >= 0; index--) {
    const [layer, trace] = [layers[index]!, traces[index]!];
    const slopesOfSums = throughActivation(layer, trace, above);
    above = throughSums(layer, trace.input, slopesOfSums, gradients[index]!);
  }
  return loss;
}

function crossEntropy(scores: Float32Array, digit: number): { loss: number; slopes: Float32Array } {
  const highest = scores.reduce((left, right) => Math.max(left, right));
  const weights = scores.map((score) => Math.exp((score - highest) / TEMPERATURE));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const slopes = weights.map((weight, index) => (weight / total - (index === digit ? 1 : 0)) / TEMPERATURE);
  return { loss: Math.log(total / weights[digit]!), slopes };
}

/** Straight through: slope 1 of rounding, 0 where the clip cuts off. */
function throughActivation({ shape }: Layer, trace: Trace, above: Float32Array): Float32Array {
  const { accumulators, sources } = trace;
  if (sources === null || shape.next === null) return above;
  const scale = 2 ** -shape.next.shift;
  const slopes = new Float32Array(accumulators.length);
  sources.forEach((source, index) => {
    const value = accumulators[source]! * scale;
    if (value > -0.5 && value < LARGEST_ACTIVATION + 0.5) slopes[source]! += above[index]! * scale;
  });
  return slopes;
}

/** @returns slopes of the layer's input */
function throughSums(
  layer: Layer,
  input: Float32Array,
  above: Float32Array,
  gradients: Gradients,
): Float32Array {
  const { channels, size, kernel, outputs } = layer.shape;
  const extent = outputSize(layer.shape);
  const below = new Float32Array(input.length);
  for (let output = 0; output < outputs; output++) {
    for (let cell = 0; cell < extent * extent; cell++) {
      const slope = above[output * extent * extent + cell]!;
      if (slope === 0) continue;
      gradients.bias[output]! += slope;
      const corner = Math.floor(cell / extent) * size + (cell % extent);
      let tap = output * channels * kernel * kernel;
      for (let line = 0; line < channels * kernel; line++) {
        const first = corner + (Math.floor(line / kernel) * size + (line % kernel)) * size;
        for (let index = first; index < first + kernel; index++, tap++) {
          gradients.weights[tap]! += slope * input[index]!;
          below[index]! += slope * layer.weights[tap]!;
        }
      }
    }
  }
  return below;
}
