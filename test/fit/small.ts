import { architectureSchema } from '../../src/fit/architectureSchema.ts';
import type { Architecture } from '../../src/fit/architectureSchema.ts';
import type { Examples } from '../../src/fit/examples.ts';
import type { IntegerNetwork } from '../../src/fit/integerNetwork.ts';
import { makeRandom } from '../../src/fit/random.ts';
import { countOf, stagesOf } from '../../src/fit/stages.ts';
import type { Stage } from '../../src/fit/stages.ts';

/** An architecture with its stages; a fault of it is the test's. */
export function parsed(value: unknown): { architecture: Architecture; stages: Stage[] } {
  const architecture = architectureSchema.parse(value);
  const stages = stagesOf(architecture, (fault) => {
    throw new Error(JSON.stringify(fault));
  });
  return { architecture, stages };
}

/** Every kind of layer: two channels, borders on all sides that differ, a pool, a convolution behind it, three squares. */
export const EVERYTHING = {
  version: 1,
  name: 'everything',
  input: { shape: [2, 9, 8], levels: 4, largest: 30 },
  layers: [
    { kind: 'convolution', maps: 5, bound: 20, kernel: [3, 2], strides: [1, 1], pads: [1, 0, 0, 1] },
    { kind: 'square' },
    { kind: 'averagePool', kernel: [2, 2] },
    { kind: 'convolution', maps: 3, bound: 2500, kernel: [2, 2], strides: [1, 2], pads: [0, 1, 1, 0] },
    { kind: 'square' },
    { kind: 'dense', outputs: 6 },
    { kind: 'square' },
    { kind: 'dense', outputs: 4 },
  ],
};

/** Small weights at random in an architecture's layers. */
export function randomNetwork(value: unknown, seed: number): IntegerNetwork {
  const { architecture, stages } = parsed(value);
  const random = makeRandom(seed);
  const integer = (most: number): number => Math.round(random.between(-most, most)) + 0;
  const layers = stages.map((stage) => {
    const { layer, input, output } = stage.linear;
    const taps = layer.kind === 'dense' ? countOf(input) : input.channels * layer.kernel[0] * layer.kernel[1];
    return {
      stage,
      weights: Int8Array.from({ length: output.channels * taps }, () => integer(2)),
      bias: Array.from({ length: output.channels }, () => integer(5)),
    };
  });
  return { name: architecture.name, input: architecture.input, layers };
}

/** Pictures of 8 x 8 pixels: a bright bar that stands (0), lies (1) or leans (2), somewhere, on noise. */
export function bars(count: number, seed: number): Examples {
  const random = makeRandom(seed);
  const pixels = new Uint8Array(count * 64);
  const labels = new Uint8Array(count);
  for (let picture = 0; picture < count; picture++) {
    const label = picture % 3;
    labels[picture] = label;
    const at = Math.floor(random.between(1, 7));
    for (let index = 0; index < 64; index++) {
      const [row, column] = [index >> 3, index & 7];
      const isOn = [column === at, row === at, (row + column) % 8 === at][label];
      pixels[picture * 64 + index] = Math.round(random.between(0, 60) + (isOn === true ? 190 : 0));
    }
  }
  return { pixels, labels };
}

/** What learns to tell bars. */
export const BARS = {
  version: 1,
  name: 'bars',
  input: { shape: [1, 8, 8], levels: 4 },
  layers: [
    { kind: 'convolution', maps: 4, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    { kind: 'square' },
    { kind: 'dense', outputs: 3 },
  ],
};
