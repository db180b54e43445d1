import { addScaled, pointDistribution } from '../../compiler/accumulator/distribution.ts';
import type { Distribution } from '../../compiler/accumulator/distribution.ts';
import type { Interval } from '../../compiler/base/interval.ts';

/** What tests compare distributions with, beside the sums that the product makes. */

/** Of the sum of two independent integers. Cost: the product of both supports. */
export function sumOf(left: Distribution, right: Distribution): Distribution {
  return addScaled(left, 1, right);
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
