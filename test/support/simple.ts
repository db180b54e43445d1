import { datatypeRange } from '../../compiler/base/interval.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { InputSpec } from '../../compiler/convolution/shape.ts';
import type { ConvSpec, WeightSpec } from '../../compiler/convolution/spec.ts';

export type SimpleOverrides = Partial<Omit<ConvSpec, 'input' | 'weights'>> & {
  readonly input?: Partial<InputSpec>;
  readonly weights?: Partial<WeightSpec>;
};

const GAUSSIAN = [1, 2, 1, 2, 3, 2, 1, 2, 1];

/** A 2-bit 3x3 Gaussian on a padded 28x28 picture, with any field replaced. */
export function simpleSpec(overrides: SimpleOverrides = {}): ConvSpec {
  const input = {
    batch: 1,
    channels: 1,
    height: 28,
    width: 28,
    bits: 2,
    signed: false,
    zeroPoint: 0,
    ...overrides.input,
  };
  const weights = {
    outChannels: 1,
    channelsPerGroup: 1,
    kernelHeight: 3,
    kernelWidth: 3,
    bits: 2,
    signed: false,
    values: GAUSSIAN,
    ...overrides.weights,
  };
  return makeSpec({
    name: 'simple',
    bias: new Array<number>(weights.outChannels).fill(0),
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    group: 1,
    accumulator: null,
    ...overrides,
    input: { range: datatypeRange(input.bits, input.signed), ...input },
    weights: { zeroPoints: new Array<number>(weights.outChannels).fill(0), ...weights },
  });
}

/** Runs `action` and returns the error it throws; fails when it does not throw. */
export function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error, none was thrown');
}

/** Channels enough for several ciphertexts and blocks of rows at small degrees. */
export const manyChannels = simpleSpec({
  input: { channels: 6, height: 20, width: 20, bits: 4 },
  weights: {
    outChannels: 30,
    channelsPerGroup: 6,
    signed: true,
    bits: 4,
    values: Array.from({ length: 1620 }, (_, index) => ((index * 7) % 16) - 8),
  },
});
