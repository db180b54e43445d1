import { expect, test } from 'vitest';
import { proveNetwork } from '../../../compiler/network/prove.ts';
import { squareRange } from '../../../compiler/network/ranges.ts';
import { UNSCALED } from '../../../compiler/network/spec.ts';
import type { LinearStage, NetworkSpec } from '../../../compiler/network/spec.ts';
import { convolutionStage, denseStage } from '../../../compiler/network/stages.ts';
import { integersFrom } from '../../support/networks.ts';

/** The values of every stage, by the definition. */
function values(stages: readonly LinearStage[], input: readonly number[]): bigint[][] {
  let current = input.map(BigInt);
  return stages.map((stage) => {
    const sums = Array.from({ length: stage.outputs }, (_, row) => {
      let sum = BigInt(stage.bias[row]!);
      for (let entry = stage.starts[row]!; entry < stage.starts[row + 1]!; entry++)
        sum += BigInt(stage.weights[entry]!) * current[stage.columns[entry]!]!;
      return sum;
    });
    current = sums.map((sum) => sum * sum);
    return sums;
  });
}

function tinyNetwork(seed: number): NetworkSpec {
  const between = integersFrom(seed);
  const weights = (count: number): number[] => Array.from({ length: count }, () => between(-3, 3));
  const factor = between(1, 2);
  const first = denseStage(
    'a',
    4,
    weights(12).map((weight) => weight * factor),
    weights(3),
  );
  const stages = [
    first,
    denseStage('b', 3, weights(6), weights(2)),
    denseStage('c', 2, weights(4), weights(2)),
  ];
  const lo = between(-2, 0);
  const input = { shape: [4], range: { lo, hi: lo + between(0, 2) } };
  return { name: 'tiny', input, stages, output: { shape: [2], scale: UNSCALED } };
}

function allInputs({ lo, hi }: { lo: number; hi: number }, count: number): number[][] {
  if (count === 0) return [[]];
  return allInputs({ lo, hi }, count - 1).flatMap((head) =>
    Array.from({ length: hi - lo + 1 }, (_, index) => [...head, lo + index]),
  );
}

test('every value of every input lies in its range and class; the first stage reaches both ends', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const spec = tinyNetwork(seed);
    const proof = proveNetwork(spec);
    const runs = allInputs(spec.input.range, 4).map((input) => values(spec.stages, input));
    proof.stages.forEach((stage, at) => {
      stage.values.forEach(({ lo, hi, residue, modulus }, index) => {
        const seen = runs.map((run) => run[at]![index]!);
        for (const value of seen) {
          expect(value >= lo && value <= hi, `seed ${seed}`).toBe(true);
          expect(modulus === 0n ? value === residue : (value - residue) % modulus === 0n).toBe(true);
        }
        if (at === 0) expect([seen.includes(lo), seen.includes(hi)]).toEqual([true, true]);
        if (modulus !== 0n) expect([(lo - residue) % modulus, (hi - lo) % modulus]).toEqual([0n, 0n]);
      });
    });
  }
});

test('odd sums have squares of 1 modulo 8, and squares of 4 modulo 8 are 16 modulo 128', () => {
  expect(squareRange({ lo: -5n, hi: 7n, residue: 1n, modulus: 2n })).toEqual({
    lo: 1n,
    hi: 49n,
    residue: 1n,
    modulus: 8n,
  });
  expect(squareRange({ lo: -12n, hi: 20n, residue: 4n, modulus: 8n })).toEqual({
    lo: 16n,
    hi: 400n,
    residue: 16n,
    modulus: 128n,
  });
});

test('the width counts the values that a logit takes, not the integers between its ends', () => {
  // Even weights and an odd bias: 2 x + 1 for x in 0..3, squares 1, 9, 25, 49, one logit 3 times that.
  const stages = [denseStage('a', 1, [2], [1]), denseStage('b', 1, [3], [5])];
  const input = { shape: [1], range: { lo: 0, hi: 3 } };
  const proof = proveNetwork({ name: 'n', input, stages, output: { shape: [1], scale: UNSCALED } });
  expect(proof.logits).toEqual([{ lo: 8n, hi: 152n, residue: 8n, modulus: 24n }]);
  expect(proof.width).toBe(7n);
});

test('a convolution has no entry where a tap meets padding', () => {
  const stage = convolutionStage(
    'conv',
    { shape: [1, 3, 3], outputs: 2, kernel: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0] },
    [1, 2, 3, 4, 5, 6, 7, 8],
    [10, 20],
  );
  expect(stage.outputs).toBe(8);
  expect(stage.starts).toEqual([0, 1, 3, 5, 9, 10, 12, 14, 18]);
  expect(stage.columns.slice(0, 9)).toEqual([0, 1, 2, 3, 6, 4, 5, 7, 8]);
  expect(stage.weights.slice(9)).toEqual([8, 7, 8, 6, 8, 5, 6, 7, 8]);
  expect(stage.bias).toEqual([10, 10, 10, 10, 20, 20, 20, 20]);
});
