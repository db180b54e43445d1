import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { analyzeAccumulator, witnessImage } from '../../compiler/accumulator/exact.ts';
import { filterMatrix } from '../../compiler/convolution/filterMatrix.ts';
import { requiredWidth } from '../../compiler/base/interval.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { simpleSpec } from '../support/simple.ts';
import { arbitrarySpec, randomInput } from '../support/specs.ts';

/** Smallest and largest accumulator of channel 0 over every possible input, by trying them all. */
function bruteForce(spec: ConvSpec): { lo: number; hi: number } {
  const { range, height, width, channels } = spec.input;
  const count = channels * height * width;
  const levels = range.hi - range.lo + 1;
  let [lo, hi] = [Infinity, -Infinity];
  for (let code = 0; code < levels ** count; code++) {
    const data = Float64Array.from(
      { length: count },
      (_, index) => range.lo + (Math.floor(code / levels ** index) % levels),
    );
    for (const value of convolve(spec, { shape: [1, channels, height, width], data }).data) {
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
  }
  return { lo, hi };
}

describe('exact accumulator analysis', () => {
  it('equals brute force over all inputs of small convolutions, borders included', () => {
    const small = { channels: 1, height: 2, width: 3, bits: 2 };
    const cases: ConvSpec[] = [
      simpleSpec({ input: small }),
      simpleSpec({ input: { ...small, zeroPoint: 2 }, bias: [-7] }),
      simpleSpec({
        input: { ...small, signed: true },
        weights: { values: [1, -2, 1, -2, 1, 0, -1, 1, -1], signed: true },
      }),
      simpleSpec({
        input: { ...small, range: { lo: 1, hi: 2 } },
        weights: { values: [1, -2, 1, -2, 1, 0, -1, 1, -1], signed: true },
      }),
      simpleSpec({
        input: { ...small, height: 3, width: 2 },
        strides: [2, 2],
        pads: [2, 0, 1, 1],
        weights: { zeroPoints: [1] },
      }),
    ];
    for (const spec of cases) expect(analyzeAccumulator(spec).interval).toEqual(bruteForce(spec));
  });

  it('is reached at both ends of every channel by the witness', () => {
    fc.assert(
      fc.property(arbitrarySpec(), (spec) => {
        const analysis = analyzeAccumulator(spec);
        const { batch, channels, height, width } = spec.input;
        const output = outputShape(spec);
        const plane = output.height * output.width;
        analysis.channels.forEach(({ interval }, channel) => {
          for (const end of ['low', 'high'] as const) {
            const image = witnessImage(spec, analysis, channel, end);
            const data = new Float64Array(batch * image.length);
            for (let index = 0; index < batch; index++) data.set(image, index * image.length);
            const values = convolve(spec, { shape: [batch, channels, height, width], data }).data.subarray(
              channel * plane,
              (channel + 1) * plane,
            );
            const [row, column] =
              end === 'low' ? analysis.channels[channel]!.lowCell : analysis.channels[channel]!.highCell;
            expect(values[row * output.width + column]).toBe(end === 'low' ? interval.lo : interval.hi);
          }
        });
      }),
      { numRuns: runs(200) },
    );
  });

  it('holds for random inputs', () => {
    fc.assert(
      fc.property(arbitrarySpec(), fc.nat(), (spec, seed) => {
        const { channels } = analyzeAccumulator(spec);
        const output = outputShape(spec);
        const plane = output.height * output.width;
        convolve(spec, randomInput(spec, seed)).data.forEach((value, index) => {
          const { lo, hi } = channels[Math.floor(index / plane) % output.channels]!.interval;
          expect(value).toBeGreaterThanOrEqual(lo);
          expect(value).toBeLessThanOrEqual(hi);
        });
      }),
      { numRuns: runs(200) },
    );
  });

  it('needs 7 bits for nine 2-bit taps of 3 and gives the widths of published layers', () => {
    const threes = simpleSpec({ weights: { values: new Array<number>(9).fill(3) } });
    expect(analyzeAccumulator(threes)).toMatchObject({ interval: { lo: 0, hi: 81 }, decodeWidth: 82 });
    expect(requiredWidth({ lo: 0, hi: 81 })).toEqual({ bits: 7, signed: false });
    expect(requiredWidth({ lo: -293760, hi: 291465 })).toEqual({ bits: 20, signed: true });
    expect(requiredWidth({ lo: -34560, hi: 30240 })).toEqual({ bits: 17, signed: true });
    expect(requiredWidth({ lo: -74907648, hi: 75497472 })).toEqual({ bits: 28, signed: true });
  });

  it('lets a bias move the window without widening it', () => {
    const plain = analyzeAccumulator(simpleSpec());
    const moved = analyzeAccumulator(simpleSpec({ bias: [2 ** 31] }));
    expect(moved.decodeWidth).toBe(plain.decodeWidth);
    expect(moved.interval.lo).toBe(plain.interval.lo + 2 ** 31);
  });
});

describe('flattened filter matrix', () => {
  it('gives the convolution as y = x B', () => {
    fc.assert(
      fc.property(arbitrarySpec(), fc.nat(), (spec, seed) => {
        const input = randomInput(spec, seed);
        const perImage = spec.input.channels * spec.input.height * spec.input.width;
        const output = outputShape(spec);
        const columns = filterMatrix(spec);
        const expected = convolve(spec, input).data;
        const plane = output.height * output.width;
        expected.forEach((value, index) => {
          const image = Math.floor(index / columns.length);
          const { rows, values } = columns[index % columns.length]!;
          const sum = rows.reduce(
            (total, row, entry) =>
              total + (input.data[image * perImage + row]! - spec.input.zeroPoint) * values[entry]!,
            spec.bias[Math.floor((index % columns.length) / plane)]!,
          );
          expect(sum).toBe(value);
        });
      }),
      { numRuns: runs(100) },
    );
  });
});
