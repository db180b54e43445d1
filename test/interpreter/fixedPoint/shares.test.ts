/**
 * SOFTMAX and LOGISTIC. No recorded case has LOGISTIC: of int8 it is compared with gemmlowp's definitions (fixedpoint.h) in BigInt, and
 * both with the real functions.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exponential, reciprocalOfOnePlus } from '../../../src/interpreter/fixedPoint/exponential.ts';
import { fc, runs } from '../../support/properties.ts';
import { evaluated, given, tensor } from './evaluated.ts';

const BITS = 31n;
const ONE = (1n << BITS) - 1n;

/** gemmlowp: SaturatingRoundingDoublingHighMul, with its nudge and a division that drops the fraction. */
function times(a: bigint, b: bigint): bigint {
  if (a === b && a === -(1n << 31n)) return ONE;
  const product = a * b;
  const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
  return (product + nudge) / (1n << 31n);
}
const saturate = (x: bigint): bigint => (x > ONE ? ONE : x < -ONE - 1n ? -ONE - 1n : x);
/** RoundingDivideByPOT. */
function halved(x: bigint, exponent: bigint): bigint {
  const mask = (1n << exponent) - 1n;
  const rest = x & mask;
  return (x >> exponent) + (rest > (mask >> 1n) + (x < 0n ? 1n : 0n) ? 1n : 0n);
}
/** A real number in Q0.31. */
const q31 = (x: number): bigint => BigInt(Math.round(x * 2 ** 31));

/** exp_on_negative_values<integerBits>. */
function exponentialInBigInt(a: bigint, integerBits: bigint): bigint {
  const fraction = BITS - integerBits;
  const quarter = 1n << (fraction - 2n);
  const last = (a & (quarter - 1n)) - quarter;
  const x = (last << integerBits) + (1n << 28n);
  const x2 = times(x, x);
  const series = halved(times(halved(times(x2, x2), 2n) + times(x2, x), q31(1 / 3)) + x2, 1n);
  const constant = q31(Math.exp(-1 / 8));
  let result = constant + times(constant, x + series);
  const above = last - a;
  for (let exponent = -2n; exponent < integerBits; exponent++)
    if ((above >> (fraction + exponent)) & 1n)
      result = times(result, q31(Math.exp(-(2 ** Number(exponent)))));
  return a === 0n ? ONE : result;
}

/** one_over_one_plus_x_for_x_in_0_1. */
function reciprocalInBigInt(v: bigint): bigint {
  const denominator = (v + ONE + 1n) / 2n;
  const q2 = (x: number): bigint => BigInt(Math.round(x * 2 ** 29));
  let x = q2(48 / 17) + times(denominator, q2(-32 / 17));
  for (let step = 0; step < 3; step++) x += saturate(times(x, (1n << 29n) - times(denominator, x)) << 2n);
  return saturate(x << 1n);
}

describe('the exponential and the reciprocal', () => {
  it.each([4, 5])('e^a of %d bits before the point, as gemmlowp has it', (integerBits) => {
    const least = -(2 ** 31) + 1;
    const a = fc.oneof(fc.integer({ min: least, max: 0 }), fc.integer({ min: -(2 ** 25), max: 0 }));
    fc.assert(
      fc.property(a, (value) => {
        const made = exponential(value, integerBits);
        expect(BigInt(made)).toBe(exponentialInBigInt(BigInt(value), BigInt(integerBits)));
        const real = Math.exp(value / 2 ** (31 - integerBits));
        expect(Math.abs(made / 2 ** 31 - real)).toBeLessThan(2 ** -19);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('1 / (1 + v)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (v) => {
        const made = reciprocalOfOnePlus(v);
        expect(BigInt(made)).toBe(reciprocalInBigInt(BigInt(v)));
        expect(Math.abs(made / 2 ** 31 - 1 / (1 + v / 2 ** 31))).toBeLessThan(2 ** -26);
      }),
      { numRuns: runs(1000) },
    );
  });
});

const ALL = Array.from({ length: 256 }, (_, index) => index - 128);

describe('LOGISTIC', () => {
  const logistic = (scale: number, zeroPoint: number) =>
    evaluated(
      { op: 'LOGISTIC' },
      [given(tensor('int8', [256], [scale], [zeroPoint]), ALL)],
      tensor('int8', [256], [2 ** -8], [-128]),
    );

  it('is within a step of the real function, for every input', async () => {
    for (const [scale, zeroPoint] of [
      [0.05, 0],
      [0.3, -128],
      [0.001, 17],
      [1, 0],
      [7.5, 127],
      [2 ** -20, 5],
    ] as const) {
      const made = await logistic(scale, zeroPoint);
      ALL.forEach((q, index) => {
        const real = 256 / (1 + Math.exp(-(q - zeroPoint) * Math.fround(scale)));
        expect(Math.abs(made[index]! + 128 - Math.min(real, 255))).toBeLessThan(0.51);
      });
    }
  });

  it('is a half at 0, and ends beyond 15', async () => {
    const made = await logistic(0.25, 0);
    expect(made[128]).toBe(0);
    expect([made[0], made[68], made[188], made[255]]).toEqual([-128, -128, 127, 127]);
  });
});

describe('LOGISTIC of int16', () => {
  const wide = Array.from({ length: 65536 }, (_, index) => index - 32768);
  const logistic = (scale: number) =>
    evaluated(
      { op: 'LOGISTIC' },
      [given(tensor('int16', [65536], [scale]), wide)],
      tensor('int16', [65536], [2 ** -15]),
    );

  it.each([
    [2 ** -12, 1073725451, '5e888504031254f7'],
    [2 ** -11, 1073725441, '692082fc1bbefbaf'],
    [0.0003, 1073725443, '83135440ef0fc767'],
    [0.001, 1073725442, '635d90b00be09870'],
    [1e-5, 1073739164, 'c19fa39c3078afe5'],
    [2.6, 1073725441, '3d1ae5ab5a6b61cf'],
    [1e-9, 1073741824, '8df2b5f8c010e9eb'],
  ])(
    'of scale %d: every input, as a program of another language made it from the published table',
    async (scale, sum, digest) => {
      const made = await logistic(scale);
      expect(made.reduce((total, value) => total + value, 0)).toBe(sum);
      const bytes = new Uint8Array(Int16Array.from(made).buffer);
      expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16)).toBe(digest);
    },
  );

  it('is near the real function', async () => {
    const made = await logistic(0.0004);
    const errors = wide.map((q, index) =>
      Math.abs(made[index]! - 32768 / (1 + Math.exp(-q * Math.fround(0.0004)))),
    );
    expect(errors.reduce((most, error) => Math.max(most, error))).toBeLessThan(2.5);
  });
});

describe('SOFTMAX', () => {
  const softmax = (values: readonly number[], scale: number, output: 'int8' | 'int16' = 'int8', beta = 1) =>
    evaluated(
      { op: 'SOFTMAX', beta },
      [given(tensor('int8', [1, values.length], [scale], [3]), values)],
      output === 'int8'
        ? tensor('int8', [1, values.length], [2 ** -8], [-128])
        : tensor('int16', [1, values.length], [2 ** -16], [-32768]),
    );

  it('is within a step of the real function, to 8 and 16 bits', async () => {
    const row = fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(row, fc.double({ min: 0.002, max: 2, noNaN: true }), async (values, scale) => {
        const [narrow, wide] = [await softmax(values, scale), await softmax(values, scale, 'int16')];
        const shares = values.map((value) => Math.exp((value - Math.max(...values)) * Math.fround(scale)));
        const total = shares.reduce((sum, share) => sum + share, 0);
        shares.forEach((share, index) => {
          expect(Math.abs(narrow[index]! + 128 - Math.min((share / total) * 256, 255))).toBeLessThan(0.51);
          expect(Math.abs(wide[index]! + 32768 - Math.min((share / total) * 65536, 65535))).toBeLessThan(3);
        });
      }),
      { numRuns: runs(50) },
    );
  });

  it('of 512 equal values and more is the least value, where the reference stops the program', async () => {
    const equal = (count: number) =>
      softmax(
        Array.from({ length: count }, () => 0),
        0.1,
      );
    // 1/511 is 0.501 steps of 1/256, and 1/512 half of one.
    expect(new Set(await equal(511))).toEqual(new Set([-127]));
    expect(new Set(await equal(512))).toEqual(new Set([-128]));
    expect(new Set(await equal(5000))).toEqual(new Set([-128]));
  });

  it('a larger beta is a larger scale', async () => {
    expect(await softmax([1, 2, 3, 9], 0.25, 'int8', 2)).toEqual(await softmax([1, 2, 3, 9], 0.5));
  });
});
