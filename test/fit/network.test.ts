import { describe, expect, it } from 'vitest';
import type { LinearStage } from '../../compiler/network/spec.ts';
import { runExactly } from '../../src/fit/exact.ts';
import { exportModel } from '../../src/fit/exportModel.ts';
import type { IntegerNetwork } from '../../src/fit/integerNetwork.ts';
import { levelOf } from '../../src/fit/integerNetwork.ts';
import { hasOddForm, oddForm } from '../../src/fit/oddForm.ts';
import { networkSpec, proveTrained } from '../../src/fit/prove.ts';
import { makeRandom } from '../../src/fit/random.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { BARS, EVERYTHING, parsed, randomNetwork } from './small.ts';

function picture(count: number, largest: number, seed: number): Float64Array {
  const random = makeRandom(seed);
  return Float64Array.from({ length: count }, () => Math.round(random.between(0, largest)));
}

function mapped(
  { outputs, starts, columns, weights, bias }: LinearStage,
  inputs: readonly number[],
): number[] {
  return Array.from({ length: outputs }, (_, row) => {
    let sum = bias[row]!;
    for (let index = starts[row]!; index < starts[row + 1]!; index++)
      sum += weights[index]! * inputs[columns[index]!]!;
    return sum;
  });
}

/** The linear maps that are proved, applied to levels. */
function runMaps(network: IntegerNetwork, pixels: Float64Array): number[] {
  let values = Array.from(pixels, (pixel) => levelOf(pixel, network.input));
  networkSpec(network).stages.forEach((map, stage) => {
    const inputs = stage === 0 ? values : values.map((value) => value * value);
    values = mapped(map, inputs);
  });
  return values;
}

describe('what is proved is what is computed', () => {
  it.each([1, 2, 3])('the maps of a network with every kind of layer, seed %i', (seed) => {
    const network = randomNetwork(EVERYTHING, seed);
    const pixels = picture(2 * 9 * 8, 30, seed + 10);
    expect(Array.from(runExactly(network, pixels).scores)).toEqual(runMaps(network, pixels));
  });

  it('values lie within what is proved', () => {
    const network = randomNetwork(EVERYTHING, 4);
    const { stages } = proveTrained(network);
    for (let seed = 0; seed < 20; seed++) {
      const { values } = runExactly(network, picture(2 * 9 * 8, 30, seed));
      values.forEach((layer, index) => {
        layer.forEach((value, at) => {
          const { lo, hi } = stages[index]!.values[at]!;
          expect(BigInt(value) >= lo && BigInt(value) <= hi).toBe(true);
        });
      });
    }
  });
});

/** Pads behind the first layer have no odd form. */
const WITHOUT_PADS = {
  ...EVERYTHING,
  layers: EVERYTHING.layers.map((layer, index) =>
    index === 3 ? { ...layer, strides: [1, 1], pads: [0, 0, 0, 0] } : layer,
  ),
};

/** Scores of training, which has k (k + 1) / 2 in the place of squares. */
function triangularScores(network: IntegerNetwork, pixels: Float64Array): number[] {
  let values = Array.from(pixels, (pixel) => levelOf(pixel, network.input));
  networkSpec(network).stages.forEach((stage, index) => {
    values = mapped(stage, index === 0 ? values : values.map((value) => (value * (value + 1)) / 2));
  });
  return values;
}

describe('the odd form', () => {
  it.each([
    ['one square', BARS, 64, 8],
    ['three squares, a pool and a convolution behind it', WITHOUT_PADS, 2 * 9 * 8, 2 ** 15],
  ])('gives a multiple of the scores of training: %s', (_, architecture, pixels, factor) => {
    for (const seed of [7, 8, 9]) {
      const trained = randomNetwork(architecture, seed);
      const odd: IntegerNetwork = { ...trained, layers: oddForm(trained.layers) };
      const input = picture(pixels, trained.input.largest, seed);
      const expected = triangularScores(trained, input).map((score) => factor * score);
      expect(Array.from(runExactly(odd, input).scores)).toEqual(expected);
    }
  });

  it('is found by the analysis: most of a bit less, and hidden values are odd', () => {
    const trained = randomNetwork(BARS, 7);
    const plain = proveTrained(trained);
    const proof = proveTrained({ ...trained, layers: oddForm(trained.layers) });
    expect(proof.stages[0]!.values.every(({ modulus, residue }) => modulus === 2n && residue === 1n)).toBe(
      true,
    );
    expect(proof.logits.every(({ modulus }) => modulus % 8n === 0n)).toBe(true);
    expect(proof.bits).toBeLessThan(plain.bits - 0.5);
  });

  it('is not there where a convolution behind a square has pads', () => {
    expect(hasOddForm(parsed(EVERYTHING).stages)).toBe(false);
    expect(hasOddForm(parsed(WITHOUT_PADS).stages)).toBe(true);
    expect(hasOddForm(parsed(BARS).stages)).toBe(true);
  });
});

describe('the model', () => {
  it('gives in onnxruntime the integers that were trained', async () => {
    const trained = randomNetwork(BARS, 3);
    for (const layers of [trained.layers, oddForm(trained.layers)]) {
      const network = { ...trained, layers };
      const pixels = picture(64, 255, 5);
      const inputs = [
        { name: 'pictures', type: 'float32', shape: [1, 1, 8, 8], data: Array.from(pixels) },
      ] as const;
      const outputs = await runInOnnxruntime(exportModel(network), inputs);
      expect(outputs.get('scores')).toEqual({
        type: 'float32',
        shape: [1, 3],
        data: Array.from(runExactly(network, pixels).scores),
      });
    }
  });

  it('has pools as means, which the next weights take back', async () => {
    const network = randomNetwork(POOLED, 6);
    const pixels = picture(64, 255, 6);
    const inputs = [
      { name: 'pictures', type: 'float32', shape: [1, 1, 8, 8], data: Array.from(pixels) },
    ] as const;
    const outputs = await runInOnnxruntime(exportModel(network), inputs);
    expect(outputs.get('scores')?.data).toEqual(Array.from(runExactly(network, pixels).scores));
  });
});

const POOLED = {
  ...BARS,
  layers: [...BARS.layers.slice(0, 2), { kind: 'averagePool', kernel: [2, 2] }, ...BARS.layers.slice(2)],
};
