/**
 * Forms of legal models, each run under SEAL: its integers are those in the clear, and its scores those of onnxruntime, or of the
 * interpreter for QONNX, which onnxruntime does not know. What cannot be computed is refused by its reason.
 */
import { describe, expect, test } from 'vitest';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import type { ElementType } from '../../src/frontend/onnx/proto/codes.ts';
import { importNetwork } from '../../src/network/importNetwork.ts';
import { inputLevels, scoresOf } from '../../src/network/port.ts';
import { openNetworkRunner } from '../../src/network/runNetwork.ts';
import { encodeModel, float, int, ints, node, scalar, tensor, value } from '../frontend/onnx/models.ts';
import type { Attribute, Graph, TensorInit } from '../frontend/onnx/models.ts';
import { interpreted } from '../support/interpreted.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { errorOf } from '../support/simple.ts';

interface Part {
  readonly nodes?: Graph['nodes'];
  readonly initializers?: readonly TensorInit[];
}

const SHAPE = [1, 2, 4, 4] as const;
const QONNX = 'qonnx.custom_op.general';

/** Small weights, both signs. */
const weights = (name: string, shape: readonly number[], type: ElementType = 'float32'): TensorInit =>
  tensor(
    name,
    type,
    shape,
    Array.from({ length: elementCount(shape) }, (_, at) => ((at * 5) % 7) - 3),
  );

const part = (nodes: Graph['nodes'], ...initializers: TensorInit[]): Part => ({ nodes, initializers });

/** The input `x`, cut to [lo, hi], in levels of `type`, as floats `in`. */
const quantized = (type: ElementType, zeroPoint: number, [lo, hi]: readonly [number, number]): Part =>
  part(
    [
      node('Clip', ['x', 'lo', 'hi'], ['cut']),
      node('QuantizeLinear', ['cut', 'step', 'zero'], ['levels']),
      node('DequantizeLinear', ['levels', 'one', 'zero'], ['in']),
    ],
    scalar('lo', 'float32', lo),
    scalar('hi', 'float32', hi),
    scalar('step', 'float32', 85),
    scalar('one', 'float32', 1),
    scalar('zero', type, zeroPoint),
  );
const BYTES = quantized('uint8', 0, [0, 255]);

const quant = (
  from: string,
  to: string,
  scale: number,
  bits: number,
  more: readonly Attribute[],
  zero = 0,
): Part =>
  part(
    [node('Quant', [from, `${to} scale`, `${to} zero`, `${to} bits`], [to], more, { domain: QONNX })],
    scalar(`${to} scale`, 'float32', scale),
    scalar(`${to} zero`, 'float32', zero),
    scalar(`${to} bits`, 'float32', bits),
  );

const convolution = (filter: string, ...more: readonly string[]): Part =>
  part([node('Conv', ['in', filter, ...more], ['out'], [ints('pads', [1, 0, 1, 0])])]);
const FILTER = part([], weights('w', [2, 2, 3, 3]));
const CONVOLUTION: readonly Part[] = [FILTER, convolution('w')];

/** `out` squared, and two scores of it. */
const scores = (count: number): Part =>
  part(
    [
      node('Mul', ['out', 'out'], ['squares']),
      node('Flatten', ['squares'], ['flat']),
      node('MatMul', ['flat', 'matrix'], ['y']),
    ],
    weights('matrix', [count, 2]),
  );

function modelOf(parts: readonly Part[], more: Partial<Graph> = {}): Uint8Array {
  return encodeModel({
    nodes: parts.flatMap(({ nodes }) => nodes ?? []),
    initializers: parts.flatMap(({ initializers }) => initializers ?? []),
    inputs: [value('x', 'float32', SHAPE)],
    outputs: [value('y', 'float32', [1, 2])],
    opset: 21,
    domains: [QONNX],
    ...more,
  });
}

interface Computed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
  readonly range: readonly [number, number];
}

/** Under SEAL; `run` has compared the integers with those in the clear. */
async function computed(bytes: Uint8Array, data: Float64Array): Promise<Computed> {
  const { spec, port } = importNetwork(importModel(bytes));
  using runner = await openNetworkRunner(compileNetwork(spec));
  const input = { shape: port.shape, data };
  const { report, logits } = await runner.run(inputLevels(port, spec.input, input));
  expect(report).toMatchObject({ match: true, mismatches: 0 });
  const { shape, data: values } = scoresOf(spec.output, logits);
  return { shape, data: [...values], range: [spec.input.range.lo, spec.input.range.hi] };
}

const picture = (low: number): Float64Array =>
  Float64Array.from({ length: 32 }, (_, at) => ((at * 37) % 256) + 0.25 + low);

const squaresOnly = part([node('Mul', ['in', 'in'], ['y'])]);
const twoDense = (...added: Graph['nodes']): readonly Part[] => [
  part(
    [
      node('Reshape', ['in', 'row'], ['vector']),
      node('MatMul', ['vector', 'first'], ['product']),
      ...(added.length > 0 ? added : [node('Identity', ['product'], ['sum'])]),
      node('Mul', ['sum', 'sum'], ['squares']),
      node('MatMul', ['squares', 'second'], ['y']),
    ],
    tensor('row', 'int64', [3], [1, 1, 32]),
    weights('first', [32, 3]),
    weights('second', [3, 2]),
    weights('added', [1, 1, 3]),
  ),
];

type Case = readonly [
  name: string,
  parts: readonly Part[],
  range: readonly [number, number],
  outputs?: readonly number[],
];

const CASES: readonly Case[] = [
  ['int8 input', [quantized('int8', 0, [-170, 170]), ...CONVOLUTION, scores(16)], [-2, 2]],
  ['int16 input', [quantized('int16', 0, [-170, 170]), ...CONVOLUTION, scores(16)], [-2, 2]],
  [
    'uint16 input about 1000',
    [quantized('uint16', 1000, [-170, 170]), ...CONVOLUTION, scores(16)],
    [998, 1002],
  ],
  [
    'zero point of uint8 in the middle',
    [quantized('uint8', 128, [-170, 170]), ...CONVOLUTION, scores(16)],
    [126, 130],
  ],
  [
    'zero point of int8 at an end',
    [quantized('int8', -128, [0, 255]), ...CONVOLUTION, scores(16)],
    [-128, -125],
  ],
  [
    'a Clip beyond the type',
    [quantized('int8', -126, [-1e9, 300]), ...CONVOLUTION, scores(16)],
    [-128, -122],
  ],
  [
    'a grouped first convolution',
    [
      BYTES,
      part([node('Conv', ['in', 'w'], ['out'], [int('group', 2)])], weights('w', [4, 1, 3, 3])),
      scores(16),
    ],
    [0, 3],
  ],
  [
    'Gemm with transB and a bias row',
    [
      BYTES,
      part(
        [node('Flatten', ['in'], ['row']), node('Gemm', ['row', 'w', 'b'], ['out'], [int('transB', 1)])],
        weights('w', [3, 32]),
        weights('b', [1, 3]),
      ),
      scores(3),
    ],
    [0, 3],
  ],
  ['MatMul of [1, 1, n]', [BYTES, ...twoDense()], [0, 3], [1, 1, 2]],
  [
    'a sum with [1, 1, n]',
    [BYTES, ...twoDense(node('Add', ['product', 'added'], ['sum']))],
    [0, 3],
    [1, 1, 2],
  ],
  [
    'MatMul of every row',
    [BYTES, part([node('MatMul', ['in', 'w'], ['out'])], weights('w', [4, 3])), scores(24)],
    [0, 3],
  ],
  ['the input itself', [BYTES, part([node('Identity', ['in'], ['y'])])], [0, 3], SHAPE],
  ['as many outputs as inputs', [BYTES, squaresOnly], [0, 3], SHAPE],
  [
    'scales of every filter that are powers of two',
    [
      BYTES,
      part(
        [node('DequantizeLinear', ['q', 'scales', 'zeros'], ['w'], [int('axis', 0)])],
        weights('q', [2, 2, 3, 3], 'int8'),
        tensor('scales', 'float32', [2], [0.5, 0.25]),
        tensor('zeros', 'int8', [2], [1, -1]),
      ),
      convolution('w'),
      scores(16),
    ],
    [0, 3],
  ],
];

const cases = CASES.map(([name, parts, range, outputs = [1, 2]]) => [name, parts, range, outputs] as const);

test.each(cases)('%s: under SEAL as in onnxruntime', async (_, parts, range, outputs) => {
  const bytes = modelOf(parts, { outputs: [value('y', 'float32', outputs)] });
  const data = picture(range[0] === 0 ? 0 : -120);
  const reference = await runInOnnxruntime(
    bytes,
    [{ name: 'x', type: 'float32', shape: SHAPE, data: [...data] }],
    'disabled',
  );
  const { shape, data: expected } = reference.get('y')!;
  expect(await computed(bytes, data)).toEqual({ shape, data: expected, range });
});

const SIGNED = [int('signed', 1), int('narrow', 0)];
const UNSIGNED = [int('signed', 0), int('narrow', 0)];
const WEIGHTS = [FILTER, quant('w', 'q', 0.125, 3, SIGNED), convolution('q'), scores(16)];

const QUANTS: readonly Case[] = [
  ['Quant of the input', [quant('x', 'in', 32, 2, UNSIGNED), ...CONVOLUTION, scores(16)], [0, 3]],
  ['Quant of input and weights', [quant('x', 'in', 32, 3, UNSIGNED), ...WEIGHTS], [0, 7]],
  ['a narrow, signed one', [quant('x', 'in', 32, 3, [int('narrow', 1)]), ...WEIGHTS], [-3, 3]],
  [
    'a zero point of weights, and biases',
    [
      quant('x', 'in', 32, 3, UNSIGNED),
      FILTER,
      quant('w', 'q', 0.125, 3, SIGNED, 1),
      part([], tensor('b', 'float32', [2], [17, -26])),
      quant('b', 'bias', 4, 8, SIGNED),
      convolution('q', 'bias'),
      scores(16),
    ],
    [0, 7],
  ],
  [
    'BipolarQuant of weights',
    [
      quant('x', 'in', 32, 3, UNSIGNED),
      FILTER,
      part(
        [node('BipolarQuant', ['w', 'size'], ['q'], [], { domain: QONNX })],
        scalar('size', 'float32', 0.25),
      ),
      convolution('q'),
      scores(16),
    ],
    [0, 7],
  ],
];

const quants = QUANTS.map(([name, parts, range]) => [name, parts, range] as const);

test.each(quants)('QONNX, %s: under SEAL as in the interpreter', async (_, parts, range) => {
  const bytes = modelOf(parts);
  const data = picture(range[0] === 0 ? 0 : -120);
  const found = await computed(bytes, data);
  const expected = await interpreted(bytes, { name: 'x', shape: SHAPE, data: Float32Array.from(data) }, 'y');
  expect(found.range).toEqual(range);
  // Scales are powers of two: float32 holds every product and sum of the interpreter exactly.
  expect([...found.data]).toEqual([...expected]);
});

describe('refused by its reason', () => {
  const batchNormalization = (from: string, to: string): Part =>
    part(
      [node('BatchNormalization', [from, 'g', 'b', 'mean', 'var'], [to], [float('epsilon', 1e-5)])],
      ...['g', 'b', 'mean', 'var'].map((name) => tensor(name, 'float32', [2], [1, 2])),
    );
  const gemm = (...attributes: readonly Attribute[]): Part =>
    part(
      [
        node('Flatten', ['in'], ['row']),
        node('Gemm', ['row', 'w'], ['outer'], attributes),
        node('Reshape', ['outer', 'shape'], ['out']),
      ],
      weights('w', [1, 3]),
      tensor('shape', 'int64', [2], [1, 96]),
    );
  const odd = quant('x', 'in', 85, 3, UNSIGNED, 1);
  const up = quant('x', 'in', 85, 3, [
    ...UNSIGNED,
    { name: 'rounding_mode', type: 3, s: new TextEncoder().encode('CEIL') },
  ]);
  const refused: readonly (readonly [string, Uint8Array, RegExp, RegExp])[] = [
    [
      'BatchNormalization',
      modelOf([
        BYTES,
        FILTER,
        part([node('Conv', ['in', 'w'], ['c'])]),
        batchNormalization('c', 'out'),
        scores(8),
      ]),
      /BatchNormalization "out": .*whose factors are floats/,
      /fold it into the layer before/,
    ],
    [
      'a Quant about 1',
      modelOf([odd, ...CONVOLUTION, scores(16)]),
      /Quant "in": .*zero point 1/,
      /zero point 0/,
    ],
    ['a Quant that rounds up', modelOf([up, ...CONVOLUTION, scores(16)]), /Quant "in": .*CEIL/, /ROUND/],
    ['transA', modelOf([BYTES, gemm(int('transA', 1)), scores(96)]), /Gemm "outer": .*transA/, /batch first/],
    [
      'integers as output',
      modelOf([BYTES], { outputs: [value('levels', 'uint8', SHAPE)] }),
      /levels: .*output is of integers/,
      /DequantizeLinear/,
    ],
    [
      'scales of filters that are no powers of two',
      modelOf([
        BYTES,
        FILTER,
        part(
          [node('Quant', ['w', 'scales', 'none', 'three'], ['q'], SIGNED, { domain: QONNX })],
          tensor('scales', 'float32', [2, 1, 1, 1], [0.1, 0.2]),
          scalar('none', 'float32', 0),
          scalar('three', 'float32', 3),
        ),
        convolution('q'),
        scores(16),
      ]),
      /several scales or zero points \(q\)/,
      /per tensor/,
    ],
    [
      'several inputs',
      modelOf([BYTES, part([node('Add', ['in', 'z'], ['out'])]), scores(32)], {
        inputs: [value('x', 'float32', SHAPE), value('z', 'float32', SHAPE)],
      }),
      /input is not one tensor.*\n.*\n.*x \[1, 2, 4, 4\], z \[1, 2, 4, 4\]/,
      /--bind/,
    ],
  ];
  test.each(refused)('%s', (_, bytes, message, hint) => {
    const error = errorOf(() => importNetwork(importModel(bytes)));
    expect(error).toMatchObject({ code: 'unsupported', details: { hint: expect.stringMatching(hint) } });
    expect((error as Error).message).toMatch(message);
  });
});
