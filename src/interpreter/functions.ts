import { roundHalfEven } from '../../runtime/clear/requantize.ts';

/**
 * Functions of one value. What +, -, *, / and square roots make of float32 operands is rounded once by the array that takes
 * it. exp, log, tanh and their like are computed in doubles and rounded once: the float32 nearest to the true value but for
 * cases that lie within a double's error of a tie.
 */

export type Unary = (value: number) => number;

export const sigmoid: Unary = (x) => 1 / (1 + Math.exp(-x));

/** ln(1 + e^x), which does not overflow. */
const softplus: Unary = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** max(0, min(1, alpha x + beta)), rounded after the product and after the sum. */
export function hardSigmoid(alpha: number, beta: number): Unary {
  return (x) => Math.max(0, Math.min(1, Math.fround(Math.fround(alpha * x) + beta)));
}

const hardSixth = hardSigmoid(Math.fround(1 / 6), 0.5);
/** x times hardSigmoid(x) with alpha 1/6 and beta 1/2. */
const hardSwish: Unary = (x) => x * hardSixth(x);

/** Abramowitz and Stegun 7.1.26 would do for seven digits; this is the series and continued fraction to a double. */
export const erf: Unary = (x) => {
  const magnitude = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (magnitude > 6) return Math.sign(x);
  return Math.sign(x) * (magnitude < 2.5 ? erfSeries(magnitude) : 1 - erfcFraction(magnitude));
};

/** 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)): all terms positive, so nothing cancels. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 2 ** -54; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** e^(-x^2)/sqrt(pi) * 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), from the inside out. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 60; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

/** Those without parameters. */
export const FUNCTIONS: Readonly<Record<string, Unary>> = {
  Abs: Math.abs,
  Acos: Math.acos,
  Acosh: Math.acosh,
  Asin: Math.asin,
  Asinh: Math.asinh,
  Atan: Math.atan,
  Atanh: Math.atanh,
  Cos: Math.cos,
  Cosh: Math.cosh,
  Erf: erf,
  Exp: Math.exp,
  HardSwish: hardSwish,
  Log: Math.log,
  Mish: (x) => x * Math.tanh(softplus(x)),
  Neg: (x) => -x,
  Not: (x) => (x === 0 ? 1 : 0),
  Reciprocal: (x) => 1 / x,
  Sigmoid: sigmoid,
  Sign: (x) => Math.sign(x),
  Sin: Math.sin,
  Sinh: Math.sinh,
  Softplus: softplus,
  Softsign: (x) => x / (1 + Math.abs(x)),
  Sqrt: Math.sqrt,
  Tan: Math.tan,
  Tanh: Math.tanh,
};

/** Those that make whole numbers. Round: half to even. */
export const ROUNDINGS: Readonly<Record<'Ceil' | 'Floor' | 'Round', Unary>> = {
  Ceil: Math.ceil,
  Floor: Math.floor,
  Round: roundHalfEven,
};
