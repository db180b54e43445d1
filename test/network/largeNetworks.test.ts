/** What is too large, too deep or out of scale for one round is refused before the work, by its own reason. */
import { describe, expect, test } from 'vitest';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { importNetwork } from '../../src/network/importNetwork.ts';
import { fromFraction, rational, rationalOf, times, toNumber } from '../../src/network/rational.ts';
import { encodeModel, ints, node, scalar, tensor, value } from '../frontend/onnx/models.ts';
import type { Graph, TensorInit } from '../frontend/onnx/models.ts';
import { errorOf } from '../support/simple.ts';

type Nodes = Graph['nodes'];

/** uint8 pictures of `size` x `size`, what `nodes` make of `input`, and its output `y` of `outputs` elements. */
function model(
  size: number,
  { nodes, initializers, shape }: { nodes: Nodes; initializers: TensorInit[]; shape: readonly number[] },
  step = 1,
): Uint8Array {
  return encodeModel({
    nodes: [node('DequantizeLinear', ['x', 'step'], ['input']), ...nodes],
    initializers: [scalar('step', 'float32', step), ...initializers],
    inputs: [value('x', 'uint8', [1, 1, size, size])],
    outputs: [value('y', 'float32', shape)],
  });
}

const ones = (count: number): number[] => new Array<number>(count).fill(1);

/** A convolution of 16 filters of 8 x 8 and an average over all of its outputs but a factor. */
function convolution(size: number): Uint8Array {
  return model(size, {
    nodes: [
      node('Conv', ['input', 'filters'], ['maps']),
      node('GlobalAveragePool', ['maps'], ['pooled']),
      node('Mul', ['pooled', 'pooled'], ['y']),
    ],
    initializers: [tensor('filters', 'float32', [16, 1, 8, 8], ones(16 * 64))],
    shape: [1, 16, 1, 1],
  });
}

const dense = (inputs: number, outputs: number): Uint8Array =>
  model(Math.sqrt(inputs), {
    nodes: [node('Flatten', ['input'], ['row']), node('MatMul', ['row', 'matrix'], ['y'])],
    initializers: [tensor('matrix', 'float32', [inputs, outputs], ones(inputs * outputs))],
    shape: [1, outputs],
  });

describe('large networks', () => {
  test('a convolution is refused at its node, before it is written out', () => {
    // The picture as it comes and as two nodes read it, the filters, and 64 taps at every position.
    const numbers = 3 * 136 * 136 + 16 * 64 + 16 * 129 * 129 * 64;
    expect(errorOf(() => importNetwork(importModel(convolution(136))))).toMatchObject({
      code: 'unsupported',
      details: {
        where: expect.stringContaining('Conv'),
        message: 'not supported yet: a network so large in one round',
        expected: expect.stringContaining('at most 16777216 numbers'),
        found: String(numbers),
        hint: expect.stringContaining('--mode hybrid'),
      },
    });
  });

  test('a dense layer, and what is just small enough for the importer', () => {
    const message = 'not supported yet: a network so large in one round';
    expect(errorOf(() => importNetwork(importModel(dense(4096, 2048))))).toHaveProperty(
      'details.message',
      message,
    );
    expect(importNetwork(importModel(dense(1024, 1000))).spec.stages[0]).toMatchObject({
      inputs: 1024,
      outputs: 1000,
    });
  });
});

test('more values than slots: the layer is named with both numbers, and what would help is fewer of them', () => {
  const bytes = model(140, {
    nodes: [
      node('Conv', ['input', 'filter'], ['maps'], [ints('kernel_shape', [1, 1])]),
      node('Mul', ['maps', 'maps'], ['squares']),
      node('GlobalAveragePool', ['squares'], ['y']),
    ],
    initializers: [tensor('filter', 'float32', [1, 1, 1, 1], [3])],
    shape: [1, 1, 1, 1],
  });
  expect(errorOf(() => compileNetwork(importNetwork(importModel(bytes)).spec))).toMatchObject({
    code: 'beyond-bfv',
    details: {
      expected: expect.stringMatching(/N = 16384: \S+ has 19600 values, more than there are slots/),
      hint: expect.stringContaining('fewer values between the layers'),
    },
  });
});

/** `count` squares, one behind the other, of four pixels times `step`; then their sum. */
function squares(count: number, step = 1): Uint8Array {
  const names = Array.from({ length: count + 1 }, (_, index) => `s${index}`);
  const nodes = names
    .slice(1)
    .map((name, index) => node('Mul', [names[index] ?? '', names[index] ?? ''], [name]));
  return model(
    2,
    {
      nodes: [
        node('Flatten', ['input'], ['s0']),
        ...nodes,
        node('MatMul', [names[count] ?? '', 'matrix'], ['y']),
      ],
      initializers: [tensor('matrix', 'float32', [4, 1], ones(4))],
      shape: [1, 1],
    },
    step,
  );
}

describe('deep networks', () => {
  test('widths of thousands of bits are told as such, of the layer that makes them', () => {
    const error = errorOf(() => compileNetwork(importNetwork(importModel(squares(12))).spec));
    expect(error).toMatchObject({ code: 'beyond-bfv' });
    expect(error).toHaveProperty(
      'details.found',
      expect.stringMatching(/^logits of 32\d\d\d\.\d bits, behind 12 squares: /),
    );
    expect(JSON.stringify(error)).not.toMatch(/Infinity|NaN/);
  });

  test('12 squares are looked at, and 13 refused by their number', () => {
    expect(importNetwork(importModel(squares(12))).spec.stages).toHaveLength(13);
    expect(errorOf(() => importNetwork(importModel(squares(13))))).toMatchObject({
      code: 'unsupported',
      details: { message: expect.stringContaining('more than 12 squares') },
    });
  });
});

describe('scales', () => {
  test('of scores beyond float32 are refused, the last ones within are read', () => {
    const scale = (step: number, count: number): unknown => {
      const read = importNetwork(importModel(squares(count, step)));
      return toNumber(fromFraction(read.spec.output.scale));
    };
    expect(scale(2 ** -64, 1)).toBe(2 ** -128);
    expect(scale(2 ** 63, 1)).toBe(2 ** 126);
    const message = 'the scale of the scores is out of reach of float32';
    for (const step of [2 ** -80, 2 ** 64])
      expect(errorOf(() => scale(step, 1))).toHaveProperty('details.message', message);
  });

  test('are the nearest doubles, of fractions of any number of digits', () => {
    const power = 10n ** 390n;
    expect(toNumber(rational(10n * power, 3n * power))).toBe(10 / 3);
    expect(toNumber(rational(-(power + 1n), power))).toBe(-1);
    for (const double of [0.1, -2 / 3, 2 ** -1074, Number.MAX_VALUE, 1 / 3 + 2 ** -54, 2 ** 53 + 2])
      expect(toNumber(rationalOf(double))).toBe(double);
    expect(toNumber(times(rationalOf(2 ** -1000), rationalOf(2 ** -1000)))).toBe(0);
  });
});
