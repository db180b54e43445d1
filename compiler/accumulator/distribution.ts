import { internalError } from '../base/errors.ts';
import type { Interval } from '../base/interval.ts';

/**
 * Distributions over integers, and of sums of independent integers. Only additions and products of non-negative doubles:
 * no cancellation, so every probability, far tails included, has a relative error of at most about 2^-53 times the number
 * of terms summed, as long as it does not underflow (`SMALLEST_PROBABILITY`).
 */
export interface Distribution {
  readonly lo: number;
  /** probabilities[i] is that of lo + i; both ends are above 0. */
  readonly probabilities: Float64Array;
  /** Whether all of them are equal: then sums are cheap. */
  readonly isUniform: boolean;
}

/** Below this a probability may have lost parts to underflow (doubles end at 2^-1074): it is only an upper bound. */
export const SMALLEST_PROBABILITY = 2 ** -900;

export function pointDistribution(value: number): Distribution {
  return { lo: value, probabilities: Float64Array.of(1), isUniform: true };
}

export function uniformDistribution({ lo, hi }: Interval): Distribution {
  const count = hi - lo + 1;
  return { lo, probabilities: new Float64Array(count).fill(1 / count), isUniform: true };
}

/** From counts of the values lo, lo + 1, ...; at least one count must be above 0. */
export function histogramDistribution(lo: number, counts: ArrayLike<number>): Distribution {
  const values = Float64Array.from(counts);
  const first = values.findIndex((count) => count > 0);
  if (first < 0) throw internalError('an empty histogram has no distribution');
  const last = values.findLastIndex((count) => count > 0);
  const total = values.reduce((sum, count) => sum + count, 0);
  return {
    lo: lo + first,
    probabilities: values.slice(first, last + 1).map((count) => count / total),
    isUniform: false,
  };
}

/** Of the sum of two independent integers. Cost: the product of both supports. */
export function sumOf(left: Distribution, right: Distribution): Distribution {
  return addScaled(left, 1, right);
}

/**
 * Of left + factor * right, independent, factor not 0; of its support only the lowest `most` values, where given. Cost:
 * the support times the values of `right`, or about three times the support when `right` is uniform.
 */
export function addScaled(
  left: Distribution,
  factor: number,
  right: Distribution,
  most = Infinity,
): Distribution {
  const step = Math.abs(factor);
  const values = right.probabilities.length;
  const support = Math.min(most, left.probabilities.length + step * (values - 1));
  const lo = left.lo + factor * (factor > 0 ? right.lo : right.lo + values - 1);
  const source = left.probabilities;
  if (right.isUniform) return { lo, probabilities: boxSum(source, step, values, support), isUniform: false };
  const result = new Float64Array(support);
  for (let value = 0; value < values && step * value < support; value++) {
    const probability = right.probabilities[factor > 0 ? value : values - 1 - value]!;
    if (probability === 0) continue;
    const offset = step * value;
    const end = Math.min(source.length, support - offset);
    for (let index = 0; index < end; index++) result[offset + index]! += source[index]! * probability;
  }
  return { lo, probabilities: result, isUniform: false };
}

/**
 * result[i] = (1/count) * sum over k < count of source[i - k * step]. Rows of `step` values lie one under the other, so it
 * is a moving sum of `count` rows; with rows in blocks of `count`, each window is the end of one block and the beginning
 * of the next (van Herk 1992): about three additions an element, and nothing is ever taken back.
 */
function boxSum(source: Float64Array, step: number, count: number, support: number): Float64Array {
  const rows = Math.ceil(support / step);
  const padded = new Float64Array(rows * step);
  padded.set(source.subarray(0, padded.length));
  const suffix = new Float64Array(padded);
  for (let row = rows - 2; row >= 0; row--) {
    if (row % count === count - 1) continue;
    const base = row * step;
    for (let index = base; index < base + step; index++) suffix[index]! += suffix[index + step]!;
  }
  for (let row = 1; row < rows; row++) {
    if (row % count === 0) continue;
    const base = row * step;
    for (let index = base; index < base + step; index++) padded[index]! += padded[index - step]!;
  }
  // padded now holds the sums from the beginning of each block.
  for (let row = rows - 1; row >= 0; row--) {
    const base = row * step;
    const start = row - count + 1;
    const back = start > 0 && start % count !== 0 ? (count - 1) * step : null;
    for (let index = base; index < base + step; index++) {
      const whole = back === null ? padded[index]! : padded[index]! + suffix[index - back]!;
      padded[index] = whole / count;
    }
  }
  return padded.subarray(0, support);
}

/** Of `count` independent copies added up, by doubling. */
export function repeated(distribution: Distribution, count: number): Distribution {
  let result = pointDistribution(0);
  let power = distribution;
  for (let rest = count; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = sumOf(result, power);
    if (rest > 1) power = sumOf(power, power);
  }
  return result;
}

/** Of the product of two independent integers. */
export function productOf(left: Distribution, right: Distribution): Distribution {
  const products = new Map<number, number>();
  left.probabilities.forEach((p, i) => {
    right.probabilities.forEach((q, j) => {
      const product = (left.lo + i) * (right.lo + j);
      products.set(product, (products.get(product) ?? 0) + p * q);
    });
  });
  const values = [...products.keys()];
  const lo = values.reduce((least, value) => Math.min(least, value), Infinity);
  const hi = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const probabilities = new Float64Array(hi - lo + 1);
  for (const [value, probability] of products) probabilities[value - lo] = probability;
  return { lo, probabilities, isUniform: false };
}

/** Probability of a value outside [lo, hi]; summed from the ends inwards, small terms first. */
export function probabilityOutside({ lo, probabilities }: Distribution, limit: Interval): number {
  let below = 0;
  for (let index = 0; index < probabilities.length && lo + index < limit.lo; index++)
    below += probabilities[index]!;
  let above = 0;
  for (let index = probabilities.length - 1; index >= 0 && lo + index > limit.hi; index--)
    above += probabilities[index]!;
  return below + above;
}
