import { float, int, ints, text } from '../frontend/onnx/models.ts';
import { f, list, PICTURE, unary, within } from './inputs.ts';
import type { Case } from './runNode.ts';

/** Sums in another order, or functions that runtimes approximate: how many differ, and by how many units in the last place. */
export const STATISTIC: Readonly<Record<string, Case>> = {
  Exp: unary('Exp'),
  Log: unary('Log', within(0.1, 9, 2, 3, 5)),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Erf: unary('Erf'),
  Softplus: unary('Softplus'),
  Softsign: unary('Softsign'),
  HardSwish: unary('HardSwish'),
  Elu: unary('Elu'),
  Selu: unary('Selu'),
  Mish: unary('Mish'),
  Gelu: unary('Gelu'),
  Sin: unary('Sin'),
  Cos: unary('Cos'),
  Atan: unary('Atan'),
  Pow: { op: 'Pow', inputs: [within(0.1, 3, 3, 4), f(4)], outputs: [['float32', [3, 4]]] },
  Mean: { op: 'Mean', inputs: [f(3, 4), f(4), f(3, 1)], outputs: [['float32', [3, 4]]] },
  Softmax: {
    op: 'Softmax',
    inputs: [f(2, 5, 3)],
    attributes: [int('axis', 1)],
    outputs: [['float32', [2, 5, 3]]],
  },
  'Softmax of opset 11': {
    op: 'Softmax',
    inputs: [f(2, 5, 3)],
    outputs: [['float32', [2, 5, 3]]],
    opset: 11,
  },
  LogSoftmax: { op: 'LogSoftmax', inputs: [f(4, 10)], outputs: [['float32', [4, 10]]] },
  BatchNormalization: {
    op: 'BatchNormalization',
    inputs: [f(...PICTURE), f(3), f(3), f(3), within(0.1, 3, 3)],
    outputs: [['float32', [...PICTURE]]],
    opset: 15,
  },
  AveragePool: {
    op: 'AveragePool',
    inputs: [f(...PICTURE)],
    attributes: [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1]), ints('strides', [2, 2])],
    outputs: [['float32', [2, 3, 4, 3]]],
  },
  'AveragePool that counts its pads, rounded up': {
    op: 'AveragePool',
    inputs: [f(...PICTURE)],
    attributes: [
      ints('kernel_shape', [3, 3]),
      ints('pads', [1, 1, 1, 1]),
      ints('strides', [3, 2]),
      int('count_include_pad', 1),
      int('ceil_mode', 1),
    ],
    outputs: [['float32', [2, 3, 3, 4]]],
  },
  GlobalAveragePool: {
    op: 'GlobalAveragePool',
    inputs: [f(...PICTURE)],
    outputs: [['float32', [2, 3, 1, 1]]],
  },
  ReduceMean: { op: 'ReduceMean', inputs: [f(2, 3, 4), list(1, 2)], outputs: [['float32', [2, 1, 1]]] },
  ReduceL2: { op: 'ReduceL2', inputs: [f(2, 3, 4), list(-1)], outputs: [['float32', [2, 3, 1]]] },
  ReduceLogSumExp: {
    op: 'ReduceLogSumExp',
    inputs: [f(2, 3, 4), list(-1)],
    outputs: [['float32', [2, 3, 1]]],
  },
  Conv: {
    op: 'Conv',
    inputs: [f(1, 4, 7, 6), f(6, 2, 3, 3), f(6)],
    attributes: [int('group', 2), ints('pads', [1, 1, 1, 1])],
    outputs: [['float32', [1, 6, 7, 6]]],
  },
  'Conv of three axes': {
    op: 'Conv',
    inputs: [f(1, 2, 4, 5, 6), f(3, 2, 2, 3, 3)],
    attributes: [ints('strides', [1, 2, 1])],
    outputs: [['float32', [1, 3, 3, 2, 4]]],
  },
  'ConvTranspose, SAME_UPPER': {
    op: 'ConvTranspose',
    inputs: [f(1, 3, 5, 4), f(3, 2, 3, 3), f(2)],
    attributes: [ints('strides', [2, 2]), text('auto_pad', 'SAME_UPPER')],
    outputs: [['float32', [1, 2, 10, 8]]],
  },
  'ConvTranspose of three axes': {
    op: 'ConvTranspose',
    inputs: [f(1, 2, 3, 4, 2), f(2, 1, 2, 3, 2)],
    attributes: [ints('strides', [2, 1, 2])],
    outputs: [['float32', [1, 1, 6, 6, 4]]],
  },
  MatMul: { op: 'MatMul', inputs: [f(2, 4, 9), f(9, 5)], outputs: [['float32', [2, 4, 5]]] },
  Gemm: {
    op: 'Gemm',
    inputs: [f(9, 4), f(5, 9), f(5)],
    attributes: [int('transA', 1), int('transB', 1), float('alpha', 0.5), float('beta', 2)],
    outputs: [['float32', [4, 5]]],
  },
};
