import { describe, expect, test } from 'vitest';
import { orderedNodes } from '../../src/frontend/onnx/graph/graph.ts';
import { stepsOf } from '../../src/frontend/onnx/operators/steps.ts';
import { readModelProto } from '../../src/frontend/onnx/proto/readProto.ts';
import { interpret } from '../../src/interpreter/interpreter.ts';
import type { DenseTensor } from '../../src/interpreter/values.ts';
import { encodeModel, float, int, ints, node, value } from '../frontend/onnx/models.ts';
import { runBoth } from './runNode.ts';
import type { Case, Input } from './runNode.ts';

/** Quantized operators of com.microsoft in the clear against onnxruntime-web 1.30, on random inputs of fixed seeds. */

const domain = 'com.microsoft';
const scale = (value: number): Input => ({ type: 'float32', shape: [], values: [value] });
type Type = 'uint8' | 'int8';
const zero = (type: Type, value: number): Input => ({ type, shape: [], values: [value] });
const values = (type: Type, ...shape: number[]): Input => ({ type, shape });

const IMAGE = [1, 3, 6, 5] as const;

function unary(op: string, type: Type, output: readonly number[], attributes: Case['attributes'] = []): Case {
  return {
    op,
    domain,
    attributes,
    inputs: [values(type, ...IMAGE), scale(0.043), zero(type, 17), scale(0.0211), zero(type, 5)],
    outputs: [[type, output]],
  };
}

function binary(op: string, type: Type): Case {
  return {
    op,
    domain,
    inputs: [
      values(type, ...IMAGE),
      scale(0.043),
      zero(type, 17),
      values(type, 1, 3, 1, 1),
      scale(0.071),
      zero(type, 100),
      scale(0.13),
      zero(type, 3),
    ],
    outputs: [[type, [...IMAGE]]],
  };
}

const POOL = [ints('kernel_shape', [3, 2]), ints('strides', [2, 1]), ints('pads', [1, 0, 1, 1])] as const;

const CASES: Readonly<Record<string, (type: Type) => Case>> = {
  QLinearAdd: (type) => binary('QLinearAdd', type),
  QLinearMul: (type) => binary('QLinearMul', type),
  QLinearSigmoid: (type) => unary('QLinearSigmoid', type, IMAGE),
  QLinearLeakyRelu: (type) => unary('QLinearLeakyRelu', type, IMAGE, [float('alpha', 0.2)]),
  QLinearSoftmax: (type) => unary('QLinearSoftmax', type, IMAGE, [int('axis', 1), int('opset', 13)]),
  QLinearGlobalAveragePool: (type) => unary('QLinearGlobalAveragePool', type, [1, 3, 1, 1]),
  QLinearAveragePool: (type) => unary('QLinearAveragePool', type, [1, 3, 3, 5], POOL),
  'QLinearAveragePool, pads counted': (type) =>
    unary('QLinearAveragePool', type, [1, 3, 3, 5], [...POOL, int('count_include_pad', 1)]),
  QLinearConcat: (type) => ({
    op: 'QLinearConcat',
    domain,
    attributes: [int('axis', 1)],
    inputs: [
      scale(0.05),
      zero(type, 9),
      ...[2, 1, 3].flatMap((channels, index) => [
        values(type, 1, channels, 4, 4),
        scale(0.03 + 0.02 * index),
        zero(type, 20 * index),
      ]),
    ],
    outputs: [[type, [1, 6, 4, 4]]],
  }),
};

/** Values that differ, of all, and the largest difference. */
async function differences(test: Case): Promise<{ differing: number; all: number; largest: number }> {
  let [differing, all, largest] = [0, 0, 0];
  for (const seed of [1, 2, 3]) {
    for (const { ours, theirs } of await runBoth(test, seed)) {
      expect([ours.type, ours.shape]).toEqual([theirs.type, theirs.shape]);
      ours.data.forEach((value, index) => {
        const apart = Math.abs(value - theirs.data[index]!);
        all += 1;
        differing += apart === 0 ? 0 : 1;
        largest = Math.max(largest, apart);
      });
    }
  }
  return { differing, all, largest };
}

describe('onnxruntime rounds in ways of its own: one step apart at most', () => {
  test.each(
    Object.keys(CASES).flatMap((name) => (['uint8', 'int8'] as const).map((type) => [name, type] as const)),
  )('%s of %s', async (name, type) => {
    const { differing, all, largest } = await differences(CASES[name]!(type));
    expect(all).toBeGreaterThan(8);
    expect(largest).toBeLessThanOrEqual(1);
    // Its softmax adds up a table of rounded exponentials.
    expect(differing).toBeLessThanOrEqual(name === 'QLinearSoftmax' ? all / 5 : all / 20);
  });
});

describe('equal in every value', () => {
  const gemm = (output: Case['outputs'][number][0]): Case => ({
    op: 'QGemm',
    domain,
    attributes: [float('alpha', 0.4), int('transB', 1)],
    inputs: [
      values('uint8', 4, 7),
      scale(0.05),
      zero('uint8', 120),
      values('int8', 5, 7),
      { type: 'float32', shape: [5], lo: 0.001, hi: 0.1 },
      { type: 'int8', shape: [5], lo: -3, hi: 3 },
      { type: 'int32', shape: [5], lo: -30_000, hi: 30_000 },
      ...(output === 'float32' ? [] : [scale(0.5), zero('uint8', 9)]),
    ],
    outputs: [[output, [4, 5]]],
  });

  test.each(['uint8', 'float32'] as const)('QGemm to %s', async (output) => {
    expect((await differences(gemm(output))).differing).toBe(0);
  });
});

test('QLinearReduceMean, which onnxruntime-web does not have', async () => {
  const names = ['x', 'sx', 'zx', 'sy', 'zy'];
  const attributes = [ints('axes', [1]), int('keepdims', 0)];
  const bytes = encodeModel({
    nodes: [node('QLinearReduceMean', names, ['y'], attributes, { domain })],
    inputs: names.map((name) => value(name, 'uint8', [])),
    domains: [domain],
  });
  const steps = stepsOf(orderedNodes(readModelProto(bytes, 'test').graph, 'test'), 13, 'test');
  const given = new Map<string, DenseTensor>([
    ['x', { type: 'uint8', shape: [2, 2], data: Uint8Array.of(10, 20, 255, 254) }],
    ['sx', { type: 'float32', shape: [], data: Float32Array.of(0.5) }],
    ['zx', { type: 'uint8', shape: [], data: Uint8Array.of(4) }],
    ['sy', { type: 'float32', shape: [], data: Float32Array.of(0.25) }],
    ['zy', { type: 'uint8', shape: [], data: Uint8Array.of(7) }],
  ]);
  const made = await interpret(steps, given, ['y']);
  // (6 + 16) / 2 * 0.5 / 0.25 + 7, and past 255.
  expect(Array.from(made.get('y')?.data ?? [])).toEqual([29, 255]);
});
