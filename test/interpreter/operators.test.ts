import { describe, expect, test } from 'vitest';
import { EXACT } from './exactCases.ts';
import { runBoth } from './runNode.ts';
import { STATISTIC } from './statisticCases.ts';

/** Operators in the clear against onnxruntime-web 1.30, one node at a time, on random inputs of fixed seeds. */

const SEEDS = [1, 2, 3];

describe('equal in every value', () => {
  test.each(Object.keys(EXACT))('%s', async (name) => {
    for (const seed of SEEDS) {
      for (const { ours, theirs } of await runBoth(EXACT[name]!, seed)) {
        expect([ours.type, ours.shape]).toEqual([theirs.type, theirs.shape]);
        // `+ 0`: the sign of a zero is nobody's result.
        expect(Array.from(ours.data, (value) => value + 0)).toEqual(theirs.data.map((value) => value + 0));
      }
    }
  });
});

/** Units in the last place of float32, as the largest value of an output has it. */
function ulpOf(values: readonly number[]): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 2 ** -20);
  return 2 ** (Math.floor(Math.log2(largest)) - 23);
}

/**
 * Ours are doubles rounded once; onnxruntime sums in float32 and approximates exp and tanh by polynomials. Seen with these
 * seeds: 45% of 4,100 values differ, by 4 units at most.
 */
const MOST_ULPS = 4;

describe('functions that a runtime approximates, and sums in another order', () => {
  test.each(Object.keys(STATISTIC))('%s', async (name) => {
    for (const seed of SEEDS) {
      for (const { ours, theirs } of await runBoth(STATISTIC[name]!, seed)) {
        expect([ours.type, ours.shape]).toEqual([theirs.type, theirs.shape]);
        const ulp = ulpOf(theirs.data);
        const apart = Array.from(ours.data, (value, index) => Math.abs(value - theirs.data[index]!) / ulp);
        expect(apart.length).toBeGreaterThan(0);
        expect(Math.max(...apart)).toBeLessThanOrEqual(MOST_ULPS);
      }
    }
  });
});
