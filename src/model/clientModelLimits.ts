import { outputShape } from '../../compiler/convolution/shape.ts';
import type { Refuse } from './checkClearModel.ts';
import type { ClientLayer } from './clientModel.ts';

/**
 * What a client follows of a model as a whole; its layers are bounded one by one (compiler/lowering/limits.ts), and what its
 * segments may take is measured while they run (src/interpreter/meter.ts).
 */
interface ModelLimits {
  /** Of all layers' inputs and outputs together. */
  readonly elements: number;
  /** Of all hints together, which a client keeps. */
  readonly hintBytes: number;
}

/** About ten times what ResNet-152 has, and nine hints of the largest kind. */
export const CLIENT_MODEL_LIMITS: ModelLimits = { elements: 2 ** 29, hintBytes: 2 ** 31 };

/** Rounds, and layers in all. */
const MAX_LAYERS = 4096;

/** Looked at before any layer is. */
export function requireFewRounds(rounds: readonly (readonly unknown[])[], refuse: Refuse): void {
  const count = rounds.reduce((sum, round) => sum + round.length, rounds.length);
  if (count > MAX_LAYERS) refuse('rounds', `more than ${MAX_LAYERS} rounds and layers`);
}

/** @param layers checked one by one, all of them */
export function requireBounded(layers: readonly ClientLayer[], refuse: Refuse, limits: ModelLimits): void {
  let [elements, hintBytes] = [0, 0];
  for (const { client } of layers) {
    const { shape } = client.view;
    const [input, output] = [shape.input, outputShape(shape)];
    elements += input.batch * input.channels * input.height * input.width;
    elements += output.batch * output.channels * output.height * output.width;
    hintBytes += client.hint?.bytes ?? 0;
  }
  if (elements > limits.elements)
    refuse('rounds', `${elements} elements go in and out, at most ${limits.elements}`);
  if (hintBytes > limits.hintBytes)
    refuse('rounds', `${hintBytes} bytes of hints, at most ${limits.hintBytes}`);
}
