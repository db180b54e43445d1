/** The fixed-point primitives against the same formulas in BigInt, and against tables worked out by hand. */
import { describe, expect, it } from 'vitest';
import { meanMultiplier } from '../../../src/interpreter/fixedPoint/mean.ts';
import {
  dividedByPower,
  doublingHighProduct,
  quantizedMultiplier,
  roundedAway,
  scaledOnce,
  scaledTwice,
  scaledWide,
} from '../../../src/interpreter/fixedPoint/numbers.ts';
import { fc, runs } from '../../support/properties.ts';

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
/** Edges more often than a uniform draw would find them. */
const int32 = fc.oneof(
  fc.integer(INT32),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(
    INT32.min,
    INT32.min + 1,
    INT32.max,
    INT32.max - 1,
    0x7fff0000,
    0x7ffeffff,
    2 ** 30,
    -(2 ** 30),
  ),
);
const multiplier = fc.oneof(
  fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.constantFrom(0, 2 ** 30, 2 ** 31 - 1, 0x7fff0000, 0x7ffeffff, 0x7fff7fff),
);
const many = { numRuns: runs(3000) };

/** (x + 2^(e-1)) >> e. */
const halfUp = (x: bigint, e: bigint): bigint => (e === 0n ? x : (x + (1n << (e - 1n))) >> e);
/** The nearest multiple of 2^e, by comparing twice the rest with 2^e: halves away from zero. */
function awayFromZero(x: bigint, e: bigint): bigint {
  const size = x < 0n ? -x : x;
  const whole = size >> e;
  const rounded = 2n * (size - (whole << e)) >= 1n << e ? whole + 1n : whole;
  return x < 0n ? -rounded : rounded;
}
const wrapped = (x: bigint): bigint => BigInt.asIntN(32, x);
function highProduct(a: bigint, b: bigint): bigint {
  const product = halfUp(a * b, 31n);
  return product === 1n << 31n ? product - 1n : product;
}

describe('against BigInt', () => {
  it('the high half of a doubled product', () => {
    fc.assert(
      fc.property(int32, int32, (a, b) => {
        expect(BigInt(doublingHighProduct(a, b))).toBe(highProduct(BigInt(a), BigInt(b)));
      }),
      many,
    );
    expect(doublingHighProduct(INT32.min, INT32.min)).toBe(INT32.max);
  });

  it('division by a power of two', () => {
    fc.assert(
      fc.property(int32, fc.integer({ min: 0, max: 40 }), (x, e) => {
        // -2^31 / 2^32 is the one half beyond an exponent of 31; the reference ends at 31.
        const expected = e > 31 ? 0n : e === 0 ? BigInt(x) : awayFromZero(BigInt(x), BigInt(e));
        expect(BigInt(dividedByPower(x, e))).toBe(expected);
      }),
      many,
    );
  });

  it('rounded twice', () => {
    fc.assert(
      fc.property(int32, multiplier, fc.integer({ min: -31, max: 30 }), (x, m, s) => {
        const left = wrapped(BigInt(x) << BigInt(Math.max(s, 0)));
        const high = highProduct(left, BigInt(m));
        const expected = s < 0 ? awayFromZero(high, BigInt(-s)) : high;
        expect(BigInt(scaledTwice(x, m, s))).toBe(expected);
      }),
      many,
    );
  });

  it('rounded once', () => {
    fc.assert(
      fc.property(int32, multiplier, fc.integer({ min: -31, max: 30 }), (x, m, s) => {
        expect(BigInt(scaledOnce(x, m, s))).toBe(wrapped(halfUp(BigInt(x) * BigInt(m), BigInt(31 - s))));
      }),
      many,
    );
  });

  it('64-bit accumulators', () => {
    const wide = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -(2 ** 47), max: 2 ** 47 - 1 }), int32);
    fc.assert(
      fc.property(wide, multiplier, fc.integer({ min: -31, max: 7 }), (x, m, s) => {
        const short = m < 0x7fff0000 ? (BigInt(m) + 0x8000n) >> 16n : 0x7fffn;
        expect(BigInt(scaledWide(x, m, s))).toBe(wrapped(halfUp(BigInt(x) * short, BigInt(15 - s))));
      }),
      many,
    );
  });

  it('the nearest multiplier of 31 bits', () => {
    const real = fc.double({ min: 2 ** -300, max: 2 ** 300, noNaN: true });
    const near = fc
      .tuple(fc.integer({ min: -33, max: 30 }), fc.double({ min: 0.5, max: 1, noNaN: true }))
      .map(([exponent, fraction]) => fraction * 2 ** exponent);
    fc.assert(
      fc.property(fc.oneof(near, real), (value) => {
        const { multiplier: m, shift } = quantizedMultiplier(value);
        if (m === 0) {
          expect(shift).toBe(0);
          // The largest that is flushed rounds to less than 2^30 at a shift of -31.
          expect(value).toBeLessThan(2 ** -32);
          return;
        }
        expect(m).toBeGreaterThanOrEqual(2 ** 30);
        expect(m).toBeLessThan(2 ** 31);
        expect(Number.isInteger(m)).toBe(true);
        // Half a unit of the multiplier; both sides are exact.
        expect(Math.abs(m - value / 2 ** (shift - 31))).toBeLessThanOrEqual(0.5);
      }),
      many,
    );
  });

  it('the multiplier of a mean', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }),
        fc.integer({ min: -31, max: 30 }),
        fc.integer({ min: 1, max: 2 ** 20 }),
        (m, s, count) => {
          let bits = 0;
          while (2 ** (bits + 1) <= count) bits++;
          bits = Math.min(bits, 31 + s);
          const made = meanMultiplier({ multiplier: m, shift: s }, count);
          expect(BigInt(made.multiplier)).toBe((BigInt(m) * 2n ** BigInt(bits)) / BigInt(count));
          expect(made.shift).toBe(s - bits);
        },
      ),
    );
  });
});

describe('by hand', () => {
  const ODD = [-6, -5, -3, -2, -1, 1, 2, 3, 5, 6];

  it('ties of a quarter: twice rounded and once rounded', () => {
    const quarter = quantizedMultiplier(0.25);
    expect(quarter).toEqual({ multiplier: 2 ** 30, shift: -1 });
    const by = (scale: typeof scaledTwice) => ODD.map((x) => scale(x, quarter.multiplier, quarter.shift));
    expect(by(scaledTwice)).toEqual([-2, -1, -1, -1, 0, 1, 1, 1, 2, 2]);
    expect(by(scaledOnce)).toEqual([-1, -1, -1, 0, 0, 0, 1, 1, 1, 2]);
  });

  it('the largest and smallest multipliers', () => {
    expect(quantizedMultiplier(0)).toEqual({ multiplier: 0, shift: 0 });
    expect(quantizedMultiplier(1)).toEqual({ multiplier: 2 ** 30, shift: 1 });
    expect(quantizedMultiplier(1 - 2 ** -33)).toEqual({ multiplier: 2 ** 30, shift: 1 });
    expect(quantizedMultiplier(1 - 2 ** -31)).toEqual({ multiplier: 2 ** 31 - 1, shift: 0 });
    expect(quantizedMultiplier(2 ** -32)).toEqual({ multiplier: 2 ** 30, shift: -31 });
    expect(quantizedMultiplier(2 ** -32 - 2 ** -65)).toEqual({ multiplier: 2 ** 30, shift: -31 });
    expect(quantizedMultiplier(2 ** -32 - 2 ** -63)).toEqual({ multiplier: 0, shift: 0 });
    expect(quantizedMultiplier(2 ** -1000)).toEqual({ multiplier: 0, shift: 0 });
    expect(quantizedMultiplier(2 ** 1000)).toEqual({ multiplier: 2 ** 30, shift: 1001 });
  });

  it('halves away from zero, where Math.round goes up', () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map(roundedAway)).toEqual([-3, -2, -1, 1, 2, 3]);
    expect(roundedAway(0.49999999999999994)).toBe(0);
    expect(dividedByPower(-3, 1)).toBe(-2);
    expect(dividedByPower(3, 1)).toBe(2);
    expect(dividedByPower(INT32.min, 31)).toBe(-1);
    expect(dividedByPower(INT32.max, 31)).toBe(1);
  });
});
