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
 * result[i] = (1/count) * sum over k < count of source[i - k * step]. With rows of `step` values one under the other,
 * this is a moving sum of `count` rows. Rows are taken in blocks of `count`. Each window is the end of one block and the
 * beginning of the next (van Herk 1992): about three additions an element, and nothing is ever taken back.
 */
function boxSum(source: Float64Array, step: number, count: number, support: number): Float64Array {
  const rows = Math.ceil(support / step);
  const fromBlockStart = new Float64Array(rows * step);
  fromBlockStart.set(source.subarray(0, fromBlockStart.length));
  const toBlockEnd = new Float64Array(fromBlockStart);
  for (let row = 1; row < rows; row++) if (row % count !== 0) addRow(fromBlockStart, step, row, row - 1);
  for (let row = rows - 2; row >= 0; row--)
    if (row % count !== count - 1) addRow(toBlockEnd, step, row, row + 1);
  const means = new Float64Array(rows * step);
  for (let row = 0; row < rows; row++) {
    const firstOfWindow = row - count + 1;
    const isOneBlock = firstOfWindow <= 0 || firstOfWindow % count === 0;
    const [end, begin] = [row * step, firstOfWindow * step];
    for (let index = 0; index < step; index++) {
      const tail = fromBlockStart[end + index]!;
      means[end + index] = (isOneBlock ? tail : tail + toBlockEnd[begin + index]!) / count;
    }
  }
  return means.subarray(0, support);
}

/** Adds row `from` to row `to`, each of `step` values. */
function addRow(values: Float64Array, step: number, to: number, from: number): void {
  const [target, source] = [to * step, from * step];
  for (let index = 0; index < step; index++) values[target + index]! += values[source + index]!;
}
