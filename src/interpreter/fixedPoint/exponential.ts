import { dividedByPower, doublingHighProduct } from './numbers.ts';

/**
 * Exponential and reciprocal in fixed point, by polynomials: of gemmlowp (fixedpoint.h), which the reference computes SOFTMAX
 * and LOGISTIC with. Qa.b: a bits before the point, b behind it, and a sign. p . q below is (p q + 2^30) >> 31.
 */

/** 1, nearly: the largest Q0.31. */
const ONE = 2 ** 31 - 1;
/** e^(-1/8), 1/3 in Q0.31. */
const EXP_EIGHTH = 1895147668;
const THIRD = 715827883;
/** e^(-1/4), e^(-1/2), ... e^(-16) in Q0.31: one for each bit above a quarter. */
const EXP_POWERS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242] as const;
/** 48/17 and -32/17 in Q2.29: the straight line that Newton's steps begin from. */
const LINE_START = 1515870810;
const LINE_SLOPE = -1010580540;

const saturated = (value: number): number => Math.max(-(2 ** 31), Math.min(ONE, value));

/**
 * e^a in Q0.31, for a <= 0 of `integerBits` before the point (at most 5): a polynomial of the last quarter, times a power of e
 * for each bit above.
 */
export function exponential(a: number, integerBits: number): number {
  if (a === 0) return ONE;
  const quarter = 2 ** (29 - integerBits);
  const last = (a & (quarter - 1)) - quarter;
  let result = lastQuarter(last * 2 ** integerBits);
  const above = last - a;
  for (let bit = 0; bit < integerBits + 2; bit++)
    if (above & (quarter << bit)) result = doublingHighProduct(result, EXP_POWERS[bit]!);
  return result;
}

/** e^a of -1/4 <= a < 0, both in Q0.31: the series around -1/8 to the fourth power. */
function lastQuarter(a: number): number {
  const x = a + 2 ** 28;
  const x2 = doublingHighProduct(x, x);
  const x3 = doublingHighProduct(x2, x);
  const x4 = doublingHighProduct(x2, x2);
  const tail = doublingHighProduct(dividedByPower(x4, 2) + x3, THIRD) + x2;
  return EXP_EIGHTH + doublingHighProduct(EXP_EIGHTH, x + dividedByPower(tail, 1));
}

/** 1 / (1 + v) in Q0.31, for v from 0 to 1 in Q0.31: three steps of Newton's method in Q2.29. */
export function reciprocalOfOnePlus(v: number): number {
  const denominator = Math.floor((v + 2 ** 31) / 2);
  let x = LINE_START + doublingHighProduct(denominator, LINE_SLOPE);
  for (let step = 0; step < 3; step++) {
    const rest = 2 ** 29 - doublingHighProduct(denominator, x);
    x += saturated(doublingHighProduct(x, rest) * 4);
  }
  return saturated(x * 2);
}
