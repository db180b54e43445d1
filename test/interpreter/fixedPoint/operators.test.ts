/** Operators by hand: small cases worked out on paper. The recorded ones are test/system/tflite-operators.test.ts. */
import { describe, expect, it } from 'vitest';
import { linearMultipliers } from '../../../src/interpreter/fixedPoint/linearParts.ts';
import type { FixedPointOperation, LinearOperator } from '../../../src/interpreter/fixedPoint/node.ts';
import { constant, evaluated, given, tensor } from './evaluated.ts';

const WINDOW = { padding: 'SAME', strides: [1, 1], activation: 'NONE' } as const;
const int8 = (shape: readonly number[], scale = 1, zeroPoint = 0) =>
  tensor('int8', shape, [scale], [zeroPoint]);

describe('linear operators', () => {
  it('a tap outside of the image is the zero point, not 0', async () => {
    // Filter 1 2 3 over 5 7, zero point 4: real inputs 1 3. SAME of width 3 pads one to each side.
    const made = await evaluated(
      { op: 'CONV_2D', ...WINDOW, dilations: [1, 1], biasType: null },
      [
        given(int8([1, 1, 2, 1], 1, 4), [5, 7]),
        given(int8([1, 1, 3, 1]), [1, 2, 3]),
        constant('int32', [10]),
      ],
      int8([1, 1, 2, 1], 1, -1),
    );
    expect(made).toEqual([2 * 1 + 3 * 3 + 10 - 1, 1 * 1 + 2 * 3 + 10 - 1]);
  });

  it('the odd position of SAME goes behind, and dilation leaves holes', async () => {
    // Kernel 2 of dilation 3 (4 wide) over 6 by stride 2: 3 outputs, (2*2+4-6)/2 = 1 before. Taps at 2x-1 and 2x+2.
    const made = await evaluated(
      {
        op: 'CONV_2D',
        padding: 'SAME',
        strides: [1, 2],
        dilations: [1, 3],
        activation: 'NONE',
        biasType: null,
      },
      [given(int8([1, 1, 6, 1]), [1, 2, 3, 4, 5, 6]), given(int8([1, 1, 2, 1]), [10, 1]), null],
      int8([1, 1, 3, 1]),
    );
    expect(made).toEqual([3, 20 + 5, 40]);
  });

  it('groups: the second half of the outputs reads the second half of the inputs', async () => {
    const made = await evaluated(
      { op: 'CONV_2D', ...WINDOW, dilations: [1, 1], biasType: null },
      [given(int8([1, 1, 1, 2]), [3, 5]), given(int8([4, 1, 1, 1]), [1, 2, 3, 4])],
      int8([1, 1, 1, 4]),
    );
    expect(made).toEqual([3, 6, 15, 20]);
  });

  it('depthwise: output c m + k reads channel c', async () => {
    const made = await evaluated(
      { op: 'DEPTHWISE_CONV_2D', ...WINDOW, dilations: [1, 1] },
      [given(int8([1, 1, 1, 2]), [3, 5]), given(int8([1, 1, 1, 4]), [1, 2, 3, 4])],
      int8([1, 1, 1, 4]),
    );
    expect(made).toEqual([3, 6, 15, 20]);
  });

  it('transposed: what falls outside is dropped, and a place without taps is the bias', async () => {
    // VALID, stride 3, kernel 2: 1 and 2 become 10 20 . 20 40 with a gap.
    const made = await evaluated(
      { op: 'TRANSPOSE_CONV', padding: 'VALID', strides: [1, 3], activation: 'NONE' },
      [
        constant('int32', [1, 1, 5, 1]),
        given(int8([1, 1, 2, 1]), [10, 20]),
        given(int8([1, 1, 2, 1]), [1, 2]),
        constant('int32', [7]),
      ],
      int8([1, 1, 5, 1]),
    );
    expect(made).toEqual([17, 27, 7, 27, 47]);
    // SAME, stride 1, kernel 3: one before, one behind dropped.
    const same = await evaluated(
      { op: 'TRANSPOSE_CONV', padding: 'SAME', strides: [1, 1], activation: 'NONE' },
      [
        constant('int32', [1, 1, 2, 1]),
        given(int8([1, 1, 3, 1]), [1, 2, 3]),
        given(int8([1, 1, 2, 1]), [1, 10]),
      ],
      int8([1, 1, 2, 1]),
    );
    expect(same).toEqual([2 + 10, 3 + 20]);
  });

  it('the product of two scales is rounded to float32 in FULLY_CONNECTED with one filter scale, and in no other', () => {
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, which is a tie in float32 and loses its last bit.
    const near = 1 + 2 ** -12;
    const made = (op: LinearOperator, filterScales: readonly number[]) =>
      linearMultipliers(op, { inputScale: near, filterScales, outputScale: 1 }, 2).map(
        ({ multiplier }) => multiplier,
      );
    const [exact, rounded] = [2 ** 30 + 2 ** 19 + 2 ** 6, 2 ** 30 + 2 ** 19];
    expect(made('FULLY_CONNECTED', [near])).toEqual([rounded, rounded]);
    expect(made('FULLY_CONNECTED', [near, near])).toEqual([exact, exact]);
    expect(made('CONV_2D', [near])).toEqual([exact, exact]);
    expect(made('TRANSPOSE_CONV', [near])).toEqual([exact, exact]);
  });
});

describe('elementwise', () => {
  const add = (op: 'ADD' | 'SUB', a: number[], b: number[], shapeB = [b.length]) =>
    evaluated(
      { op, activation: 'NONE' },
      [given(int8([a.length], 0.5, 1), a), given(int8(shapeB, 0.25, -2), b)],
      int8([a.length], 0.5, 3),
    );

  it('ADD and SUB of two scales, with a scalar for all', async () => {
    // Reals (a-1)/2 and (b+2)/4.
    expect(await add('ADD', [1, 3, 101, 127], [-2, 2, 118, 126])).toEqual([3, 3 + 2 + 2, 127, 127]);
    expect(await add('SUB', [1, 3, 101, -100], [-2, 2, 118, 126])).toEqual([
      3,
      3 + 2 - 2,
      100 - 60 + 3,
      -128,
    ]);
    expect(await add('ADD', [1, 3, 5], [2], [])).toEqual([5, 7, 9]);
  });

  it('MUL, rounded twice', async () => {
    // (a-1)(b+2) / 8 / 0.5: a quarter of the product. Ties as in the table of a quarter.
    const mul = (a: number[], b: number[], rounding: 'double' | 'single') =>
      evaluated(
        { op: 'MUL', activation: 'NONE' },
        [given(int8([a.length], 0.5, 1), a), given(int8([b.length], 0.25, -2), b)],
        int8([a.length], 0.5, 0),
        rounding,
      );
    const [a, b] = [
      [7, 6, -1, 4, 0, -5, -2],
      [-3, -3, -1, -1, -1, -1, -1],
    ];
    // Products -6 -5 -2 3 -1 -6 -3.
    expect(await mul(a, b, 'double')).toEqual([-2, -1, -1, 1, 0, -2, -1]);
    expect(await mul(a, b, 'single')).toEqual([-1, -1, 0, 1, 0, -1, -1]);
  });

  it('the activations that stand alone', async () => {
    const input = [-128, -9, 2, 3, 4, 5, 11, 127];
    const run = (operation: FixedPointOperation, output = int8([8], 0.5, -1)) =>
      evaluated(operation, [given(int8([8], 0.25, 3), input)], output);
    // Reals: -32.75 -3 -.25 0 .25 .5 2 31. In steps of a half from -1 on, halves away from zero after half up.
    expect(await run({ op: 'RELU' })).toEqual([-1, -1, -1, -1, 0, 0, 3, 61]);
    expect(await run({ op: 'RELU_N1_TO_1' })).toEqual([-3, -3, -1, -1, 0, 0, 1, 1]);
    expect(await run({ op: 'RELU_0_TO_1' })).toEqual([-1, -1, -1, -1, 0, 0, 1, 1]);
    // RELU6 clamps on the input's grid: 3 .. 27.
    expect(await run({ op: 'RELU6' })).toEqual([3, 3, 3, 3, 4, 5, 11, 27]);
    expect(await run({ op: 'LEAKY_RELU', alpha: 0.25 })).toEqual([-17, -3, -1, -1, 0, 0, 3, 61]);
  });

  it('QUANTIZE: halves away from zero, saturated; DEQUANTIZE', async () => {
    const floats = given(tensor('float32', [8]), [-0.25, 0.25, 0.75, -0.75, 1e30, -1e30, NaN, 3]);
    expect(await evaluated({ op: 'QUANTIZE' }, [floats], int8([8], 0.5, 10))).toEqual([
      9, 11, 12, 8, 127, -128, 10, 16,
    ]);
    expect(await evaluated({ op: 'QUANTIZE' }, [floats], tensor('uint8', [8], [0.5], [10]))).toEqual([
      9, 11, 12, 8, 255, 0, 10, 16,
    ]);
    const integers = given(int8([3], 0.1, -5), [-128, -5, 127]);
    const scale = Math.fround(0.1);
    expect(await evaluated({ op: 'DEQUANTIZE' }, [integers], tensor('float32', [3]))).toEqual(
      [-123 * scale, 0, 132 * scale].map(Math.fround),
    );
  });

  it('QUANTIZE between signed and unsigned bytes is a shift of 128 on one grid, and a scale between two', async () => {
    const [low, high] = [int8([4], 0.25, -3), tensor('uint8', [4], [0.25], [125])];
    const bytes = given(high, [0, 125, 138, 255]);
    expect(await evaluated({ op: 'QUANTIZE' }, [bytes], low)).toEqual([-128, -3, 10, 127]);
    expect(await evaluated({ op: 'QUANTIZE' }, [given(low, [-128, -3, 10, 127])], high)).toEqual(bytes.data);
    expect(await evaluated({ op: 'QUANTIZE' }, [bytes], tensor('uint8', [4], [0.5], [7]))).toEqual([
      0, 7, 14, 72,
    ]);
    expect(await evaluated({ op: 'DEQUANTIZE' }, [bytes], tensor('float32', [4]))).toEqual([
      -31.25, 0, 3.25, 32.5,
    ]);
  });
});

describe('windows and means', () => {
  const pool = (
    op: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D',
    values: number[],
    activation: 'NONE' | 'RELU' = 'NONE',
  ) =>
    evaluated(
      { op, window: [1, 2], padding: 'SAME', strides: [1, 2], activation },
      [given(int8([1, 1, values.length, 1], 1, -3), values)],
      int8([1, 1, Math.ceil(values.length / 2), 1], 1, -3),
    );

  it('averages round halves away from zero, and partial windows divide by what they hold', async () => {
    expect(await pool('AVERAGE_POOL_2D', [1, 2, -1, -2, 5])).toEqual([2, -2, 5]);
    expect(await pool('MAX_POOL_2D', [1, 2, -7, -9, -128], 'RELU')).toEqual([2, -3, -3]);
  });

  it('MEAN over axes that repeat and count from the end', async () => {
    const made = await evaluated(
      { op: 'MEAN', keepDims: false },
      [given(int8([1, 2, 2, 2], 0.5, 1), [1, 11, 3, 11, 5, 11, 8, 12]), constant('int32', [1, -2, 1])],
      int8([1, 2], 0.25, -4),
    );
    // Sums without zero point 13 and 41 over 4, by 0.5 / 0.25: 6.5 and 20.5, from -4 on.
    expect(made).toEqual([3, 17]);
  });
});

describe('movement', () => {
  const square = given(int8([2, 3], 1, 9), [1, 2, 3, 4, 5, 6]);

  it('PAD with the zero point of int8, 0 of int16; PADV2 with its value', async () => {
    const paddings = constant('int32', [1, 0, 0, 1], [2, 2]);
    const rows = [1, 2, 3, 9, 4, 5, 6, 9];
    expect(await evaluated({ op: 'PAD' }, [square, paddings], int8([3, 4], 1, 9))).toEqual([
      9,
      9,
      9,
      9,
      ...rows,
    ]);
    const wide = given(tensor('int16', [1], [1]), [300]);
    const one = constant('int64', [1, 1], [1, 2]);
    expect(await evaluated({ op: 'PAD' }, [wide, one], tensor('int16', [3], [1]))).toEqual([0, 300, 0]);
    const value = constant('int8', [-7], []);
    expect(await evaluated({ op: 'PADV2' }, [given(int8([1]), [5]), one, value], int8([3]))).toEqual([
      -7, 5, -7,
    ]);
  });

  it('TRANSPOSE, CONCATENATION, SQUEEZE, RESHAPE', async () => {
    const permutation = constant('int32', [1, 0]);
    expect(await evaluated({ op: 'TRANSPOSE' }, [square, permutation], int8([3, 2]))).toEqual([
      1, 4, 2, 5, 3, 6,
    ]);
    const join = { op: 'CONCATENATION', axis: -1, activation: 'NONE' } as const;
    // Another scale: the integers are moved as they are.
    const column = given(int8([2, 1], 0.125), [7, 8]);
    expect(await evaluated(join, [square, column], int8([2, 4]))).toEqual([1, 2, 3, 7, 4, 5, 6, 8]);
    const long = given(int8([1, 2, 1]), [1, 2]);
    expect(await evaluated({ op: 'SQUEEZE' }, [long], int8([2]))).toEqual([1, 2]);
    expect(await evaluated({ op: 'RESHAPE' }, [square, constant('int32', [-1])], int8([6]))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });

  it('STRIDED_SLICE takes axes behind its lists whole', async () => {
    const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0 };
    const lists = [[1], [2], [1]].map((list) => constant('int32', list));
    const operation = { op: 'STRIDED_SLICE', ...masks, shrinkAxisMask: 0 } as const;
    expect(await evaluated(operation, [square, ...lists], int8([1, 3], 1, 9))).toEqual([4, 5, 6]);
    expect(await evaluated({ ...operation, shrinkAxisMask: 1 }, [square, ...lists], int8([3], 1, 9))).toEqual(
      [4, 5, 6],
    );
  });

  it('STRIDED_SLICE: from the end, backwards, masks, an axis left out', async () => {
    const slice = (
      lists: readonly (readonly number[])[],
      masks: { begin?: number; end?: number; shrink?: number },
      shape: readonly number[],
    ) =>
      evaluated(
        {
          op: 'STRIDED_SLICE',
          beginMask: masks.begin ?? 0,
          endMask: masks.end ?? 0,
          ellipsisMask: 0,
          newAxisMask: 0,
          shrinkAxisMask: masks.shrink ?? 0,
        },
        [square, ...lists.map((list) => constant('int32', list))],
        int8(shape, 1, 9),
      );
    expect(
      await slice(
        [
          [0, 0],
          [2, 3],
          [1, 2],
        ],
        {},
        [2, 2],
      ),
    ).toEqual([1, 3, 4, 6]);
    expect(
      await slice(
        [
          [-1, -2],
          [9, 9],
          [1, 1],
        ],
        {},
        [1, 2],
      ),
    ).toEqual([5, 6]);
    expect(
      await slice(
        [
          [0, 2],
          [2, -9],
          [1, -1],
        ],
        {},
        [2, 3],
      ),
    ).toEqual([3, 2, 1, 6, 5, 4]);
    expect(
      await slice(
        [
          [1, 0],
          [1, 1],
          [-1, -2],
        ],
        { begin: 2, end: 3 },
        [2, 2],
      ),
    ).toEqual([6, 4, 3, 1]);
    expect(
      await slice(
        [
          [-1, 1],
          [0, 3],
          [1, 1],
        ],
        { shrink: 1 },
        [2],
      ),
    ).toEqual([5, 6]);
  });
});
