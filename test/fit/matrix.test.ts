import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/fit/memory.ts';
import type { Floats } from '../../src/fit/memory.ts';
import { makeRandom } from '../../src/fit/random.ts';
import { loadMatrix } from '../../runtime/training/module.ts';
import { makeMemory } from '../../runtime/wasm.ts';

const memory = makeMemory(2 ** 20);
const kernel = (await loadMatrix()).instantiate(memory);

/** Small whole numbers: sums of products are exact in float32 in any order. */
function fill({ numbers }: Floats, seed: number): Floats['numbers'] {
  const random = makeRandom(seed);
  return numbers.map(() => Math.round(random.between(-9, 9)));
}

const SHAPES = [
  [1, 1, 1],
  [2, 3, 3],
  [4, 8, 2],
  [5, 25, 12],
  [7, 13, 20],
  [9, 4, 33],
  [12, 30, 64],
] as const;

describe('products of matrices are their definition', () => {
  it.each(SHAPES)('outer, %i x %i x %i, A as it is and transposed', (rows, depth, columns) => {
    const pitch = Math.ceil(columns / 4) * 4;
    for (const isTransposed of [false, true]) {
      const arena = new Arena(memory.buffer);
      const [a, b, c] = [arena.floats(rows * depth), arena.floats(depth * pitch), arena.floats(rows * pitch)];
      for (const [block, seed] of [
        [a, 1],
        [b, 2],
        [c, 3],
      ] as const)
        block.numbers.set(fill(block, seed));
      const before = c.numbers.slice();
      const [rowStep, depthStep] = isTransposed ? [1, rows] : [depth, 1];
      kernel.outer(
        a.address,
        rowStep * 4,
        depthStep * 4,
        b.address,
        pitch * 4,
        c.address,
        pitch * 4,
        rows,
        depth,
        pitch,
      );
      const expected = before.map((start, index) => {
        const [row, column] = [Math.floor(index / pitch), index % pitch];
        let sum = start;
        for (let k = 0; k < depth; k++)
          sum += a.numbers[row * rowStep + k * depthStep]! * b.numbers[k * pitch + column]!;
        return sum;
      });
      expect(c.numbers).toEqual(expected);
    }
  });

  it.each(SHAPES)('inner, %i x %i x %i', (rows, depth, columns) => {
    const pitch = Math.ceil(depth / 4) * 4;
    const arena = new Arena(memory.buffer);
    const [a, b, c] = [
      arena.floats(rows * pitch),
      arena.floats(columns * pitch),
      arena.floats(rows * columns),
    ];
    for (const [block, seed] of [
      [a, 4],
      [b, 5],
      [c, 6],
    ] as const)
      block.numbers.set(fill(block, seed));
    const before = c.numbers.slice();
    kernel.inner(a.address, pitch * 4, b.address, pitch * 4, c.address, columns * 4, rows, pitch, columns);
    const expected = before.map((start, index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      let sum = start;
      for (let k = 0; k < pitch; k++) sum += a.numbers[row * pitch + k]! * b.numbers[column * pitch + k]!;
      return sum;
    });
    expect(c.numbers).toEqual(expected);
  });
});

describe('shrink', () => {
  it('rounds what is left half to even, caps it, keeps the sign, and adds up exactly', () => {
    const arena = new Arena(memory.buffer);
    const weights = arena.floats(8);
    const shares = arena.floats(8);
    const reaches = arena.doubles(8);
    const to = arena.floats(8);
    const sums = arena.doubles(2);
    weights.numbers.set([2.6, -2.4, 0.4, -99, 3.5, 2.5, -0.2, 1]);
    shares.numbers.set([1, 0.5, 1, 0, 0, 0, 1, 1]);
    const far = 2 ** 40 + 1;
    reaches.numbers.set([far, 3, 1, 5, 7, 7, 1, far]);
    kernel.shrink(weights.address, shares.address, reaches.address, to.address, sums.address, 8, 1, 50);
    expect(Array.from(to.numbers, (value) => value + 0)).toEqual([2, -2, 0, -50, 4, 2, 0, 0]);
    expect(Array.from(sums.numbers)).toEqual([2 * far + 42, 6 + 250]);
  });
});
