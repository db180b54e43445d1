/**
 * The table of operators in docs/tflite.md: which types each takes is tried, not claimed. UPDATE_DOCS=1 writes the table.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type {
  FixedPointOperation,
  FixedPointTensor,
  OperatorName,
} from '../../src/interpreter/fixedPoint/node.ts';
import { OPERATORS } from '../../src/interpreter/fixedPoint/registry.ts';
import type { ElementType } from '../../src/frontend/onnx/proto/codes.ts';
import { ROOT } from '../cli/spawnCli.ts';
import { constant, isAccepted, tensor } from '../interpreter/fixedPoint/evaluated.ts';
import type { Given } from '../interpreter/fixedPoint/evaluated.ts';

const page = join(ROOT, 'docs/tflite.md');
const [BEGIN, END] = ['<!-- operators: begin -->', '<!-- operators: end -->'];

/** What the page says of an operator beside its types. */
interface Row {
  /** A call of it on tensors of these types. */
  readonly call: (input: FixedPointTensor, output: FixedPointTensor) => Call;
  readonly note: string;
}

interface Call {
  readonly operation: FixedPointOperation;
  readonly inputs: readonly (FixedPointTensor | Given | null)[];
  readonly output?: FixedPointTensor;
}

const WINDOW = { padding: 'SAME', strides: [1, 1], activation: 'NONE' } as const;
const DILATED = { ...WINDOW, dilations: [1, 1] } as const;
const SHAPE = [1, 2, 2, 2];
const filter = (shape: readonly number[]): FixedPointTensor => tensor('int8', shape, [0.5]);
const alone =
  (operation: FixedPointOperation): Row['call'] =>
  (input) => ({ operation, inputs: [input] });
const paired =
  (operation: FixedPointOperation): Row['call'] =>
  (input) => ({ operation, inputs: [input, input] });
const listed =
  (operation: FixedPointOperation, list: Given): Row['call'] =>
  (input) => ({ operation, inputs: [input, list] });

/** Integers of SOFTMAX and LOGISTIC have one grid. */
const shares = (
  input: FixedPointTensor,
  { type, shape }: FixedPointTensor,
  operation: FixedPointOperation,
): Call => ({
  operation,
  inputs: [input],
  output:
    type === 'int16' ? tensor(type, shape, [2 ** -16], [-32768]) : tensor(type, shape, [2 ** -8], [-128]),
});

const ENCRYPTED = 'encrypted';
const AS_IS = 'integers are moved as they are, whatever the scales';

const ROWS: Readonly<Record<Exclude<OperatorName, 'REQUANTIZE'>, Row>> = {
  ADD: { call: paired({ op: 'ADD', activation: 'NONE' }), note: 'broadcasting' },
  AVERAGE_POOL_2D: {
    call: alone({ op: 'AVERAGE_POOL_2D', ...WINDOW, window: [1, 1] }),
    note: 'the scale of the output is taken to be that of the input',
  },
  CONCATENATION: {
    call: (input) => ({
      operation: { op: 'CONCATENATION', axis: 3, activation: 'NONE' },
      inputs: [
        { ...input, shape: [1, 2, 2, 1] },
        { ...input, shape: [1, 2, 2, 1] },
      ],
    }),
    note: `without an activation; ${AS_IS}`,
  },
  CONV_2D: {
    call: (input) => ({
      operation: { op: 'CONV_2D', ...DILATED, biasType: null },
      inputs: [input, filter([2, 1, 1, 2])],
    }),
    note: `${ENCRYPTED}; groups, dilation, per channel; bias int32, with int16 inputs also int64`,
  },
  DEPTHWISE_CONV_2D: {
    call: (input) => ({
      operation: { op: 'DEPTHWISE_CONV_2D', ...DILATED },
      inputs: [input, filter([1, 1, 1, 2])],
    }),
    note: `${ENCRYPTED}; multiplier, dilation, per channel; bias int32, with int16 inputs int64`,
  },
  DEQUANTIZE: { call: alone({ op: 'DEQUANTIZE' }), note: '' },
  FULLY_CONNECTED: {
    call: (input) => ({
      operation: { op: 'FULLY_CONNECTED', activation: 'NONE', biasType: null },
      inputs: [input, filter([2, 2])],
    }),
    note: `${ENCRYPTED}; per tensor and per channel; bias int32, with int16 inputs also int64`,
  },
  LEAKY_RELU: { call: alone({ op: 'LEAKY_RELU', alpha: 0.5 }), note: 'alpha 0 or more' },
  LOGISTIC: { call: (input, output) => shares(input, output, { op: 'LOGISTIC' }), note: 'see below' },
  MAX_POOL_2D: { call: alone({ op: 'MAX_POOL_2D', ...WINDOW, window: [1, 1] }), note: '' },
  MEAN: {
    call: (input, output) => ({
      operation: { op: 'MEAN', keepDims: true },
      inputs: [input, constant('int32', [3])],
      output: { ...output, shape: [1, 2, 2, 1] },
    }),
    note: 'any axes, which are constant',
  },
  MUL: { call: paired({ op: 'MUL', activation: 'NONE' }), note: 'broadcasting' },
  PAD: {
    call: listed({ op: 'PAD' }, constant('int32', new Array<number>(8).fill(0), [4, 2])),
    note: 'constant paddings; 8 bits with the zero point of the output, others with 0',
  },
  PADV2: {
    call: (input) => ({
      operation: { op: 'PADV2' },
      inputs: [input, constant('int32', new Array<number>(8).fill(0), [4, 2]), tensor(input.type, [])],
    }),
    note: 'constant paddings',
  },
  QUANTIZE: { call: alone({ op: 'QUANTIZE' }), note: '' },
  RELU: { call: alone({ op: 'RELU' }), note: '' },
  RELU6: { call: alone({ op: 'RELU6' }), note: 'clamps on the grid of the input' },
  RELU_0_TO_1: { call: alone({ op: 'RELU_0_TO_1' }), note: 'as TensorFlow Lite; tflite-micro has none' },
  RELU_N1_TO_1: { call: alone({ op: 'RELU_N1_TO_1' }), note: 'as TensorFlow Lite; tflite-micro has none' },
  RESHAPE: { call: alone({ op: 'RESHAPE' }), note: 'to the shape of the output' },
  SOFTMAX: { call: (input, output) => shares(input, output, { op: 'SOFTMAX', beta: 1 }), note: 'see below' },
  SQUEEZE: { call: alone({ op: 'SQUEEZE' }), note: '' },
  STRIDED_SLICE: {
    call: (input) => ({
      operation: {
        op: 'STRIDED_SLICE',
        beginMask: 15,
        endMask: 15,
        ellipsisMask: 0,
        newAxisMask: 0,
        shrinkAxisMask: 0,
      },
      inputs: [input, ...[0, 0, 1].map((value) => constant('int32', [value, value, value, value]))],
    }),
    note: 'constant begin, end and strides, which may leave out the last axes; no ellipsis, no new axes',
  },
  SUB: {
    call: paired({ op: 'SUB', activation: 'NONE' }),
    note: 'broadcasting; ratios of scales in float32, as in tflite-micro',
  },
  TRANSPOSE: {
    call: listed({ op: 'TRANSPOSE' }, constant('int32', [0, 1, 2, 3])),
    note: 'constant permutation',
  },
  TRANSPOSE_CONV: {
    call: (input) => ({
      operation: { op: 'TRANSPOSE_CONV', ...WINDOW },
      inputs: [constant('int32', SHAPE), filter([2, 1, 1, 2]), input],
    }),
    note: `${ENCRYPTED}; per channel; bias int32, with int16 inputs int64`,
  },
};

const TYPES: readonly ElementType[] = ['int8', 'int16', 'int32', 'int64', 'uint8', 'float32', 'bool'];

const described = (type: ElementType): FixedPointTensor =>
  tensor(type, SHAPE, ['int8', 'int16', 'int32', 'uint8'].includes(type) ? [0.5] : []);

/** Pairs of types that it computes: those that stay one type by themselves, then those that change. */
function typesOf({ call }: Row): string {
  const found = TYPES.flatMap((from) =>
    TYPES.flatMap((to) => {
      const { operation, inputs, output = described(to) } = call(described(from), described(to));
      return isAccepted(operation, inputs, output) ? [from === to ? from : `${from} to ${to}`] : [];
    }),
  );
  return found.join(', ');
}

it('docs/tflite.md has the table of operators', () => {
  const rows = Object.entries(ROWS).map(([op, row]) => `| ${op} | ${typesOf(row)} | ${row.note} |`);
  const table = ['| operator | types | |', '| --- | --- | --- |', ...rows].join('\n');
  const text = readFileSync(page, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  const updated = `${text.slice(0, begin)}\n\n${table}\n\n${text.slice(end)}`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, updated);
  // The formatter pads the columns.
  const plain = (markdown: string): string => markdown.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
  expect(plain(readFileSync(page, 'utf8'))).toBe(plain(updated));
});

it('each operator has a row, and takes some type', () => {
  expect(['REQUANTIZE', ...Object.keys(ROWS)].toSorted()).toEqual(Object.keys(OPERATORS).toSorted());
  for (const [op, row] of Object.entries(ROWS)) expect(typesOf(row), op).toMatch(/int8/);
});
