import { expect, test } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { clearLogits } from '../../src/network/clearNetwork.ts';
import { importNetwork } from '../../src/network/importNetwork.ts';
import type { ImportedNetwork } from '../../src/network/importNetwork.ts';
import { rationalOf } from '../../src/network/rational.ts';
import { encodeModel, int, node, scalar, tensor, value } from '../frontend/onnx/models.ts';
import type { Graph, TensorInit } from '../frontend/onnx/models.ts';
import { interpreted } from '../support/interpreted.ts';
import { errorOf } from '../support/simple.ts';

/** Small models that an importer could take for other networks than they are. */

type Nodes = Graph['nodes'];

interface Change {
  readonly before?: Nodes;
  /** From `in` to `out`. */
  readonly middle?: Nodes;
  readonly initializers?: readonly TensorInit[];
  readonly inputs?: Graph['inputs'];
}

const QUANTIZED = [
  node('Clip', ['x', 'low', 'high'], ['cut']),
  node('QuantizeLinear', ['cut', 'step', 'zero'], ['levels']),
];
const BEFORE = [...QUANTIZED, node('DequantizeLinear', ['levels', 'one', 'zero'], ['in'])];
const DEFAULTS = [
  scalar('low', 'float32', 0),
  scalar('high', 'float32', 255),
  scalar('step', 'float32', 85),
  scalar('one', 'float32', 1),
  scalar('half', 'float32', 0.5),
  scalar('zero', 'uint8', 0),
  tensor('matrix', 'float32', [4, 2], [1, 2, 3, -1, 1, 0, 2, 1]),
];

function modelOf({ before = BEFORE, middle, initializers = [], inputs }: Change): Uint8Array {
  return encodeModel({
    nodes: [
      ...before,
      ...(middle ?? [node('Identity', ['in'], ['out'])]),
      node('Mul', ['out', 'out'], ['squares']),
      node('MatMul', ['squares', 'matrix'], ['y']),
    ],
    initializers: [...DEFAULTS, ...initializers],
    inputs: inputs ?? [value('x', 'float32', [1, 4])],
    outputs: [value('y', 'float32', [1, 2])],
  });
}

function imported(change: Change): ImportedNetwork {
  return importNetwork(importModel(modelOf(change)));
}

const second = (step: string, from = 'cut'): Nodes[number] =>
  node('QuantizeLinear', [from, step, 'zero'], ['again']);

test.each([
  ['another scale', [...BEFORE, second('one')]],
  ['another range', [...BEFORE, second('step', 'x')]],
  ['another zero point', [...BEFORE, node('QuantizeLinear', ['cut', 'step', 'other'], ['again'])]],
])('a second quantization of the input with %s is refused', (_, before) => {
  expect(errorOf(() => imported({ before, initializers: [scalar('other', 'uint8', 1)] }))).toMatchObject({
    code: 'unsupported',
    details: { message: expect.stringMatching(/an input that is quantized in two ways/) },
  });
});

test('the same quantization twice is one', () => {
  expect(imported({ before: [...BEFORE, second('step')] })).toEqual(imported({}));
});

const cast = (from: string, type: number, to: string): Nodes[number] =>
  node('Cast', [from], [to], [int('to', type)]);
const [FLOAT, INT32, BOOL, DOUBLE] = [1, 6, 9, 11] as const;

test.each([
  ['int32', [cast('in', INT32, 'whole'), cast('whole', FLOAT, 'out')]],
  ['bool', [cast('in', BOOL, 'whole'), cast('whole', FLOAT, 'out')]],
])('Cast to %s between layers is refused', (type, middle) => {
  expect(errorOf(() => imported({ middle }))).toMatchObject({
    code: 'unsupported',
    details: { message: expect.stringContaining(`Cast to ${type}`) },
  });
});

test.each([
  ['int32', INT32],
  ['bool', BOOL],
])('Cast of the input to %s is refused', (type, code) => {
  const before = [
    cast('x', code, 'whole'),
    cast('whole', FLOAT, 'back'),
    node('QuantizeLinear', ['back', 'step', 'zero'], ['levels']),
    BEFORE[2]!,
  ];
  expect(errorOf(() => imported({ before }))).toMatchObject({
    code: 'unsupported',
    details: { message: expect.stringContaining(`Cast to ${type}`) },
  });
});

test('Cast to other floats keeps the network', () => {
  const middle = [cast('in', DOUBLE, 'wide'), cast('wide', FLOAT, 'out')];
  expect(imported({ middle })).toEqual(imported({}));
});

test.each(['Add', 'Sub', 'Mul'])('%s of the integers of the input is refused: it wraps', (op) => {
  const inputs = [value('x', 'uint8', [1, 4])];
  const before = [
    node(op, ['x', 'bytes'], ['sum']),
    node('DequantizeLinear', ['sum', 'one', 'zero'], ['in']),
  ];
  const initializers = [tensor('bytes', 'uint8', [1], [200])];
  expect(errorOf(() => imported({ inputs, before, initializers }))).toMatchObject({
    code: 'unsupported',
    details: { message: expect.stringContaining(`${op} to uint8`) },
  });
});

test('Div of integers is refused: it cuts', () => {
  const inputs = [value('x', 'uint8', [1, 4])];
  const before = [
    node('Div', ['x', 'bytes'], ['sum']),
    node('DequantizeLinear', ['sum', 'one', 'zero'], ['in']),
  ];
  const initializers = [scalar('bytes', 'uint8', 2)];
  expect(errorOf(() => imported({ inputs, before, initializers }))).toMatchObject({
    code: 'unsupported',
    details: { message: expect.stringContaining('Div to uint8') },
  });
});

const WRONG = [NaN, Infinity, -Infinity, 0];

test.each(WRONG)('a scale or divisor of %d is refused by name', (wrong) => {
  const initializers = [scalar('wrong', 'float32', wrong)];
  const expected = {
    code: 'unsupported',
    details: { message: expect.stringContaining(`wrong is ${wrong}`) },
  };
  const cases: readonly Change[] = [
    { before: [...QUANTIZED, node('DequantizeLinear', ['levels', 'wrong', 'zero'], ['in'])] },
    { before: [QUANTIZED[0]!, node('QuantizeLinear', ['cut', 'wrong', 'zero'], ['levels']), BEFORE[2]!] },
    { middle: [node('Div', ['in', 'wrong'], ['out'])] },
  ];
  for (const change of cases)
    expect(errorOf(() => imported({ ...change, initializers }))).toMatchObject(expected);
});

test('no fraction stands for NaN and infinities', () => {
  for (const wrong of WRONG.slice(0, 3)) expect(() => rationalOf(wrong)).toThrow(RangeError);
  expect(rationalOf(0)).toEqual({ numerator: 0n, denominator: 1n });
});

test.each([
  ['NaN', [scalar('bound', 'float32', NaN)], /bound is not one number/],
  ['a bound that is no constant', [], /an operand that is no constant \(x\)/],
] as const)('Clip of the input by %s is refused', (_, initializers, message) => {
  const bound = initializers.length === 0 ? 'x' : 'bound';
  const before = [node('Clip', ['x', 'low', bound], ['cut']), ...BEFORE.slice(1)];
  expect(errorOf(() => imported({ before, initializers }))).toMatchObject({
    code: 'unsupported',
    details: { message: expect.stringMatching(message) },
  });
});

test('a constant minus the encrypted value is computed', async () => {
  const change = {
    middle: [node('Sub', ['half', 'in'], ['minus']), node('Add', ['minus', 'half'], ['out'])],
  };
  const whole = { middle: [node('Sub', ['one', 'in'], ['out'])] };
  const { spec } = imported(whole);
  expect(errorOf(() => imported(change))).toMatchObject({ code: 'unsupported' });
  const x = Float32Array.from([0, 85, 170, 255]);
  const factor = Number(spec.output.scale.numerator) / Number(spec.output.scale.denominator);
  const scores = clearLogits(spec, Float64Array.from([0, 1, 2, 3])).map((logit) => Number(logit) * factor);
  expect(await interpreted(modelOf(whole), { name: 'x', shape: [1, 4], data: x }, 'y')).toEqual(scores);
});
