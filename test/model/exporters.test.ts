/** Models that onnxruntime refuses as they are written, and that run all the same. */
import { create, toBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { ModelProtoSchema } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { encodeModel, float, int, ints, node, scalar, tensor, text, value } from '../frontend/onnx/models.ts';
import type { Graph } from '../frontend/onnx/models.ts';

/** All outputs of the encrypted run, which must be equal to the cleartext one. */
async function outputs(
  bytes: Uint8Array,
  shape: readonly number[],
  data: readonly number[],
): Promise<number[]> {
  const plan = compileModel(importModel(bytes));
  expect(plan.clear).toEqual([]);
  const result = await runModel(plan, new Map([['x', typedTensor('float32', shape, data, 'x')]]));
  expect(result.report.match).toBe(true);
  expect(result.report.layers.length).toBeGreaterThan(0);
  return [...result.outputs.values()].flatMap(({ data: values }) => Array.from(values, Number));
}

/** Quant of x to 0, 0.5, 1, 1.5; weights 1 and -2 in quarters: a dense layer of one output. */
const qkeras: Graph = {
  opset: 9,
  domains: ['qonnx.custom_op.general'],
  nodes: [
    node(
      'Quant',
      ['x', 'sx', 'z', 'bits'],
      ['xq'],
      [int('signed', 0), int('narrow', 0), text('rounding_mode', 'ROUND')],
      { domain: 'qonnx.custom_op.general' },
    ),
    node(
      'Quant',
      ['w', 'sw', 'z', 'bits'],
      ['wq'],
      [int('signed', 1), int('narrow', 0), text('rounding_mode', 'ROUND')],
      { domain: 'qonnx.custom_op.general' },
    ),
    node('MatMul', ['xq', 'wq'], ['y']),
  ],
  initializers: [
    scalar('sx', 'double', 0.5),
    scalar('sw', 'double', 0.25),
    scalar('z', 'int64', 0),
    scalar('bits', 'int64', 2),
    tensor('w', 'float32', [2, 1], [0.3, -0.5]),
  ],
  inputs: [value('x', 'float32', [1, 2])],
  outputs: [value('y', 'float32', [1, 1])],
};

it('QKeras: scales are doubles, zero points and widths int64', async () => {
  expect(await outputs(encodeModel(qkeras), [1, 2], [1.1, 9])).toEqual([1 * 0.25 - 1.5 * 0.5]);
});

it('Quantlab: notes of its own on standard operators', async () => {
  const note = (name: string): ReturnType<typeof int> => int(name, 2);
  const model: Graph = {
    opset: 10,
    nodes: [
      node('Floor', ['x'], ['c'], [note('out_bits')]),
      node('Clip', ['c'], ['f'], [float('min', 0), float('max', 3), note('out_bits')]),
      node(
        'Conv',
        ['f', 'w'],
        ['a'],
        [ints('kernel_shape', [1, 1]), note('weight_bits'), int('bias_bits', 32)],
      ),
      node('Mul', ['a', 'm'], ['b'], [int('mult_bits', 32)]),
      node('Add', ['b', 'm'], ['y'], [int('add_bits', 32)]),
    ],
    initializers: [tensor('w', 'float32', [1, 1, 1, 1], [-2]), scalar('m', 'float32', 5)],
    inputs: [value('x', 'float32', [1, 1, 1, 3])],
    outputs: [value('y', 'float32', [1, 1, 1, 3])],
  };
  expect(await outputs(encodeModel(model), [1, 1, 1, 3], [-4, 2.5, 7])).toEqual([5, -15, -25]);
});

it('a version of the format that onnxruntime does not know, and two nodes of one name', async () => {
  const product = (input: string, output: string): ReturnType<typeof node> =>
    node('Identity', [input], [output], [], { name: 'same' });
  const message = create(ModelProtoSchema, {
    irVersion: 99n,
    opsetImport: [{ domain: '', version: 13n }],
    graph: {
      name: 'names',
      node: [
        product('x', 'a'),
        node('QuantizeLinear', ['a', 's', 'z'], ['q'], [], { name: 'same' }),
        node('MatMulInteger', ['q', 'w', 'z'], ['i']),
        node('Cast', ['i'], ['f'], [int('to', 1)]),
        product('f', 'y'),
      ],
      initializer: [
        scalar('s', 'float32', 0.5),
        scalar('z', 'uint8', 3),
        tensor('w', 'uint8', [2, 1], [2, 5]),
      ],
      input: [value('x', 'float32', [1, 2])],
      output: [value('y', 'float32', [1, 1])],
    },
  });
  expect(await outputs(toBinary(ModelProtoSchema, message), [1, 2], [1, -0.5])).toEqual([2 * 2 - 5]);
});
