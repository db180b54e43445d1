/** Samples through a whole model in the clear: what every layer saw is what it computes under encryption. */
import { expect, it } from 'vitest';
import { withAccumulatorBits } from '../../compiler/accumulator/declaredWidth.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import { observeLayers } from '../../src/model/observeLayers.ts';
import { runModel } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { randomIntegers } from '../support/specs.ts';
import { residualModel, SHAPE } from './models.ts';

const SAMPLES = [1, 2, 3].map((seed) => {
  const random = randomIntegers(seed);
  const data = Array.from({ length: 16 }, () => random(0, 255));
  return new Map([['x', typedTensor('uint8', SHAPE, data, 'x')]]);
});

it('ranges, histograms and counts are those of the decrypted accumulators', async () => {
  const plan = compileModel(importModel(residualModel()));
  const rounds = plan.rounds.map((round) =>
    round.map((layer) => ({ ...layer, spec: withAccumulatorBits(layer.stored.plan.spec, 20) })),
  );
  let runs = 0;
  const observed = await observeLayers(
    { ...plan, rounds },
    async function* () {
      await Promise.resolve();
      yield* SAMPLES;
    },
    () => {
      runs++;
    },
  );
  expect(runs).toBe(2 * SAMPLES.length);
  const results = await Promise.all(SAMPLES.map((sample) => runModel(plan, sample)));
  const layers = layersOf({ rounds });
  expect(layers).toHaveLength(3);
  for (const [index, layer] of layers.entries()) {
    const { calibration, histograms } = observed.get(layer)!;
    const outputs = results.map(({ layers: ran }) => ran[index]!.output);
    const channels = layer.spec.weights.outChannels;
    const seen = Array.from({ length: channels }, (_, channel) =>
      outputs.flatMap(({ data }) => {
        const size = data.length / channels;
        return [...data.slice(channel * size, (channel + 1) * size)];
      }),
    );
    expect(calibration.channels).toEqual(
      seen.map((values) => ({ lo: Math.min(...values), hi: Math.max(...values) })),
    );
    expect(calibration.count).toBe(seen.flat().length);
    for (const { from, to, count } of calibration.histogram)
      expect(seen.flat().filter((value) => value >= from && value <= to)).toHaveLength(count);
    const { channels: inputs, height, width } = layer.spec.input;
    expect(histograms).toHaveLength(inputs);
    for (const counts of histograms ?? [])
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(SAMPLES.length * height * width);
  }
});
