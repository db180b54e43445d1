import { typeRange } from '../values.ts';
import { eachValue, endsOf } from './activations.ts';
import { requireTypes, SAME_INTEGERS, sameShape, unsupported } from './call.ts';
import type { Call } from './call.ts';
import { exponential, reciprocalOfOnePlus } from './exponential.ts';
import { dividedByPower, quantizedMultiplier } from './numbers.ts';
import { operator } from './operator.ts';
import type { Compute } from './operator.ts';
import { SCALES } from './requantize.ts';

/** LOGISTIC: 1 / (1 + e^-x). 8 bits are computed by polynomials, 16 bits from a table. */

const LOGISTIC_BITS = 4;

/** Of int8: the input in Q4.27 (beyond 15 in magnitude -128 or 127), the function in Q0.31, then brought to 8 bits. */
function narrow(call: Call): Compute {
  const { from, to } = endsOf(call);
  if (to.zeroPoint !== -128 || to.scale !== 2 ** -8)
    throw unsupported(
      call,
      'to this scale and zero point',
      '2^-8 and -128',
      `${to.scale} and ${to.zeroPoint}`,
    );
  const { multiplier, shift } = quantizedMultiplier(from.scale * 2 ** 27);
  if (shift < 0 || shift > 30)
    throw unsupported(call, 'of this scale', 'between 2^-28 and 8', String(from.scale));
  const radius = Math.floor((15 * 2 ** 27) / 2 ** shift);
  const scale = SCALES[call.rounding];
  return eachValue(call, { lo: -128, hi: 127 }, (q) => {
    const x = q - from.zeroPoint;
    if (x <= -radius) return -128;
    if (x >= radius) return 127;
    return dividedByPower(logisticOf(scale(x, multiplier, shift)), 23) - 128;
  });
}

/** In Q0.31, of Q4.27. */
function logisticOf(x: number): number {
  if (x === 0) return 2 ** 30;
  const positive = reciprocalOfOnePlus(exponential(-Math.abs(x), LOGISTIC_BITS));
  return x > 0 ? positive : 2 ** 31 - 1 - positive;
}

/**
 * Where the reference's table stands one above the nearest number: its authors fitted it to the lines between its points,
 * which lie below the function.
 */
const RAISED = new Set([
  4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45,
  46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
]);

/** 1 / (1 + e^(-i/24)) in Q0.16, up to 10.6: no entry is nearer than 2^-10 to a half. */
const TABLE = Uint16Array.from(
  { length: 256 },
  (_, index) => Math.round(65536 / (1 + Math.exp(-index / 24))) + (RAISED.has(index) ? 1 : 0),
);

/** Steps of the input between two entries of the table. */
const STEP = 512;

/** A factor of m 2^-s to steps of 1/12288; a power of two needs no multiplier. */
function factorOf(call: Call, inputScale: number): { readonly multiplier: number; readonly shift: number } {
  if (isPowerOfTwo(inputScale, -12)) return { multiplier: 3, shift: 0 };
  let [factor, shift] = [inputScale * 3 * 2 ** 12, 0];
  while (factor <= 32767 / 2 && shift <= 30) [factor, shift] = [factor * 2, shift + 1];
  if (factor < 32768) return { multiplier: Math.trunc(factor), shift };
  throw unsupported(call, 'of int16 of this scale', 'below 8 / 3', String(inputScale));
}

/** As the reference asks: within a thousandth of a binary order. */
function isPowerOfTwo(scale: number, exponent: number): boolean {
  return Math.abs(Math.log2(scale) - exponent) < 1e-3;
}

/** Of int16: a straight line between two entries of the table; what lies below 0 is 1 less what lies above. */
function wide(call: Call): Compute {
  const { from, to } = endsOf(call);
  if (!isPowerOfTwo(to.scale, -15)) throw unsupported(call, 'to this scale', '2^-15', String(to.scale));
  const { multiplier, shift } = factorOf(call, from.scale);
  const half = shift > 0 ? 2 ** (shift - 1) : 0;
  return eachValue(call, typeRange('int16'), (q) => {
    // Below 2^31: both factors have 15 bits, and half is 2^30 at most.
    const x = (q * multiplier + half) >> shift;
    const share = between(Math.abs(x));
    return (x >= 0 ? share + 512 : 2 ** 25 - share + 511) >> 10;
  });
}

/** In Q0.25. */
function between(x: number): number {
  const index = x >> 9;
  if (index >= 255) return 0x7fff << 10;
  return TABLE[index]! * STEP + (x % STEP) * (TABLE[index + 1]! - TABLE[index]!);
}

export const LOGISTIC = operator('LOGISTIC', {
  arity: [1, 1],
  shape: sameShape,
  prepare: (call) => {
    requireTypes(call, SAME_INTEGERS);
    return call.output.type === 'int16' ? wide(call) : narrow(call);
  },
});
