/** Patterns of public models: what stands around a layer must not keep it from being encrypted. */
import { expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import type { ModelRunResult } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { encodeModel, float, int, node, scalar, tensor, text, value } from '../frontend/onnx/models.ts';
import type { Graph, TensorInit } from '../frontend/onnx/models.ts';

async function run(graph: Graph, shape: readonly number[], data: readonly number[]): Promise<ModelRunResult> {
  const plan = compileModel(importModel(encodeModel(graph)));
  const result = await runModel(plan, new Map([['x', typedTensor('float32', shape, data, 'x')]]));
  expect(result.report.match).toBe(true);
  expect(result.statisticReason).toBeNull();
  return result;
}

const numbers = (result: ModelRunResult, name = 'y'): number[] =>
  Array.from(result.outputs.get(name)!.data, Number);

/** x in halves, dequantized to `d`; weights [2, 2] in quarters, dequantized to `w`. */
const operands = [
  node('QuantizeLinear', ['x', 'sx', 'zx'], ['q']),
  node('DequantizeLinear', ['q', 'sx', 'zx'], ['d']),
  node('DequantizeLinear', ['wq', 'sw'], ['w']),
];
const constants = [
  scalar('sx', 'float32', 0.5),
  scalar('zx', 'uint8', 10),
  scalar('sw', 'float32', 0.25),
  tensor('wq', 'int8', [2, 2], [1, -2, 3, 4]),
  tensor('c', 'float32', [2], [1, -1]),
];
const x = value('x', 'float32', [1, 2]);
const y = value('y', 'float32', [1, 2]);

/** [1, 2] times the weights: [1 x 0.25 + 2 x 0.75, 1 x -0.5 + 2 x 1]. */
const PRODUCT = [1.75, 1.5];

it('Gemm with alpha and beta', async () => {
  const product = node('Gemm', ['d', 'w', 'c'], ['y'], [float('alpha', 0.5), float('beta', 3)]);
  const result = await run(
    { nodes: [...operands, product], initializers: constants, inputs: [x], outputs: [y] },
    [1, 2],
    [1, 2],
  );
  expect(result.report.layers.map(({ name }) => name)).toEqual(['y']);
  expect(numbers(result)).toEqual([PRODUCT[0]! / 2 + 3, PRODUCT[1]! / 2 - 3]);
});

it('an extent of 0 or -1, as some exporters write an open batch', async () => {
  for (const extent of [0, -1]) {
    const graph: Graph = {
      nodes: [...operands, node('MatMul', ['d', 'w'], ['y'])],
      initializers: constants,
      inputs: [value('x', 'float32', [extent, 2])],
      outputs: [value('y', 'float32', [extent, 2])],
    };
    expect(numbers(await run(graph, [1, 2], [1, 2]))).toEqual(PRODUCT);
  }
});

/** Bits of 16-bit floats. */
const half = (name: string, shape: readonly number[], bits: readonly number[]): TensorInit => ({
  name,
  dims: shape.map(BigInt),
  dataType: 10,
  rawData: new Uint8Array(Uint16Array.from(bits).buffer),
});

it('a model of 16-bit floats takes, computes and gives float32', async () => {
  const graph: Graph = {
    opset: 19,
    nodes: [
      node('Identity', ['x'], ['same']),
      node('Cast', ['same'], ['h'], [int('to', 10)]),
      node('QuantizeLinear', ['h', 'sx', 'zx'], ['q']),
      ...operands.slice(1),
      node('MatMul', ['d', 'w'], ['p']),
      node('Add', ['p', 'c'], ['y']),
    ],
    // 0.5, 0.25, and [1, -1].
    initializers: [
      half('sx', [], [0x3800]),
      scalar('zx', 'uint8', 10),
      half('sw', [], [0x3400]),
      tensor('wq', 'int8', [2, 2], [1, -2, 3, 4]),
      half('c', [2], [0x3c00, 0xbc00]),
    ],
    inputs: [value('x', 'float16', [1, 2])],
    outputs: [value('y', 'float16', [1, 2])],
  };
  const result = await run(graph, [1, 2], [1, 2]);
  expect(result.outputs.get('y')?.type).toBe('float32');
  expect(numbers(result)).toEqual([PRODUCT[0]! + 1, PRODUCT[1]! - 1]);
  expect(result.report.clear).toEqual([]);
});

it('layers behind LSTM, TopK, Einsum, GatherND, Range: their shapes are known', async () => {
  const layer = (input: string, output: string): ReturnType<typeof node>[] => [
    node('QuantizeLinear', [input, 'sx', 'zx'], [`${output}_q`]),
    node('MatMulInteger', [`${output}_q`, 'wq', 'zx'], [output], [], { name: output }),
  ];
  const graph: Graph = {
    nodes: [
      node(
        'LSTM',
        ['x', 'wi', 'wr'],
        ['all', 'last', ''],
        [int('hidden_size', 2), text('direction', 'bidirectional')],
        {
          name: 'lstm',
        },
      ),
      ...layer('all', 'a'),
      ...layer('last', 'b'),
      node('TopK', ['x', 'two'], ['top', 'places'], [int('axis', -1)]),
      ...layer('top', 'c'),
      node('Einsum', ['x', 'wf'], ['e'], [text('equation', 'tbi,ij->tbj')]),
      ...layer('e', 'd'),
      node('GatherND', ['x', 'tuples'], ['g']),
      node('Slice', ['g', 'from', 'to', 'axes'], ['cut']),
      ...layer('cut', 'f'),
      node('Range', ['zero', 'six', 'two0'], ['r']),
      node('Gather', ['x', 'r'], ['picked'], [int('axis', 0)]),
      node('Slice', ['picked', 'from', 'to', 'end'], ['cut2']),
      ...layer('cut2', 'h'),
    ],
    initializers: [
      ...constants.slice(0, 4),
      tensor(
        'wi',
        'float32',
        [2, 8, 4],
        Array.from({ length: 64 }, (_, index) => Math.sin(index)),
      ),
      tensor(
        'wr',
        'float32',
        [2, 8, 2],
        Array.from({ length: 32 }, (_, index) => Math.cos(index)),
      ),
      tensor('two', 'int64', [1], [2]),
      tensor('wf', 'float32', [4, 2], [1, 0, 0, 1, 1, 0, 0, 1]),
      tensor('tuples', 'int64', [3, 2], [0, 0, 5, 0, 2, 0]),
      tensor('from', 'int64', [1], [0]),
      tensor('to', 'int64', [1], [2]),
      tensor('axes', 'int64', [1], [1]),
      tensor('end', 'int64', [1], [2]),
      scalar('zero', 'int64', 0),
      scalar('six', 'int64', 6),
      scalar('two0', 'int64', 2),
    ],
    inputs: [value('x', 'float32', [6, 1, 4])],
    outputs: [
      value('a', 'int32', [6, 2, 1, 2]),
      value('b', 'int32', [2, 1, 2]),
      value('c', 'int32', [6, 1, 2]),
      value('d', 'int32', [6, 1, 2]),
      value('f', 'int32', [3, 2]),
      value('h', 'int32', [3, 1, 2]),
    ],
  };
  const data = Array.from({ length: 24 }, (_, index) => ((index * 7) % 11) - 5);
  const { report } = await run(graph, [6, 1, 4], data);
  expect(report.layers.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'f', 'h']);
  expect(report.clear.map(({ op, reason }) => [op, reason])).toEqual([
    ['LSTM', 'not supported yet: recurrent layers'],
    ['Einsum', 'not supported yet: Einsum'],
  ]);
});

it('the product of two activations is named for what it is', () => {
  const twice: Graph = {
    nodes: [
      ...operands,
      node('MatMul', ['d', 'w'], ['p']),
      node('Transpose', ['p'], ['t']),
      node('MatMul', ['p', 't'], ['y']),
    ],
    initializers: constants,
    inputs: [x],
    outputs: [value('y', 'float32', [1, 1])],
  };
  expect(importModel(encodeModel(twice)).unsupported.map(({ reason }) => reason)).toEqual([
    'both operands are computed at run time',
  ]);
});
