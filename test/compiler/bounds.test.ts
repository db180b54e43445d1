import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import { refusalOf } from '../../compiler/lowerings/feasible.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import { datatypeBound, largestTaps } from '../../compiler/accumulator/datatypeBound.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { contains, datatypeRange, requiredWidth } from '../../compiler/base/interval.ts';
import { a2qBits, a2qDatatypeBits, normBound } from '../../compiler/accumulator/normBound.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec } from '../support/specs.ts';

describe('the datatype tier', () => {
  it.each([
    [7, 14n],
    [16, 7281n],
  ])('lets %i bits hold the published number of 2-bit x 2-bit taps', (bits, taps) => {
    expect(largestTaps({ bits, signed: false }, { lo: 0, hi: 9 }, 0)).toBe(taps);
  });

  it('lets signed 7 bits hold 10 taps of [-2, 1] x [0, 3]', () => {
    expect(largestTaps({ bits: 7, signed: true }, { lo: -6, hi: 3 }, 0)).toBe(10n);
  });

  it.each([
    [9, { bits: 8, signed: false }, 8, [-293760, 291465], 20],
    [288, { bits: 4, signed: false }, 4, [-34560, 30240], 17],
    [4608, { bits: 8, signed: true }, 8, [-74907648, 75497472], 28],
  ])('%i taps of %o x s%i', (taps, input, weightBits, [lo, hi], bits) => {
    const spec = simpleSpec({
      input: { ...input, channels: taps, range: datatypeRange(input.bits, input.signed) },
      weights: {
        channelsPerGroup: taps,
        kernelHeight: 1,
        kernelWidth: 1,
        bits: weightBits,
        signed: true,
        values: new Array<number>(taps).fill(1),
      },
      pads: [0, 0, 0, 0],
    });
    const { interval } = datatypeBound(spec);
    expect(interval).toEqual({ lo, hi });
    expect(requiredWidth(interval)).toEqual({ bits, signed: true });
  });

  it('counts the bias, and 0 when the bias alone does not fit', () => {
    expect(largestTaps({ bits: 7, signed: false }, { lo: 0, hi: 9 }, 10)).toBe(13n);
    expect(largestTaps({ bits: 7, signed: false }, { lo: 0, hi: 9 }, 128)).toBe(0n);
    expect(largestTaps({ bits: 7, signed: false }, { lo: 0, hi: 9 }, -1)).toBe(0n);
    expect(largestTaps({ bits: 7, signed: false }, { lo: 0, hi: 0 }, 3)).toBeNull();
    expect(largestTaps({ bits: 64, signed: false }, { lo: 0, hi: 1 }, 0)).toBe(2n ** 64n - 1n);
  });
});

describe('the L1 tier', () => {
  it("is A2Q's closed form, exactly", () => {
    for (const inputBits of [1, 2, 4, 8, 16]) {
      for (const norm of [1, 2, 3, 15, 16, 17, 1000, 28808]) {
        const beta = Math.log2(norm) + inputBits;
        const form = Math.ceil(beta + Math.log2(1 + 2 ** -beta) + 1 - 1e-12);
        expect(a2qBits(norm, inputBits, false)).toBe(form);
      }
    }
    expect([a2qDatatypeBits(12, 8, 16, true), a2qBits(958, 16, true)]).toEqual([27, 26]);
  });

  it('holds the exact interval, and the datatype tier holds any weights', () => {
    fc.assert(
      fc.property(arbitrarySpec(3), (spec) => {
        const exact = analyzeAccumulator(spec);
        const norm = normBound(spec);
        const datatype = datatypeBound(spec);
        exact.channels.forEach(({ interval }, channel) => {
          expect(contains(norm.channels[channel]!, interval)).toBe(true);
          expect(contains(datatype.channels[channel]!, interval)).toBe(true);
        });
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('the exact tier', () => {
  it('is sharp: all inputs of small convolutions give exactly [lo, hi] in every output channel', () => {
    let checked = 0;
    fc.assert(
      fc.property(
        arbitrarySpec(1).filter(({ input }) => {
          const values = input.range.hi - input.range.lo + 1;
          return input.batch === 1 && values ** (input.channels * input.height * input.width) <= 20_000;
        }),
        (spec) => {
          const { channels, height, width, range } = spec.input;
          const shape = [1, channels, height, width];
          const data = new Float64Array(channels * height * width).fill(range.lo);
          const seen = spec.bias.map(() => ({ lo: Infinity, hi: -Infinity }));
          for (let more = true; more;) {
            const result = convolve(spec, { shape, data }).data;
            const plane = result.length / seen.length;
            seen.forEach((ends, channel) => {
              for (const value of result.subarray(channel * plane, (channel + 1) * plane)) {
                ends.lo = Math.min(ends.lo, value);
                ends.hi = Math.max(ends.hi, value);
              }
            });
            // The next input, counting up in base hi - lo + 1.
            let digit = 0;
            while (digit < data.length && data[digit] === range.hi) data[digit++] = range.lo;
            more = digit < data.length;
            if (more) data[digit]!++;
          }
          expect(seen).toEqual(analyzeAccumulator(spec).channels.map(({ interval }) => interval));
          checked++;
        },
      ),
      { numRuns: runs(60) },
    );
    expect(checked).toBeGreaterThanOrEqual(60);
  });
});

describe('beyond BFV', () => {
  it.each([
    ['coefficients carry', 178, 178],
    ['slots carry', 182, 182],
    ['nothing carries', 182, 300],
  ])('%s a square kernel of %i on a picture of %i, by the rule as by compile', (verdict, size, picture) => {
    const spec = simpleSpec({
      input: { height: picture, width: picture },
      weights: { kernelHeight: size, kernelWidth: size, values: new Array<number>(size * size).fill(1) },
      pads: [0, 0, 0, 0],
    });
    const refused = refusalOf(spec) !== null;
    expect(refused).toBe(verdict === 'nothing carries');
    // A search in slots takes a minute here: that it is tried at all is what counts.
    if (verdict === 'slots carry') return;
    const compile = (): unknown => compileSpec(spec);
    if (refused) expect(compile).toThrow(CipherconvError);
    else expect(compile).not.toThrow();
  });
});
