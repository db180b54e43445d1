import { fc, runs, SEED } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import {
  addScaled,
  histogramDistribution,
  pointDistribution,
  uniformDistribution,
} from '../../compiler/accumulator/distribution.ts';
import { probabilityOutside, productOf, repeated, sumOf } from '../support/distributions.ts';
import { datatypeRange } from '../../compiler/base/interval.ts';
import { overflowProbability } from '../../compiler/accumulator/overflowProbability.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { simpleSpec } from '../support/simple.ts';
import { randomIntegers } from '../support/specs.ts';

/** Every input of independent uniform values, counted one by one: weights of few taps over [lo, hi]. */
function countOutside(weights: number[], lo: number, hi: number, limit: { lo: number; hi: number }): number {
  const values = hi - lo + 1;
  let outside = 0;
  for (let code = 0; code < values ** weights.length; code++) {
    let [rest, sum] = [code, 0];
    for (const weight of weights) {
      sum += weight * (lo + (rest % values));
      rest = Math.floor(rest / values);
    }
    if (sum < limit.lo || sum > limit.hi) outside++;
  }
  return outside / values ** weights.length;
}

const weights = fc.array(
  fc.integer({ min: -9, max: 9 }).filter((weight) => weight !== 0),
  { minLength: 1, maxLength: 5 },
);

describe('sums of independent integers', () => {
  it('are what counting gives', () => {
    fc.assert(
      fc.property(
        weights,
        fc.integer({ min: -3, max: 1 }),
        fc.integer({ min: 0, max: 4 }),
        (list, lo, more) => {
          const input = uniformDistribution({ lo, hi: lo + more });
          const sum = list.reduce((before, weight) => addScaled(before, weight, input), pointDistribution(0));
          const limit = { lo: -7, hi: 11 };
          expect(probabilityOutside(sum, limit)).toBeCloseTo(countOutside(list, lo, lo + more, limit), 12);
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it('are the same for a histogram that happens to be uniform, also when cut short', () => {
    fc.assert(
      fc.property(
        weights,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 40 }),
        (list, count, most) => {
          const uniform = uniformDistribution({ lo: -1, hi: count - 2 });
          const counted = histogramDistribution(-1, new Array<number>(count).fill(7));
          const sum = (input: typeof uniform, cut?: number): number[] => [
            ...list.reduce((before, weight) => addScaled(before, weight, input, cut), pointDistribution(0))
              .probabilities,
          ];
          const whole = sum(counted);
          sum(uniform).forEach((probability, index) => {
            expect(probability).toBeCloseTo(whole[index]!, 13);
          });
          expect(sum(uniform, most)).toEqual(sum(uniform).slice(0, most));
          expect(sum(counted, most)).toEqual(whole.slice(0, most));
        },
      ),
      { numRuns: runs(200) },
    );
  });

  it('keep far tails exact: all 40 of 40 fair coins, 2^-40', () => {
    const coin = uniformDistribution({ lo: 0, hi: 1 });
    expect(probabilityOutside(repeated(coin, 40), { lo: 0, hi: 39 })).toBe(2 ** -40);
    expect(sumOf(coin, coin)).toMatchObject({ lo: 0, probabilities: Float64Array.of(0.25, 0.5, 0.25) });
  });

  it('drop empty ends of a histogram', () => {
    const { lo, probabilities } = histogramDistribution(5, [0, 1, 0, 3, 0]);
    expect([lo, ...probabilities]).toEqual([6, 0.25, 0, 0.75]);
  });
});

describe('P(overflow)', () => {
  it('of 42 taps of 2 x 2 uniform bits in 7 bits agrees with 10^6 draws', () => {
    const uniform = uniformDistribution({ lo: 0, hi: 3 });
    const exact = probabilityOutside(repeated(productOf(uniform, uniform), 42), { lo: 0, hi: 127 });
    const random = randomIntegers(SEED);
    const draws = 1_000_000;
    let outside = 0;
    for (let draw = 0; draw < draws; draw++) {
      let sum = 0;
      for (let tap = 0; tap < 42; tap++) sum += random(0, 3) * random(0, 3);
      if (sum > 127) outside++;
    }
    // Five standard deviations: one run in two million fails by chance.
    const margin = 5 * Math.sqrt((exact * (1 - exact)) / draws);
    expect(Math.abs(outside / draws - exact), `seed ${SEED}`).toBeLessThan(margin);
    expect(exact).toBeCloseTo(0.0334, 3);
  });

  it('of a convolution is what counting all inputs of a window gives, borders, groups and zero points too', () => {
    const random = randomIntegers(5);
    for (let round = 0; round < 40; round++) {
      const values = Array.from({ length: 8 }, () => random(-4, 3));
      const spec = simpleSpec({
        input: { channels: 2, height: 1, width: 4, zeroPoint: random(0, 3) },
        weights: {
          outChannels: 2,
          channelsPerGroup: 1,
          kernelHeight: 1,
          kernelWidth: 4,
          bits: 3,
          signed: true,
          values,
        },
        bias: [random(-5, 5), random(-5, 5)],
        pads: [0, 0, 0, 0],
        group: 2,
        accumulator: { bits: 5, signed: true },
      });
      const limit = datatypeRange(5, true);
      const uniform = uniformDistribution(spec.input.range);
      const analysis = analyzeAccumulator(spec);
      const inputs = [uniform, uniform];
      const found = overflowProbability({ spec, analysis, limit, inputs, budget: 1e6 });
      for (const channel of [0, 1]) {
        let outside = 0;
        for (let code = 0; code < 256; code++) {
          const digits = [code & 3, (code >> 2) & 3, (code >> 4) & 3, code >> 6];
          const value = convolve(spec, {
            shape: [1, 2, 1, 4],
            data: Float64Array.from([...digits, ...digits]),
          });
          const sum = value.data[channel]!;
          if (sum < limit.lo || sum > limit.hi) outside++;
        }
        expect(found.channels[channel]).toBeCloseTo(outside / 256, 12);
      }
    }
  });

  it('is null where the budget does not reach, and 0 where the proof says so', () => {
    const spec = simpleSpec({ accumulator: { bits: 5, signed: false } });
    const analysis = analyzeAccumulator(spec);
    const inputs = [uniformDistribution(spec.input.range)];
    const find = (bits: number, budget: number): number | null =>
      overflowProbability({ spec, analysis, limit: datatypeRange(bits, false), inputs, budget }).largest;
    expect(find(5, 10)).toBeNull();
    expect(find(5, 1e6)).toBeGreaterThan(0.01);
    expect(find(6, 0)).toBe(0);
  });
});
