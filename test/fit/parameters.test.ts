import { expect, it } from 'vitest';
import { Arena } from '../../src/fit/memory.ts';
import { makeWeights, roundRow, setReaches } from '../../src/fit/parameters.ts';
import type { Budget } from '../../src/fit/parameters.ts';
import { makeRandom } from '../../src/fit/random.ts';
import { loadMatrix } from '../../runtime/training/module.ts';
import { makeMemory } from '../../runtime/wasm.ts';
import { fc, runs } from '../support/properties.ts';

const memory = makeMemory(2 ** 20);
const kernel = (await loadMatrix()).instantiate(memory);

/** Sums by plain loops, in exact integers. */
function sums(integers: ArrayLike<number>, reaches: Float64Array): { up: number; down: number } {
  let [up, down] = [0n, 0n];
  reaches.forEach((reach, index) => {
    const product = BigInt(integers[index]!) * BigInt(reach);
    if (product > 0n) up += product;
    else down -= product;
  });
  return { up: Number(up), down: Number(down) };
}

const budgets = fc.oneof(
  fc
    .record({ up: fc.integer({ min: 0, max: 3000 }), down: fc.integer({ min: 0, max: 3000 }) })
    .map(({ up, down }): Budget => ({ up, down, both: Infinity })),
  fc.integer({ min: 0, max: 5000 }).map((both): Budget => ({ up: Infinity, down: Infinity, both })),
);

it('rounded rows keep within their budget, wherever the search begins', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 60 }),
      budgets,
      fc.constantFrom(0, 0.01, 3, 500),
      (seed, count, budget, start) => {
        const random = makeRandom(seed);
        const weights = makeWeights(new Arena(memory.buffer), 1, count);
        const reaches = new Float64Array(weights.length);
        weights.latent.values.numbers.fill(0);
        for (let index = 0; index < count; index++) {
          weights.latent.values.numbers[index] = 4 * random.normal();
          reaches[index] = Math.round(random.between(0, 200));
        }
        setReaches(weights, reaches);
        weights.amounts[0] = start;
        const [up, down] = roundRow(kernel, weights, 0, budget);
        expect(sums(weights.integers.numbers, reaches)).toEqual({ up, down });
        expect(up <= budget.up && down <= budget.down && up + down <= budget.both).toBe(true);
      },
    ),
    { numRuns: runs(100) },
  );
});

it('a row that fits is rounded as it is', () => {
  const weights = makeWeights(new Arena(memory.buffer), 1, 4);
  weights.latent.values.numbers.set([1.4, -2.6, 0.2, 3]);
  setReaches(weights, Float64Array.of(1, 2, 3, 4));
  weights.amounts[0] = 7;
  expect(roundRow(kernel, weights, 0, { up: 13, down: 6, both: 19 })).toEqual([13, 6]);
  expect(Array.from(weights.integers.numbers, (value) => value + 0)).toEqual([1, -3, 0, 3]);
  expect(weights.amounts[0]).toBe(0);
});
