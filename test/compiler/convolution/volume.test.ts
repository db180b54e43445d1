/** Convolutions over three axes as plane convolutions, against their definition. */
import { describe, expect, it } from 'vitest';
import { datatypeRange } from '../../../compiler/base/interval.ts';
import { volumeSpec } from '../../../compiler/convolution/volume.ts';
import type { VolumeConvolution } from '../../../compiler/convolution/volume.ts';
import { compileSpec } from '../../../compiler/lowerings/compile.ts';
import { buildProgram } from '../../../compiler/lowerings/program.ts';
import { simulate } from '../../../compiler/lowerings/simulate.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import { runEncrypted } from '../../support/execute.ts';
import { arbitraryVolume, volumeByDefinition } from '../../support/convolutions.ts';
import { errorOf } from '../../support/simple.ts';
import { fc, runs } from '../../support/properties.ts';
import { randomInput } from '../../support/specs.ts';

const VOLUME: VolumeConvolution = {
  name: 'volume',
  input: {
    batch: 1,
    channels: 1,
    depth: 3,
    height: 1,
    width: 1,
    bits: 4,
    signed: false,
    zeroPoint: 0,
    range: datatypeRange(4, false),
  },
  weights: {
    outChannels: 1,
    channelsPerGroup: 1,
    kernelDepth: 2,
    kernelHeight: 1,
    kernelWidth: 1,
    bits: 4,
    signed: true,
    zeroPoints: [0],
    values: [1, 5],
  },
  bias: [7],
  strides: [1, 1, 1],
  pads: [0, 0, 0, 1, 0, 0],
  dilations: [1, 1, 1],
  group: 1,
  accumulator: null,
};

describe('a convolution over three axes', () => {
  it('by hand: three slices, a kernel of two, one padded slice behind', () => {
    const spec = volumeSpec(VOLUME);
    const { data } = convolve(spec, { shape: [1, 3, 1, 1], data: Float64Array.of(1, 2, 3) });
    expect([...data]).toEqual([7 + 1 + 10, 7 + 2 + 15, 7 + 3]);
  });

  it('is its plane convolution: definition = loops = simulated', () => {
    fc.assert(
      fc.property(arbitraryVolume(), fc.nat(), (volume, seed) => {
        const spec = volumeSpec(volume);
        const input = randomInput(spec, seed);
        const expected = volumeByDefinition(volume, input.data);
        expect([...convolve(spec, input).data]).toEqual(expected);
        const plan = compileSpec(spec);
        expect([...simulate(plan, buildProgram(plan), input).data]).toEqual(expected);
      }),
      { numRuns: runs(40) },
    );
  });

  it('and under SEAL', async () => {
    for (const [index, volume] of fc.sample(arbitraryVolume(), runs(6)).entries()) {
      const spec = volumeSpec(volume);
      const input = randomInput(spec, index);
      const { outputs } = await runEncrypted(compileSpec(spec), [input]);
      expect([...outputs[0]!.data]).toEqual(volumeByDefinition(volume, input.data));
    }
  });

  it('costs no products for slices that a kernel does not reach', () => {
    const one = volumeSpec({ ...VOLUME, input: { ...VOLUME.input, depth: 24, height: 16, width: 16 } });
    const all = { ...one, weights: { ...one.weights, values: one.weights.values.map(() => 1) } };
    const [sparse, dense] = [compileSpec(one), compileSpec(all)].map(({ counts }) => counts.products);
    expect(sparse).toBeLessThan(dense!);
  });

  it('that does not fit, or is too deep, is refused', () => {
    const flat = { ...VOLUME, pads: [0, 0, 0, 0, 0, 0], input: { ...VOLUME.input, depth: 1 } } as const;
    expect(errorOf(() => volumeSpec(flat))).toMatchObject({ code: 'shape-mismatch' });
    const deep = { ...VOLUME, input: { ...VOLUME.input, depth: 2 ** 14 } };
    expect(errorOf(() => volumeSpec(deep))).toMatchObject({ code: 'unsupported' });
    const short = { ...VOLUME, weights: { ...VOLUME.weights, values: [1] } };
    expect(errorOf(() => volumeSpec(short))).toMatchObject({ code: 'shape-mismatch' });
  });
});
