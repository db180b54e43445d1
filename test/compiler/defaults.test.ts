import { describe, expect, it } from 'vitest';
import { makeSpec, makeSpecWithDefaults, parseFilterConfig } from '../../src/index.ts';
import { errorOf } from '../support/simple.ts';

describe('a spec with defaults', () => {
  it('is the spec of the shortest config', () => {
    const values = Array.from({ length: 36 }, (_, index) => index % 4);
    const spec = makeSpecWithDefaults({
      input: { channels: 2, height: 9, width: 8, bits: 4 },
      weights: { outChannels: 2, kernelHeight: 3, kernelWidth: 3, bits: 2, values },
    });
    const config = {
      version: 1,
      name: 'conv',
      input: { shape: [1, 2, 9, 8], bits: 4 },
      weights: { shape: [2, 2, 3, 3], bits: 2, values },
    };
    expect(spec).toEqual(parseFilterConfig(JSON.stringify(config)).spec);
    expect(spec.input.range).toEqual({ lo: 0, hi: 15 });
  });

  it('keeps whatever is given', () => {
    const full = makeSpec({
      name: 'full',
      input: {
        batch: 2,
        channels: 4,
        height: 9,
        width: 8,
        bits: 4,
        signed: true,
        zeroPoint: -1,
        range: { lo: -3, hi: 5 },
      },
      weights: {
        outChannels: 2,
        channelsPerGroup: 2,
        kernelHeight: 1,
        kernelWidth: 2,
        bits: 3,
        signed: true,
        zeroPoints: [1, 0],
        values: [1, -2, 3, -4, 0, 1, 2, 3],
      },
      bias: [5, -6],
      strides: [2, 1],
      pads: [1, 0, 2, 1],
      dilations: [1, 2],
      group: 2,
      accumulator: { bits: 12, signed: true },
    });
    expect(makeSpecWithDefaults(full)).toEqual(full);
    expect(
      makeSpecWithDefaults({ ...full, input: { channels: 4, height: 9, width: 8, bits: 4, signed: true } })
        .input,
    ).toMatchObject({ batch: 1, zeroPoint: 0, range: { lo: -8, hi: 7 } });
    const { channelsPerGroup, ...weights } = full.weights;
    expect(makeSpecWithDefaults({ ...full, weights }).weights.channelsPerGroup).toBe(channelsPerGroup);
  });

  it('refuses what makeSpec refuses, group included', () => {
    const weights = { outChannels: 3, kernelHeight: 1, kernelWidth: 1, bits: 2, values: [1, 1, 1] };
    const input = { channels: 4, height: 2, width: 2, bits: 2 };
    expect(errorOf(() => makeSpecWithDefaults({ input, weights, group: 3 }))).toMatchObject({
      code: 'out-of-range',
    });
    expect(
      errorOf(() => makeSpecWithDefaults({ input, weights: { ...weights, outChannels: 2 ** 40 } })),
    ).toMatchObject({
      code: 'out-of-range',
      details: { where: 'weights.outChannels' },
    });
  });
});
