import { expect, test } from 'vitest';
import { loadOrt } from '../../src/model/ort.ts';
import { clearLogits } from '../../src/network/clearNetwork.ts';
import { importNetwork } from '../../src/network/importNetwork.ts';
import { scoresOf } from '../../src/network/port.ts';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { encodeModel, float, int, ints, node, scalar, tensor, text, value } from '../frontend/onnx/models.ts';
import type { Graph, TensorInit } from '../frontend/onnx/models.ts';
import { errorOf } from '../support/simple.ts';

/** Legal models in unusual forms: each is computed as onnxruntime computes it, or refused by the node's name. */

type Nodes = Graph['nodes'];

/** A picture [1, 2, 4, 4] of levels 0 to 3 as `in`, what a case adds up to `out`, then a square and a dense layer. */
function modelOf(nodes: Nodes, count: number, added: readonly TensorInit[]): Uint8Array {
  return encodeModel({
    nodes: [
      node('Clip', ['x', 'low', 'high'], ['cut']),
      node('QuantizeLinear', ['cut', 'step', 'zero'], ['levels']),
      node('DequantizeLinear', ['levels', 'one', 'zero'], ['in']),
      ...nodes,
      node('Mul', ['out', 'out'], ['squares']),
      node('Flatten', ['squares'], ['flat']),
      node('MatMul', ['flat', 'matrix'], ['y']),
    ],
    initializers: [
      scalar('low', 'float32', 0),
      scalar('high', 'float32', 255),
      scalar('step', 'float32', 85),
      scalar('one', 'float32', 1),
      scalar('quarter', 'float32', 0.25),
      scalar('two', 'float32', 2),
      scalar('zero', 'uint8', 0),
      tensor(
        'matrix',
        'float32',
        [count, 2],
        Array.from({ length: 2 * count }, (_, at) => ((at * 5) % 7) - 3),
      ),
      ...added,
    ],
    inputs: [value('x', 'float32', [1, 2, 4, 4])],
    outputs: [value('y', 'float32', [1, 2])],
  });
}

const filter = (outputs: number, channels: number, height: number, width: number): TensorInit =>
  tensor(
    'w',
    'float32',
    [outputs, channels, height, width],
    Array.from({ length: outputs * channels * height * width }, (_, at) => ((at * 3) % 5) - 2),
  );
const bytes = (type: 'int8' | 'uint8', shape: readonly number[]): TensorInit =>
  tensor(
    'q',
    type,
    [...shape],
    Array.from({ length: shape.reduce((all, one) => all * one, 1) }, (_, at) => (at * 3) % 11),
  );
const dense = [node('Flatten', ['in'], ['vector'])];

type Case = readonly [name: string, nodes: Nodes, count: number, added?: readonly TensorInit[]];

const EQUAL: readonly Case[] = [
  [
    'uneven pads and strides',
    [node('Conv', ['in', 'w'], ['out'], [ints('pads', [1, 0, 2, 1]), ints('strides', [2, 1])])],
    27,
    [filter(3, 2, 2, 3)],
  ],
  ['dilations', [node('Conv', ['in', 'w'], ['out'], [ints('dilations', [2, 3])])], 4, [filter(2, 2, 2, 2)]],
  ['groups', [node('Conv', ['in', 'w'], ['out'], [int('group', 2)])], 36, [filter(4, 1, 2, 2)]],
  ['VALID', [node('Conv', ['in', 'w'], ['out'], [text('auto_pad', 'VALID')])], 18, [filter(2, 2, 2, 2)]],
  [
    'a pool that counts its pads',
    [
      node(
        'AveragePool',
        ['in'],
        ['out'],
        [ints('kernel_shape', [2, 2]), ints('pads', [1, 0, 1, 1]), int('count_include_pad', 1)],
      ),
    ],
    40,
  ],
  [
    'an overlapping pool',
    [node('AveragePool', ['in'], ['out'], [ints('kernel_shape', [2, 4]), ints('strides', [1, 2])])],
    6,
  ],
  ['a global pool', [node('GlobalAveragePool', ['in'], ['out'])], 2],
  ['a transposed picture', [node('Transpose', ['in'], ['out'], [ints('perm', [0, 2, 3, 1])])], 32],
  [
    'a reshape with 0 and -1',
    [node('Reshape', ['in', 'shape'], ['out'])],
    32,
    [tensor('shape', 'int64', [3], [0, -1, 8])],
  ],
  ['a flatten of a negative axis', [node('Flatten', ['in'], ['out'], [int('axis', -3)])], 32],
  [
    'transB with a bias of one number',
    [...dense, node('Gemm', ['vector', 'w', 'two'], ['out'], [int('transB', 1)])],
    3,
    [
      tensor(
        'w',
        'float32',
        [3, 32],
        Array.from({ length: 96 }, (_, at) => (at % 5) - 2),
      ),
    ],
  ],
  [
    'weights with a zero point',
    [node('DequantizeLinear', ['q', 'quarter', 'five'], ['w']), node('Conv', ['in', 'w'], ['out'])],
    18,
    [bytes('uint8', [2, 2, 2, 2]), scalar('five', 'uint8', 5)],
  ],
  [
    'weights quantized twice over',
    [
      node('DequantizeLinear', ['q', 'quarter', 'none'], ['f']),
      node('QuantizeLinear', ['f', 'quarter', 'none'], ['again']),
      node('DequantizeLinear', ['again', 'quarter', 'none'], ['w']),
      node('Conv', ['in', 'w'], ['out']),
    ],
    18,
    [bytes('int8', [2, 2, 2, 2]), scalar('none', 'int8', 0)],
  ],
  [
    'a bias of another scale',
    [
      node('DequantizeLinear', ['q', 'quarter', 'none'], ['w']),
      node('DequantizeLinear', ['b', 'two'], ['bias']),
      node('Conv', ['in', 'w', 'bias'], ['out']),
    ],
    18,
    [bytes('int8', [2, 2, 2, 2]), scalar('none', 'int8', 0), tensor('b', 'int32', [2], [3, -4])],
  ],
  [
    'one weight for two layers',
    [node('Conv', ['in', 'w'], ['first']), node('Conv', ['first', 'w'], ['out'])],
    8,
    [filter(2, 2, 2, 2)],
  ],
  ['a sum of itself', [node('Add', ['in', 'in'], ['out'])], 32],
  [
    'the difference of two scales',
    [node('Mul', ['in', 'quarter'], ['small']), node('Sub', ['small', 'in'], ['out'])],
    32,
  ],
  ['Pow 2 before the square', [node('Pow', ['in', 'two'], ['out'])], 32],
  [
    'a factor a channel',
    [node('Mul', ['in', 'factors'], ['out'])],
    32,
    [tensor('factors', 'float32', [2, 1, 1], [3, -2])],
  ],
  ['a constant less the picture', [node('Sub', ['two', 'in'], ['out'])], 32],
  ['a division', [node('Div', ['in', 'two'], ['out'])], 32],
  ['names beyond ASCII', [node('Identity', ['in'], ['画像 é']), node('Identity', ['画像 é'], ['out'])], 32],
  [
    'alpha',
    [...dense, node('Gemm', ['vector', 'w'], ['out'], [float('alpha', 0.5)])],
    3,
    [
      tensor(
        'w',
        'float32',
        [32, 3],
        Array.from({ length: 96 }, (_, at) => (at % 5) - 2),
      ),
    ],
  ],
  [
    'beta',
    [...dense, node('Gemm', ['vector', 'w', 'two'], ['out'], [float('beta', 3)])],
    3,
    [
      tensor(
        'w',
        'float32',
        [32, 3],
        Array.from({ length: 96 }, (_, at) => (at % 5) - 2),
      ),
    ],
  ],
];

const REFUSED: readonly (readonly [...Case, string])[] = [
  [
    'a pool that does not count its pads',
    [node('AveragePool', ['in'], ['out'], [ints('kernel_shape', [2, 2]), ints('pads', [1, 1, 1, 1])])],
    50,
    [],
    'AveragePool',
  ],
  [
    'a pool with ceil_mode',
    [
      node(
        'AveragePool',
        ['in'],
        ['out'],
        [ints('kernel_shape', [3, 3]), ints('strides', [2, 2]), int('ceil_mode', 1)],
      ),
    ],
    8,
    [],
    'AveragePool',
  ],
  [
    'SAME_UPPER',
    [node('Conv', ['in', 'w'], ['out'], [text('auto_pad', 'SAME_UPPER')])],
    32,
    [filter(2, 2, 2, 2)],
    'Conv',
  ],
  [
    'a scale a filter',
    [
      node('DequantizeLinear', ['q', 'scales', 'nones'], ['w'], [int('axis', 0)]),
      node('Conv', ['in', 'w'], ['out']),
    ],
    18,
    [
      bytes('int8', [2, 2, 2, 2]),
      tensor('scales', 'float32', [2], [0.5, 0.3]),
      tensor('nones', 'int8', [2], [0, 0]),
    ],
    'Conv',
  ],
  ['Pow 3', [node('Pow', ['in', 'three'], ['out'])], 32, [scalar('three', 'float32', 3)], 'Pow'],
  ['a power of the picture', [node('Pow', ['two', 'in'], ['out'])], 32, [], 'Pow'],
  ['a quotient by the picture', [node('Div', ['two', 'in'], ['out'])], 32, [], 'Div'],
  ['a cut between layers', [node('Clip', ['in', 'one', 'two'], ['out'])], 32, [], 'Clip'],
];

const PICTURE = Float32Array.from({ length: 32 }, (_, at) => ((at * 37) % 256) + 0.25);

const computed = EQUAL.map(([name, nodes, count, added = []]) => [name, nodes, count, added] as const);

test.each(computed)('%s: computed as onnxruntime does', async (_, nodes, count, added) => {
  const bytesOfModel = modelOf(nodes, count, added);
  const { spec } = importNetwork(importModel(bytesOfModel));
  const levels = Float64Array.from(PICTURE, (pixel) => Math.round(pixel / 85));
  const scores = scoresOf(spec.output, clearLogits(spec, levels));
  const ort = await loadOrt();
  if (ort === null) throw new Error('onnxruntime-web is not installed');
  const session = await ort.InferenceSession.create(bytesOfModel, {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
  });
  const { y } = await session.run({ x: new ort.Tensor('float32', PICTURE, [1, 2, 4, 4]) });
  await session.release();
  expect(Array.from(scores.data)).toEqual(Array.from(y?.data ?? [], Number));
});

test.each(REFUSED)('%s: refused by name', (_, nodes, count, added, operator) => {
  expect(errorOf(() => importNetwork(importModel(modelOf(nodes, count, added ?? []))))).toMatchObject({
    code: 'unsupported',
    details: { where: expect.stringContaining(operator) },
  });
});
