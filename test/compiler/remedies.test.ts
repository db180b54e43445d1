import { fc, runs } from '../support/properties.ts';
import { expect, it } from 'vitest';
import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import { contains, datatypeRange, requiredWidth } from '../../compiler/base/interval.ts';
import { channelSpec, remediesFor } from '../../compiler/accumulator/remedies.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { makeSpec } from '../../compiler/convolution/spec.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec } from '../support/specs.ts';

const channelsOf = (spec: ConvSpec) => analyzeAccumulator(spec).channels.map(({ interval }) => interval);

it('finds every remedy of fifteen threes', () => {
  const values = new Array<number>(15).fill(3);
  const spec = simpleSpec({ weights: { kernelHeight: 3, kernelWidth: 5, values }, pads: [1, 2, 1, 2] });
  expect(remediesFor(spec, channelsOf(spec), { bits: 7, signed: false })).toEqual({
    taps: 14,
    weightBits: 1,
    inputBits: 1,
    norm: { channel: 0, now: 45, largest: 44 },
    split: null,
  });
});

it('splits channels into the fewest parts that fit', () => {
  const weights = { channelsPerGroup: 6, kernelHeight: 1, kernelWidth: 1, values: [3, 3, 3, 3, 3, 3] };
  const spec = simpleSpec({ input: { channels: 6 }, weights, pads: [0, 0, 0, 0] });
  const split = (bits: number): number | null =>
    remediesFor(spec, channelsOf(spec), { bits, signed: false }).split;
  expect([split(5), split(4), split(3)]).toEqual([2, 6, null]);
});

it('computes one channel alone as the whole does', () => {
  fc.assert(
    fc.property(arbitrarySpec(2), (spec) => {
      const whole = channelsOf(spec);
      whole.forEach((interval, channel) => {
        expect(analyzeAccumulator(channelSpec(spec, channel)).interval).toEqual(interval);
      });
    }),
    { numRuns: runs(150) },
  );
});

it('is enough: each remedy, applied to every channel, fits', () => {
  let tried = 0;
  fc.assert(
    fc.property(arbitrarySpec(2), fc.integer({ min: 1, max: 4 }), (drawn, less) => {
      const spec = makeSpec({ ...drawn, bias: drawn.bias.map(() => 0) });
      const needed = requiredWidth(analyzeAccumulator(spec).interval);
      const declared = { bits: Math.max(1, needed.bits - less), signed: needed.signed };
      const limit = datatypeRange(declared.bits, declared.signed);
      if (contains(limit, analyzeAccumulator(spec).interval)) return;
      const found = remediesFor(spec, channelsOf(spec), declared);
      const fits = (changed: ConvSpec): boolean => contains(limit, analyzeAccumulator(changed).interval);
      spec.bias.forEach((_, channel) => {
        const one = channelSpec(spec, channel);
        const values = one.weights.values;
        const drop = (by: number) => values.map((weight) => Math.trunc(weight / 2 ** by));
        if (found.weightBits !== null) {
          tried++;
          const dropped = drop(spec.weights.bits - found.weightBits);
          expect(fits({ ...one, weights: { ...one.weights, values: dropped } })).toBe(true);
        }
        if (found.norm?.channel === channel) {
          tried++;
          const { largest, now } = found.norm;
          const scaled = (norm: number): ConvSpec => ({
            ...one,
            weights: { ...one.weights, values: values.map((weight) => Math.trunc((weight * norm) / now)) },
          });
          expect([fits(scaled(largest)), fits(scaled(largest + 1))]).toEqual([true, false]);
        }
      });
      const { taps } = found;
      const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
      if (taps !== null) expect(taps).toBeLessThan(channelsPerGroup * kernelHeight * kernelWidth);
    }),
    { numRuns: runs(300) },
  );
  expect(tried).toBeGreaterThan(50);
});
