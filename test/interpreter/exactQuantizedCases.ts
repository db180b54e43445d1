import { int, ints } from '../frontend/onnx/models.ts';
import { f, scalar, scale, whole, within } from './inputs.ts';
import type { Case } from './runNode.ts';

/** Quantization, and sums of integers and of whole floats. */
export const EXACT_QUANTIZED: Readonly<Record<string, Case>> = {
  QuantizeLinear: {
    op: 'QuantizeLinear',
    inputs: [f(2, 3, 50), scale(), whole('uint8')],
    outputs: [['uint8', [2, 3, 50]]],
  },
  'QuantizeLinear with ties': {
    op: 'QuantizeLinear',
    inputs: [
      { type: 'float32', shape: [7], values: [0.25, 0.75, -0.25, -0.75, 1.25, 200, -200] },
      scalar('float32', 0.5),
      scalar('int8', 3),
    ],
    outputs: [['int8', [7]]],
  },
  'QuantizeLinear per channel': {
    op: 'QuantizeLinear',
    inputs: [f(2, 3, 50), scale(3), whole('int8', 3)],
    attributes: [int('axis', 1)],
    outputs: [['int8', [2, 3, 50]]],
  },
  'QuantizeLinear to int16': {
    op: 'QuantizeLinear',
    inputs: [f(2, 30), within(0.0001, 0.001), scalar('int16', -7)],
    outputs: [['int16', [2, 30]]],
  },
  'DequantizeLinear per channel': {
    op: 'DequantizeLinear',
    inputs: [whole('int8', 2, 3, 20), scale(3), whole('int8', 3)],
    attributes: [int('axis', 1)],
    outputs: [['float32', [2, 3, 20]]],
  },
  'DequantizeLinear of int32': {
    op: 'DequantizeLinear',
    inputs: [{ type: 'int32', shape: [40], lo: -(2 ** 31), hi: 2 ** 31 - 1 }, scale()],
    outputs: [['float32', [40]]],
  },
  'DequantizeLinear in blocks': {
    op: 'DequantizeLinear',
    inputs: [whole('uint8', 3, 8), scale(3, 4), whole('uint8', 3, 4)],
    attributes: [int('axis', 1), int('block_size', 2)],
    outputs: [['float32', [3, 8]]],
  },
  DynamicQuantizeLinear: {
    op: 'DynamicQuantizeLinear',
    inputs: [within(-1, 3, 4, 50)],
    outputs: [
      ['uint8', [4, 50]],
      ['float32', []],
      ['uint8', []],
    ],
  },
  'DynamicQuantizeLinear of positives': {
    op: 'DynamicQuantizeLinear',
    inputs: [within(1, 3, 50)],
    outputs: [
      ['uint8', [50]],
      ['float32', []],
      ['uint8', []],
    ],
  },
  ConvInteger: {
    op: 'ConvInteger',
    inputs: [whole('uint8', 2, 4, 7, 6), whole('uint8', 6, 2, 3, 2), whole('uint8'), whole('uint8')],
    attributes: [int('group', 2), ints('strides', [2, 1]), ints('pads', [1, 0, 1, 1])],
    outputs: [['int32', [2, 6, 4, 6]]],
  },
  QLinearConv: {
    op: 'QLinearConv',
    inputs: [
      whole('uint8', 1, 4, 9, 8),
      scale(),
      whole('uint8'),
      whole('int8', 5, 4, 3, 3),
      scale(5),
      { type: 'int8', shape: [5], values: [0, 0, 0, 0, 0] },
      within(0.5, 2),
      whole('uint8'),
      { type: 'int32', shape: [5], lo: -5000, hi: 5000 },
    ],
    attributes: [ints('dilations', [2, 1]), ints('pads', [2, 1, 2, 1])],
    outputs: [['uint8', [1, 5, 9, 8]]],
  },
  MatMulInteger: {
    op: 'MatMulInteger',
    inputs: [whole('uint8', 2, 4, 9), whole('int8', 9, 5), whole('uint8')],
    outputs: [['int32', [2, 4, 5]]],
  },
  QLinearMatMul: {
    op: 'QLinearMatMul',
    inputs: [
      whole('uint8', 4, 30),
      scale(),
      whole('uint8'),
      whole('uint8', 30, 6),
      scale(),
      whole('uint8'),
      within(0.5, 2),
      whole('uint8'),
    ],
    outputs: [['uint8', [4, 6]]],
  },
  'ConvTranspose of whole floats': {
    op: 'ConvTranspose',
    inputs: [
      { type: 'float32', shape: [2, 4, 3, 4], values: Array.from({ length: 96 }, (_, i) => (i * 7) % 23) },
      {
        type: 'float32',
        shape: [4, 3, 3, 2],
        values: Array.from({ length: 72 }, (_, i) => ((i * 5) % 11) - 5),
      },
      { type: 'float32', shape: [6], values: [1, -2, 3, 0, 5, 8] },
    ],
    attributes: [
      int('group', 2),
      ints('strides', [2, 3]),
      ints('dilations', [2, 1]),
      ints('pads', [1, 0, 2, 1]),
      ints('output_padding', [1, 2]),
    ],
    outputs: [['float32', [2, 6, 7, 12]]],
  },
  'Conv of whole floats': {
    op: 'Conv',
    inputs: [
      { type: 'float32', shape: [1, 2, 6, 5], values: Array.from({ length: 60 }, (_, i) => (i * 7) % 23) },
      {
        type: 'float32',
        shape: [3, 2, 3, 3],
        values: Array.from({ length: 54 }, (_, i) => ((i * 5) % 11) - 5),
      },
      { type: 'float32', shape: [3], values: [1, -2, 3] },
    ],
    attributes: [ints('pads', [1, 1, 1, 1])],
    outputs: [['float32', [1, 3, 6, 5]]],
  },
};
