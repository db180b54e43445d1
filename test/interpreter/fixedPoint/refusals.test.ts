/** What has no arithmetic is refused by name, and what contradicts itself is malformed. */
import { describe, expect, it } from 'vitest';
import type { FixedPointOperation, FixedPointTensor } from '../../../src/interpreter/fixedPoint/node.ts';
import { checkFixedPointNode } from '../../../src/interpreter/fixedPoint/check.ts';
import { errorOf } from '../../support/simple.ts';
import { nodeOf, tensor } from './evaluated.ts';

type Case = readonly [
  what: string,
  operation: FixedPointOperation,
  inputs: readonly (FixedPointTensor | null)[],
  output: FixedPointTensor,
];

const int8 = (shape: readonly number[], scale = 1, zeroPoint = 0) =>
  tensor('int8', shape, [scale], [zeroPoint]);
const int16 = (shape: readonly number[], zeroPoint = 0) => tensor('int16', shape, [1], [zeroPoint]);
const CONV = {
  op: 'CONV_2D',
  padding: 'VALID',
  strides: [1, 1],
  dilations: [1, 1],
  activation: 'NONE',
  biasType: null,
} as const;
const image = int8([1, 4, 4, 2]);
const filter = int8([3, 1, 1, 2]);
const output = int8([1, 4, 4, 3]);
const sum = { op: 'ADD', activation: 'NONE' } as const;

const UNSUPPORTED: readonly Case[] = [
  ['LOGISTIC to another scale', { op: 'LOGISTIC' }, [int16([4])], int16([4])],
  [
    'LOGISTIC of int16 of a large scale',
    { op: 'LOGISTIC' },
    [tensor('int16', [4], [2.75])],
    tensor('int16', [4], [2 ** -15]),
  ],
  ['SOFTMAX of int16', { op: 'SOFTMAX', beta: 1 }, [int16([4])], int16([4])],
  ['SOFTMAX to another scale', { op: 'SOFTMAX', beta: 1 }, [int8([4])], int8([4], 2 ** -7, -128)],
  ['SOFTMAX with beta 0', { op: 'SOFTMAX', beta: 0 }, [int8([4])], int8([4], 2 ** -8, -128)],
  ['floats', sum, [tensor('float32', [4]), tensor('float32', [4])], tensor('float32', [4])],
  ['uint8', CONV, [tensor('uint8', [1, 4, 4, 2], [1]), filter], tensor('uint8', [1, 4, 4, 3], [1])],
  ['a filter of floats', CONV, [image, tensor('float32', [3, 1, 1, 2])], output],
  ['a zero point of the filter', CONV, [image, int8([3, 1, 1, 2], 1, 2)], output],
  ['int16 with a zero point', sum, [int16([4], 1), int16([4])], int16([4])],
  ['scales 2^32 apart', CONV, [image, int8([3, 1, 1, 2], 2 ** 32)], output],
  ['a sum far finer than its parts', sum, [int8([4], 2 ** 21), int8([4])], int8([4])],
  ['LEAKY_RELU with a negative slope', { op: 'LEAKY_RELU', alpha: -0.5 }, [int8([4])], int8([4])],
  [
    '2^41 products',
    CONV,
    [int8([1, 2 ** 20, 2 ** 20, 2]), int8([1, 1, 1, 2])],
    int8([1, 2 ** 20, 2 ** 20, 1]),
  ],
  ['a tensor without elements', sum, [int8([0]), int8([0])], int8([0])],
  [
    'an activation of CONCATENATION',
    { op: 'CONCATENATION', axis: 0, activation: 'RELU' },
    [int8([4])],
    int8([4]),
  ],
  ['axes that come in at run time', { op: 'TRANSPOSE' }, [int8([4]), tensor('int32', [1])], int8([4])],
];

const MALFORMED: readonly Case[] = [
  ['another shape of the output', CONV, [image, filter], int8([1, 4, 4, 4])],
  ['a scale of 0', CONV, [image, int8([3, 1, 1, 2], 0)], output],
  ['a scale that is no number', CONV, [image, int8([3, 1, 1, 2], NaN)], output],
  ['two scales for three channels', CONV, [image, tensor('int8', [3, 1, 1, 2], [1, 1])], output],
  ['no scale', CONV, [tensor('int8', [1, 4, 4, 2]), filter], output],
  ['a zero point outside of the type', CONV, [int8([1, 4, 4, 2], 1, 200), filter], output],
  ['a bias of another length', CONV, [image, filter, tensor('int32', [2])], output],
  ['a bias of two rows', CONV, [image, filter, tensor('int32', [2, 3])], output],
  [
    'TRANSPOSE_CONV of three axes',
    { op: 'TRANSPOSE_CONV', padding: 'SAME', strides: [1, 1], activation: 'NONE' },
    [tensor('int32', [4]), int8([3, 1, 1, 2]), int8([4, 4, 2])],
    output,
  ],
  ['a stride of 0', { ...CONV, strides: [0, 1] }, [image, filter], output],
  ['a window larger than the input', CONV, [image, int8([3, 5, 1, 2])], output],
  ['channels that are no groups', CONV, [int8([1, 4, 4, 3]), filter], output],
  ['shapes that do not broadcast', sum, [int8([4]), int8([3])], int8([4])],
  ['a missing input', sum, [int8([4]), null], int8([4])],
  ['one input too few', sum, [int8([4])], int8([4])],
  ['an axis out of range', { op: 'CONCATENATION', axis: 1, activation: 'NONE' }, [int8([4])], int8([4])],
  ['RESHAPE to another count', { op: 'RESHAPE' }, [int8([4])], int8([5])],
  ['SQUEEZE of a longer axis', { op: 'SQUEEZE' }, [int8([2, 2])], int8([4])],
  ['RESHAPE to another type', { op: 'RESHAPE' }, [int8([4])], int16([4])],
];

function refused([, operation, inputs, made]: Case): unknown {
  const { node, tensors } = nodeOf(operation, inputs, made);
  return errorOf(() => {
    checkFixedPointNode(node, tensors, new Map(), 'double');
  });
}

describe('checkFixedPointNode', () => {
  it.each(UNSUPPORTED)('unsupported: %s', (...given) => {
    expect(refused(given)).toMatchObject({
      code: 'unsupported',
      details: {
        where: 'node',
        message: expect.stringContaining(`not supported yet: ${given[1].op}`) as unknown,
      },
    });
  });

  it.each(MALFORMED)('malformed: %s', (...given) => {
    expect(refused(given)).toMatchObject({
      code: 'malformed-model',
      details: { where: 'node', message: expect.stringContaining(given[1].op) as unknown },
    });
  });

  it('takes what is next to them', () => {
    for (const near of [
      ['a bias of one row', CONV, [image, filter, tensor('int32', [1, 3])], output],
      ['a convolution', CONV, [image, filter, tensor('int32', [3])], output],
      ['without a bias', CONV, [image, filter, null], output],
      ['an addition', sum, [int8([4]), int8([1])], int8([4])],
    ] satisfies Case[]) {
      const { node, tensors } = nodeOf(near[1], near[2], near[3]);
      checkFixedPointNode(node, tensors, new Map(), 'double');
    }
  });
});
