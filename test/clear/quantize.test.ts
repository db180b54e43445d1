import { fc, runs } from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { datatypeRange } from '../../compiler/base/interval.ts';
import { quantize } from '../../src/frontend/quantize.ts';
import { simpleSpec } from '../support/simple.ts';

const flat = (...data: number[]): { shape: number[]; data: number[] } => ({ shape: [data.length], data });
const symmetric4 = { bits: 4, signed: true, mode: 'symmetric', axis: 'tensor' } as const;
const affine8 = { bits: 8, signed: false, mode: 'affine', axis: 'tensor' } as const;
const outOfRange = expect.objectContaining({ code: 'out-of-range' }) as Error;

describe('quantize, symmetric', () => {
  it('maps the largest magnitude to the largest integer, ties to even', () => {
    const result = quantize(flat(-7, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 7), symmetric4);
    expect(result.values).toEqual([-7, 0, 2, 2, 0, -2, -2, 7]);
    expect([result.scales, result.zeroPoints]).toEqual([[1], [0]]);
  });

  it('saturates what a given range leaves out, and stays symmetric', () => {
    const options = { ...symmetric4, range: [-3.5, 3.5] } as const;
    expect(quantize(flat(-100, -3.5, 0.25, 0.75, 3.5, 100), options).values).toEqual([-7, -7, 0, 2, 7, 7]);
  });

  it('saturates negative floats to 0 where the type is unsigned', () => {
    const result = quantize(flat(-4, 0, 7.5, 15), { ...symmetric4, signed: false });
    expect(result.values).toEqual([0, 0, 8, 15]);
    expect(result.scales).toEqual([1]);
  });

  it('gives an all-zero filter scale 1, zeros and zero point 0', () => {
    for (const mode of ['symmetric', 'affine'] as const) {
      const result = quantize(flat(0, -0, 0), { ...symmetric4, mode });
      expect(result).toMatchObject({ values: [0, 0, 0], scales: [1], zeroPoints: [0] });
    }
    expect(quantize(flat(Number.MIN_VALUE), symmetric4)).toMatchObject({ values: [0], scales: [1] });
  });

  it('scales each output channel on its own: OIHW and HWIO', () => {
    // Output 0: 1, 2; output 1: 70, -10; output 2: all zero.
    const expected = { values: [4, 7, 7, -1, 0, 0], scales: [2 / 7, 10, 1], zeroPoints: [0, 0, 0] };
    const oihw = { shape: [3, 1, 1, 2], data: [1, 2, 70, -10, 0, 0] };
    expect(quantize(oihw, { ...symmetric4, axis: 0 })).toMatchObject(expected);
    const hwio = { shape: [1, 2, 1, 3], data: [1, 70, 0, 2, -10, 0] };
    const result = quantize(hwio, { ...symmetric4, axis: 3 });
    expect(result).toMatchObject({ ...expected, values: [4, 7, 0, 7, -1, 0] });
    // One scale for all: the small channel is lost.
    expect(quantize(oihw, symmetric4).values).toEqual([0, 0, 7, -1, 0, 0]);
  });
});

describe('quantize, affine', () => {
  it('spreads the range over all integers and keeps 0 exact', () => {
    const result = quantize(flat(-1, 0, 1.55, 1), { ...affine8, range: [-1, 1.55] });
    expect(result.zeroPoints).toEqual([100]);
    expect(result.values).toEqual([0, 100, 255, 200]);
    expect(result.scales[0]).toBeCloseTo(0.01, 12);
  });

  it('rounds the zero point half to even, as it rounds the values', () => {
    // 3 bits: scale 1, zero point 2.5 -> 2, then 3.5 -> 4.
    const bits3 = { bits: 3, signed: false, mode: 'affine', axis: 'tensor' } as const;
    expect(quantize(flat(-2.5, 4.5), bits3)).toMatchObject({ scales: [1], zeroPoints: [2], values: [0, 6] });
    expect(quantize(flat(-3.5, 3.5), bits3)).toMatchObject({ scales: [1], zeroPoints: [4], values: [0, 7] });
  });

  it('widens a range that does not contain 0', () => {
    expect(quantize(flat(255, 100), affine8)).toMatchObject({
      scales: [1],
      zeroPoints: [0],
      values: [255, 100],
    });
    const signed = quantize(flat(-255, -100), { ...affine8, signed: true });
    expect(signed).toMatchObject({ scales: [1], zeroPoints: [127], values: [-128, 27] });
  });
});

describe('quantize', () => {
  it('stays within half a scale of every float, in range, with 0 exact', () => {
    // Scales of subnormal floats are themselves rounded coarsely, so those are left out.
    const normalDouble = fc
      .double({ min: -1e6, max: 1e6, noNaN: true })
      .map((value) => (Math.abs(value) < 1e-290 ? 0 : value));
    const property = fc.property(
      fc.array(normalDouble, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 2, max: 16 }),
      fc.boolean(),
      fc.constantFrom('symmetric', 'affine'),
      (data, bits, signed, mode) => {
        fc.pre(mode === 'affine' || signed);
        const { values, scales, zeroPoints } = quantize(flat(...data), {
          bits,
          signed,
          mode,
          axis: 'tensor',
        });
        const { lo, hi } = datatypeRange(bits, signed);
        const [scale = 0] = scales;
        const [zeroPoint = 0] = zeroPoints;
        expect(zeroPoint >= lo && zeroPoint <= hi).toBe(true);
        values.forEach((value, index) => {
          expect(Number.isInteger(value) && value >= lo && value <= hi).toBe(true);
          // The affine zero point is rounded too: up to half a step more at the ends.
          const steps = (mode === 'affine' ? 1 : 0.5) + 1e-9;
          expect(Math.abs(scale * (value - zeroPoint) - data[index]!)).toBeLessThanOrEqual(steps * scale);
        });
      },
    );
    fc.assert(property, { numRuns: runs(500) });
  });

  it('gives weights that a spec takes as they are', () => {
    const data = Array.from({ length: 4 * 3 * 5 * 5 }, (_, index) => Math.sin(index));
    const { values, zeroPoints } = quantize({ shape: [4, 3, 5, 5], data }, { ...affine8, axis: 0 });
    const spec = simpleSpec({
      input: { channels: 3 },
      weights: {
        outChannels: 4,
        channelsPerGroup: 3,
        kernelHeight: 5,
        kernelWidth: 5,
        bits: 8,
        values,
        zeroPoints,
      },
    });
    expect(spec.weights.zeroPoints).toHaveLength(4);
  });

  it('refuses what cannot be quantized', () => {
    expect(() => quantize(flat(1, NaN), symmetric4)).toThrow(outOfRange);
    expect(() => quantize(flat(Infinity), symmetric4)).toThrow(outOfRange);
    expect(() => quantize(flat(-1e308, 1e308), affine8)).toThrow(outOfRange);
    expect(() => quantize(flat(1), { ...symmetric4, bits: 1 })).toThrow(outOfRange);
    expect(() => quantize(flat(1), { ...symmetric4, bits: 17 })).toThrow(outOfRange);
    expect(() => quantize(flat(1), { ...symmetric4, axis: 1 })).toThrow(outOfRange);
    expect(() => quantize(flat(1), { ...symmetric4, range: [1, -1] })).toThrow(outOfRange);
    expect(() => quantize({ shape: [2], data: [1] }, symmetric4)).toThrow(
      expect.objectContaining({ code: 'malformed-tensor' }),
    );
  });
});
