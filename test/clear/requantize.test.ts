import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { requantize, roundHalfEven } from '../../runtime/clear/requantize.ts';
import type { Requantization } from '../../runtime/clear/requantize.ts';

const int8 = { lo: -128, hi: 127 };

/** One image of one row: channels x cells. */
function run(how: Requantization, ...channels: number[][]): number[][] {
  const width = channels[0]?.length ?? 0;
  const { data } = requantize(makeTensor([1, channels.length, 1, width], channels.flat()), how);
  return channels.map((_, channel) => [...data.subarray(channel * width, (channel + 1) * width)]);
}

describe('roundHalfEven', () => {
  it('rounds ties to even and everything else to the nearest', () => {
    const cases: [number, number][] = [
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [-0.5, 0],
      [-1.5, -2],
      [-2.5, -2],
      [0.49999999999999994, 0],
      [-0.49999999999999994, 0],
      [2.5000000000000004, 3],
      [-2.5000000000000004, -3],
      [4503599627370495.5, 4503599627370496],
      [2 ** 53, 2 ** 53],
    ];
    for (const [value, expected] of cases) expect(roundHalfEven(value) + 0).toBe(expected);
  });
});

describe('requantize, tflite', () => {
  const q31 = {
    kind: 'tflite',
    rounding: 'q31-double-rounding',
    multiplier: [2 ** 30],
    shift: [0],
    outputZeroPoint: 0,
    clamp: int8,
  } as const;

  it('rounds twice: half up by the multiplication, then half away from zero by the shift', () => {
    // 2^30 is one half.
    expect(run(q31, [1, 2, 3, -1, -2, -3])).toEqual([[1, 1, 2, 0, -1, -1]]);
    // 5/4: 5 -> 2.5 -> 3 -> 1.5 -> 2, where one rounding would give 1.
    expect(run({ ...q31, shift: [-1] }, [5, -5, 6, -6])).toEqual([[2, -1, 2, -2]]);
    expect(run({ ...q31, shift: [1] }, [5, -5])).toEqual([[5, -5]]);
  });

  it('adds the zero point and then saturates', () => {
    expect(run({ ...q31, outputZeroPoint: -20 }, [400, -400, 40])).toEqual([[127, -128, 0]]);
    expect(run({ ...q31, clamp: { lo: 0, hi: 6 } }, [400, -400, 6])).toEqual([[6, 0, 3]]);
  });

  it('saturates the one product that does not fit', () => {
    const wide = { ...q31, multiplier: [-(2 ** 31)], clamp: { lo: -(2 ** 31), hi: 2 ** 31 - 1 } };
    expect(run(wide, [-(2 ** 31)])).toEqual([[2 ** 31 - 1]]);
  });

  it('refuses accumulators beyond 32 bits', () => {
    expect(() => run(q31, [2 ** 31])).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    expect(() => run({ ...q31, shift: [1] }, [2 ** 30])).toThrow(
      expect.objectContaining({ code: 'out-of-range' }),
    );
    expect(run({ ...q31, shift: [1] }, [2 ** 30 - 1])).toEqual([[127]]);
  });

  it('reduces the multiplier to 15 bits for 64-bit accumulators, and rounds once, half up', () => {
    const s64 = { ...q31, rounding: 's64-reduced-multiplier', clamp: { lo: -32768, hi: 32767 } } as const;
    expect(run({ ...s64, shift: [-1] }, [5, -5, 6, -6])).toEqual([[1, -1, 2, -1]]);
    // 2^30 + 2^15 reduces to 16385, 2^30 + 2^15 - 1 to 16384.
    const scale = (multiplier: number): number[][] => run({ ...s64, multiplier: [multiplier] }, [2 ** 14]);
    expect(scale(2 ** 30 + 2 ** 15)).toEqual([[8193]]);
    expect(scale(2 ** 30 + 2 ** 15 - 1)).toEqual([[8192]]);
    // The largest multipliers would round to 2^15.
    expect(scale(2 ** 31 - 1)).toEqual([[16384]]);
    expect(run({ ...s64, multiplier: [2 ** 31 - 1] }, [2 ** 15])).toEqual([[32767]]);
    expect(run({ ...s64, shift: [-31] }, [2 ** 46])).toEqual([[16384]]);
  });

  it('scales each output channel by its own multiplier', () => {
    const how = { ...q31, multiplier: [2 ** 30, 2 ** 29], shift: [0, 0] };
    expect(run(how, [8, 16], [8, 16])).toEqual([
      [4, 8],
      [2, 4],
    ]);
    expect(() => run(how, [1], [1], [1])).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
  });
});

describe('requantize, qlinear', () => {
  const how = { kind: 'qlinear', scale: [0.5], outputZeroPoint: 3, clamp: { lo: 0, hi: 255 } } as const;

  it('rounds half to even before the zero point', () => {
    expect(run(how, [1, 3, 5, -1, -3, -5])).toEqual([[3, 5, 5, 3, 1, 1]]);
    expect(run(how, [1000, -1000])).toEqual([[255, 0]]);
  });

  it('computes in 32-bit floats', () => {
    // 0.1 as a float is larger than 0.1: 5 * 0.1f is 0.5 exactly after rounding to a float, a tie.
    expect(run({ ...how, scale: [0.1], outputZeroPoint: 0 }, [5, 15, 25])).toEqual([[0, 2, 2]]);
  });
});

describe('requantize, mul-add-shift', () => {
  it('rounds half up', () => {
    const how = {
      kind: 'mul-add-shift',
      multiplier: [3],
      addend: [1],
      shift: [2],
      outputZeroPoint: 0,
      clamp: int8,
    } as const;
    // (3x + 1) / 4: 0.25, 1, 1.75, 2.5, -0.5, -1.25
    expect(run(how, [0, 1, 2, 3, -1, -2])).toEqual([[0, 1, 2, 3, 0, -1]]);
    expect(run({ ...how, shift: [0] }, [4, -4])).toEqual([[13, -11]]);
    expect(() => run({ ...how, shift: [-1] }, [1])).toThrow(
      expect.objectContaining({ code: 'out-of-range' }),
    );
  });
});
