import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { compareTensors } from '../../runtime/clear/compare.ts';
import { smallSpec } from './handmadePlan.ts';
import type { SmallConv } from './handmadePlan.ts';

const noPads = [0, 0, 0, 0] as const;

/** Expected outputs were worked out by hand, or are those of the ONNX operator tests named. */
const cases: { name: string; conv: SmallConv; input: number[]; shape: number[]; output: number[] }[] = [
  {
    name: 'a 2x2 filter on a 3x3 image (ONNX ConvInteger: w/o padding, x_zero_point 1)',
    conv: {
      height: 3,
      width: 3,
      kernel: [2, 2],
      pads: noPads,
      bits: 8,
      inputZeroPoint: 1,
      values: [1, 1, 1, 1],
    },
    input: [2, 3, 4, 5, 6, 7, 8, 9, 10],
    shape: [1, 1, 2, 2],
    output: [12, 16, 24, 28],
  },
  {
    name: 'the same with pads: a padded tap contributes 0 (ONNX ConvInteger: with padding)',
    conv: { height: 3, width: 3, kernel: [2, 2], bits: 8, inputZeroPoint: 1, values: [1, 1, 1, 1] },
    input: [2, 3, 4, 5, 6, 7, 8, 9, 10],
    shape: [1, 1, 4, 4],
    output: [1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9],
  },
  {
    name: 'it correlates, it does not flip the filter; top and left pads shift',
    conv: { height: 2, width: 2, kernel: [2, 2], pads: [1, 1, 0, 0], bits: 4, values: [1, 2, 4, 8] },
    input: [1, 2, 3, 4],
    shape: [1, 1, 2, 2],
    // 8*1, 4*1 + 8*2, 2*1 + 8*3, 1*1 + 2*2 + 4*3 + 8*4
    output: [8, 20, 26, 49],
  },
  {
    name: 'strides differ per axis, the last rows may stay unread',
    conv: { height: 4, width: 5, kernel: [1, 2], strides: [3, 2], pads: noPads, bits: 5, values: [1, 10] },
    input: Array.from({ length: 20 }, (_, index) => index),
    shape: [1, 1, 2, 2],
    // 0 + 10*1, 2 + 10*3, 15 + 10*16, 17 + 10*18
    output: [10, 32, 175, 197],
  },
  {
    name: 'dilations differ per axis',
    conv: {
      height: 3,
      width: 4,
      kernel: [2, 2],
      dilations: [2, 3],
      pads: noPads,
      bits: 4,
      values: [1, 2, 3, 4],
    },
    input: [1, 0, 0, 2, 9, 9, 9, 9, 3, 0, 0, 4],
    shape: [1, 1, 1, 1],
    // 1*1 + 2*2 + 3*3 + 4*4
    output: [30],
  },
  {
    name: 'groups read their own channels; biases and weight zero points per output',
    conv: {
      channels: 2,
      outChannels: 2,
      group: 2,
      height: 1,
      width: 2,
      kernel: [1, 1],
      pads: noPads,
      bits: 3,
      weightZeroPoint: 1,
      bias: 100,
      values: [3, 0],
    },
    input: [1, 2, 3, 4],
    shape: [1, 2, 1, 2],
    // 100 + (3-1)*{1, 2}, 200 + (0-1)*{3, 4}
    output: [102, 104, 197, 196],
  },
  {
    name: 'images of a batch and channels of a sum',
    conv: {
      batch: 2,
      channels: 2,
      height: 1,
      width: 1,
      kernel: [1, 1],
      pads: noPads,
      bits: 4,
      values: [2, 3],
    },
    input: [1, 10, 4, 5],
    shape: [2, 1, 1, 1],
    output: [32, 23],
  },
  {
    name: 'cells that see only padding hold the bias',
    conv: { height: 1, width: 1, kernel: [1, 1], pads: [1, 2, 0, 1], bias: -7, bits: 2, values: [3] },
    input: [2],
    shape: [1, 1, 2, 4],
    output: [-7, -7, -7, -7, -7, -7, -1, -7],
  },
];

describe('convolve', () => {
  it.each(cases)('$name', ({ conv, input, shape, output }) => {
    const spec = smallSpec(conv);
    const { batch, channels, height, width } = spec.input;
    const result = convolve(spec, makeTensor([batch, channels, height, width], input));
    expect(result.shape).toEqual(shape);
    expect([...result.data]).toEqual(output);
  });

  it('refuses an input of another shape', () => {
    expect(() => convolve(smallSpec(), makeTensor([1, 1, 4, 16], new Array<number>(64).fill(0)))).toThrow(
      RangeError,
    );
  });
});

describe('compareTensors', () => {
  const expected = makeTensor([2, 2], [1, 2, 3, 4]);

  it('counts the outputs and the mismatches, and shows the first', () => {
    expect(compareTensors(expected, expected)).toEqual({
      match: true,
      mismatches: 0,
      outputs: 4,
      first: null,
    });
    expect(compareTensors(expected, makeTensor([2, 2], [1, 0, 3, 5]))).toEqual({
      match: false,
      mismatches: 2,
      outputs: 4,
      first: { index: 1, expected: 2, actual: 0 },
    });
  });

  it('refuses tensors of different shapes', () => {
    expect(() => compareTensors(expected, makeTensor([4], [1, 2, 3, 4]))).toThrow(
      expect.objectContaining({ code: 'shape-mismatch' }),
    );
  });
});
