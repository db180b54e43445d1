/**
 * Fixed-point arithmetic of 32 and 64-bit integers, exact in doubles. `>>` below is the arithmetic shift, which rounds down.
 *
 * Products have up to 62 bits. One operand is split so that both partial products are exact, and the division by a power of
 * two is done in two steps, which is the same: floor(floor(x / a) / b) = floor(x / (a b)).
 */

/** A factor of m 2^(s-31). */
export interface Multiplier {
  /** 0, or 2^30 .. 2^31 - 1; smaller where MEAN has divided it. */
  readonly multiplier: number;
  /** Power of two: to the left above 0, to the right below. */
  readonly shift: number;
}

const POWERS = Float64Array.from({ length: 64 }, (_, exponent) => 2 ** exponent);

/**
 * The factor nearest to `real`; below 2^-32 it is 0.
 *
 *   real = q 2^s with 0.5 <= q < 1;  m = round(q 2^31), and (2^30, s + 1) where that is 2^31;  (0, 0) where s < -31
 *
 * @param real not negative, finite
 */
export function quantizedMultiplier(real: number): Multiplier {
  if (real === 0) return { multiplier: 0, shift: 0 };
  let shift = Math.floor(Math.log2(real)) + 1;
  // The logarithm may round across a power of two. Scaling is done in two steps: 2^-shift alone may overflow.
  let fraction = real / 2 ** Math.trunc(shift / 2) / 2 ** (shift - Math.trunc(shift / 2));
  if (fraction >= 1) [fraction, shift] = [fraction / 2, shift + 1];
  if (fraction < 0.5) [fraction, shift] = [fraction * 2, shift - 1];
  let multiplier = Math.round(fraction * 2 ** 31);
  if (multiplier === 2 ** 31) [multiplier, shift] = [2 ** 30, shift + 1];
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

/** (a b + 2^(shift-1)) >> shift, as an int32 that wraps; a and b are int32, 1 <= shift <= 62. */
function roundedProduct(a: number, b: number, shift: number): number {
  const high = (a >> 16) * b;
  const low = (a & 0xffff) * b;
  if (shift > 16)
    return Math.floor((high + POWERS[shift - 17]! + Math.floor(low / 65536)) / POWERS[shift - 16]!) | 0;
  return (((high * POWERS[16 - shift]!) | 0) + Math.floor((low + POWERS[shift - 1]!) / POWERS[shift]!)) | 0;
}

/** (a b + 2^30) >> 31: the high half of the doubled product. Only -2^31 times itself saturates. */
export function doublingHighProduct(a: number, b: number): number {
  return a === b && a === -(2 ** 31) ? 2 ** 31 - 1 : roundedProduct(a, b, 31);
}

/** x / 2^exponent, halves away from zero; x is an int32. Beyond 31, where the reference stops, that is 0. */
export function dividedByPower(x: number, exponent: number): number {
  if (exponent > 31) return 0;
  const mask = (POWERS[exponent]! - 1) | 0;
  const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/** Brings an integer to another scale: x m 2^(s-31), rounded. */
export type Scale = (x: number, multiplier: number, shift: number) => number;

/** Rounded twice: the product half up, then the shift half away from zero. x 2^s wraps; the reference leaves that open. */
export const scaledTwice: Scale = (x, multiplier, shift) =>
  shift > 0
    ? doublingHighProduct(x << shift, multiplier)
    : dividedByPower(doublingHighProduct(x, multiplier), -shift);

/** Rounded once, half up. */
export const scaledOnce: Scale = (x, multiplier, shift) => roundedProduct(x, multiplier, 31 - shift);

/**
 * The arithmetic of 64-bit accumulators: a multiplier of 15 bits, rounded once, half up.
 *
 *   M = (m + 2^15) >> 16, at most 2^15 - 1;  (x M + 2^(14-s)) >> (15-s)
 *
 * @param x below 2^53 in magnitude
 * @param shift -31 .. 7
 */
export const scaledWide: Scale = (x, multiplier, shift) => {
  const short = multiplier < 0x7fff0000 ? (multiplier + 0x8000) >> 16 : 0x7fff;
  const total = 15 - shift;
  const upper = Math.floor(x / 2 ** 24);
  const high = upper * short;
  const low = (x - upper * 2 ** 24) * short;
  if (total > 24)
    return Math.floor((high + POWERS[total - 25]! + Math.floor(low / 2 ** 24)) / POWERS[total - 24]!) | 0;
  return (((high * POWERS[24 - total]!) | 0) + Math.floor((low + POWERS[total - 1]!) / POWERS[total]!)) | 0;
};

/** The nearest whole number, halves away from zero. */
export function roundedAway(x: number): number {
  return x < 0 ? -Math.round(-x) : Math.round(x);
}
