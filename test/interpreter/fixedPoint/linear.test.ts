/** Linear operators: what they sum in, and their end as a function of the accumulators alone. */
import { describe, expect, it } from 'vitest';
import type { FusedActivation, LinearOperator } from '../../../src/interpreter/fixedPoint/node.ts';
import { quantizedMultiplier, scaledTwice } from '../../../src/interpreter/fixedPoint/numbers.ts';
import { accumulatorOf } from '../../../src/interpreter/fixedPoint/check.ts';
import { errorOf } from '../../support/simple.ts';
import { constant, evaluated, given, nodeOf, tensor } from './evaluated.ts';

const CONV = {
  op: 'CONV_2D',
  padding: 'VALID',
  strides: [1, 1],
  dilations: [1, 1],
  activation: 'NONE',
  biasType: null,
} as const;

describe('accumulators', () => {
  const input = (type: 'int8' | 'int16') => tensor(type, [1, 4, 4, 2], [0.5]);
  const filter = tensor('int8', [3, 1, 1, 2], [0.25]);
  const kindOf = (
    type: 'int8' | 'int16',
    bias: 'int32' | 'int64' | null,
    biasType: 'int32' | null = null,
  ) => {
    const inputs = [input(type), filter, bias === null ? null : tensor(bias, [3])];
    const { node, tensors } = nodeOf({ ...CONV, biasType }, inputs, tensor(type, [1, 4, 4, 3], [1]));
    return accumulatorOf(node, 'CONV_2D', tensors);
  };

  it('are of 32 bits with 8-bit inputs, and where the bias or the option of 16-bit inputs says so', () => {
    expect(kindOf('int8', 'int32')).toBe('int32');
    expect(kindOf('int8', null)).toBe('int32');
    expect(kindOf('int16', 'int32')).toBe('int32');
    expect(kindOf('int16', null, 'int32')).toBe('int32');
    expect(kindOf('int16', 'int64')).toBe('int64');
    expect(kindOf('int16', null)).toBe('int64');
    expect(kindOf('int16', 'int64', 'int32')).toBe('int64');
  });

  it('have no other bias', () => {
    expect(errorOf(() => kindOf('int8', 'int64'))).toMatchObject({ code: 'unsupported' });
    const inputs = [
      tensor('int16', [1, 4, 4, 3], [1]),
      tensor('int8', [1, 1, 1, 3], [1]),
      tensor('int32', [3]),
    ];
    const operation = { ...CONV, op: 'DEPTHWISE_CONV_2D' } as const;
    const { node, tensors } = nodeOf(operation, inputs, tensor('int16', [1, 4, 4, 3], [1]));
    expect(errorOf(() => accumulatorOf(node, 'DEPTHWISE_CONV_2D', tensors))).toMatchObject({
      code: 'unsupported',
    });
  });
});

describe('the end of a linear operator', () => {
  const ends = (
    of: LinearOperator,
    scales: readonly number[],
    sums: readonly number[],
    wide = false,
    activation: FusedActivation = 'RELU6',
  ) => {
    const type = wide ? 'int16' : 'int8';
    const filter = {
      CONV_2D: [2, 1, 1, 1],
      DEPTHWISE_CONV_2D: [1, 1, 1, 2],
      FULLY_CONNECTED: [2, 1],
      TRANSPOSE_CONV: [2, 1, 1, 1],
    };
    return evaluated(
      { op: 'REQUANTIZE', of, activation, wide },
      [
        constant(wide ? 'int64' : 'int32', sums, [1, 1, sums.length / 2, 2]),
        given(tensor(type, [1, 1, 1, 1], [0.5], [wide ? 0 : 3]), [0]),
        given(tensor('int8', filter[of], scales), [0, 0]),
      ],
      tensor(type, [1, 1, sums.length / 2, 2], [0.25], [wide ? 0 : -8]),
    );
  };

  it('takes each channel with its own multiplier, and clamps behind the zero point', async () => {
    // 0.5 s / 0.25: 1/4 and 1/2. RELU6 of scale 1/4 and zero point -8: -8 .. 16.
    const sums = [-3, -3, 3, 3, 6, 5, 97, 48, 400, 400];
    for (const of of ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'TRANSPOSE_CONV'] as const)
      expect(await ends(of, [0.125, 0.25], sums)).toEqual([-8, -8, -7, -6, -6, -5, 16, 16, 16, 16]);
  });

  it('flushes a channel whose multiplier is below 2^-32', async () => {
    expect(await ends('CONV_2D', [2 ** -40, 0.25], [2 ** 31 - 1, 4])).toEqual([-8, -6]);
  });

  it('takes 15 bits of the multiplier where accumulators have 64', async () => {
    // 2 real = (3/4 + 15/16 2^-16) / 256, which is 3/4 / 256 in 15 bits. (2^22 + 853) 3/1024 is 12290.499, and 12290.733 in 31.
    const real = (0.75 + 15 * 2 ** -20) / 2 / 2 ** 8;
    const sum = 2 ** 22 + 853;
    expect(await ends('CONV_2D', [real], [sum, -5], true, 'NONE')).toEqual([12290, 0]);
    expect(scaledTwice(sum, quantizedMultiplier(2 * real).multiplier, -8)).toBe(12291);
    // Beyond 32 bits.
    const sums = [3 * 2 ** 31, 2 ** 31];
    expect(await ends('CONV_2D', [2 ** -31], sums, true)).toEqual([6, 2]);
  });
});
