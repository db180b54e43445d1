import { expect, it } from 'vitest';
import { ACTIVATIONS } from '../../src/fit/activation.ts';
import { lengthOf } from '../../src/fit/features.ts';
import { buildLevels, firstLayer } from '../../src/fit/levels.ts';
import type { TrainedLayer } from '../../src/fit/linearLayers.ts';
import { crossEntropy } from '../../src/fit/loss.ts';
import { Arena } from '../../src/fit/memory.ts';
import { backward, forward } from '../../src/fit/passes.ts';
import { makeRandom } from '../../src/fit/random.ts';
import { recipeOf } from '../../src/fit/recipe.ts';
import { loadMatrix } from '../../runtime/training/module.ts';
import { makeMemory } from '../../runtime/wasm.ts';
import { EVERYTHING, parsed } from './small.ts';

const PICTURES = 3;
const STEP = 0.01;

/** A network with real numbers in the place of its integers, small enough for differences to say what slopes are. */
async function network() {
  const { stages } = parsed(EVERYTHING);
  const memory = makeMemory(2 ** 22);
  const kernel = (await loadMatrix()).instantiate(memory);
  const machine = { kernel, arena: new Arena(memory.buffer), batch: PICTURES };
  const first = firstLayer(machine, stages[0]!);
  const levels = buildLevels(machine, stages, recipeOf(stages, 4, 52, 'odd'), first.layer);
  const random = makeRandom(5);
  const floats = new Float32Array(memory.buffer);
  const { rowPitch, channelPitch } = first.route;
  for (let picture = 0; picture < PICTURES; picture++) {
    for (let index = 0; index < 2 * 9 * 8; index++) {
      const [channel, row, column] = [Math.floor(index / 72), Math.floor(index / 8) % 9, index % 8];
      floats[first.place(picture) / 4 + channel * channelPitch + row * rowPitch + column] = random.between(
        0,
        1,
      );
    }
    first.placed(picture);
  }
  for (const { layer } of levels) {
    const { weights } = layer;
    for (let index = 0; index < weights.integers.numbers.length; index++)
      if (isUsed(layer, index % weights.length)) weights.integers.numbers[index] = random.normal() * 0.3;
    layer.offsets.forEach((_, row) => (layer.offsets[row] = random.normal() * 0.3));
  }
  return { kernel, levels };
}

function isUsed({ stage, inputs, weights }: TrainedLayer, entry: number): boolean {
  return stage.layer.kind === 'dense' ? entry % inputs.pitch < inputs.used : entry < weights.taps;
}

it.each(['plain', 'odd'] as const)(
  'slopes are what differences of the loss say: convolutions, pool, dense layers, %s squares',
  async (squares) => {
    const { kernel, levels } = await network();
    const activation = ACTIVATIONS[squares];
    const { layer: last } = levels[levels.length - 1]!;
    const loss = (): number => {
      forward(kernel, levels, activation, PICTURES);
      const scores = { values: last.values.numbers, pitch: lengthOf(last.outputs), classes: 4 };
      const labels = { labels: [1, 2, 0], count: PICTURES };
      const head = { scale: 0.05, bias: new Float32Array(4) };
      return crossEntropy(scores, labels, head, last.slopes.numbers).loss / PICTURES;
    };
    const difference = (numbers: Float32Array | Float64Array, index: number): number => {
      const kept = numbers[index]!;
      numbers[index] = kept + STEP;
      const above = loss();
      numbers[index] = kept - STEP;
      const below = loss();
      numbers[index] = kept;
      return (above - below) / (2 * STEP);
    };
    loss();
    backward(kernel, levels, activation, { count: PICTURES, progress: 0 });
    const found = levels.map(({ layer: { weights, bias } }) => ({
      weights: weights.latent.slopes.numbers.slice(),
      bias: bias.slopes.numbers.slice(),
    }));
    levels.forEach(({ layer }, level) => {
      const slopes = found[level]!;
      const most = slopes.weights.reduce((left, right) => Math.max(left, Math.abs(right)), 0);
      expect(most).toBeGreaterThan(0.001);
      for (let index = 0; index < slopes.weights.length; index += 3) {
        if (!isUsed(layer, index % layer.weights.length)) expect(slopes.weights[index]).toBe(0);
        else {
          const wrong = difference(layer.weights.integers.numbers, index) - slopes.weights[index]!;
          expect(Math.abs(wrong)).toBeLessThan(0.01 * most);
        }
      }
      layer.offsets.forEach((_, row) => {
        const wrong = difference(layer.offsets, row) - slopes.bias[row]!;
        expect(Math.abs(wrong)).toBeLessThan(0.01 * Math.max(most, Math.abs(slopes.bias[row]!)));
      });
    });
  },
);
