import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/**
 * Accumulators back to quantized outputs, as the frameworks do it. Lists have one entry, or one per output channel.
 * Every kind adds `outputZeroPoint` last and saturates to `clamp`.
 */
export type Requantization = TfliteRequantization | QlinearRequantization | ShiftRequantization;

/** What every kind of requantization ends with. */
interface RequantizationEnd {
  /** Added after scaling, before `clamp`. */
  readonly outputZeroPoint: number;
  /** Range that outputs saturate to. */
  readonly clamp: Interval;
}

/** TFLite and CMSIS-NN: a fixed-point multiplier and a shift. */
export interface TfliteRequantization extends RequantizationEnd {
  /** The discriminant. */
  readonly kind: 'tflite';
  /**
   * `q31-double-rounding`: MultiplyByQuantizedMultiplier of TFLite (gemmlowp) and CMSIS-NN, 32-bit accumulators.
   * `s64-reduced-multiplier`: its form for 16-bit inputs with 64-bit accumulators, a 15-bit multiplier.
   */
  readonly rounding: 'q31-double-rounding' | 's64-reduced-multiplier';
  /** Fixed-point multiplier (Q31); the scale is multiplier * 2^(shift - 31). */
  readonly multiplier: readonly number[];
  /** Exponent of the scale; positive shifts to the left. */
  readonly shift: readonly number[];
}

/** ONNX QLinearConv as onnxruntime computes it: in 32-bit floats, round half to even. */
export interface QlinearRequantization extends RequantizationEnd {
  /** The discriminant. */
  readonly kind: 'qlinear';
  /** inputScale * weightScale / outputScale. */
  readonly scale: readonly number[];
}

/** floor((accumulator * multiplier + addend + 2^(shift-1)) / 2^shift): integer batch norm and shift, half up. */
export interface ShiftRequantization extends RequantizationEnd {
  /** The discriminant. */
  readonly kind: 'mul-add-shift';
  /** Integer factor. */
  readonly multiplier: readonly number[];
  /** Integer added after the factor, before the shift. */
  readonly addend: readonly number[];
  /** At least 0, to the right. */
  readonly shift: readonly number[];
}

/** One accumulator of output channel `channel` -> scaled integer, before zero point and clamp. */
type Scale = (accumulator: number, channel: number) => number;

function refuse(where: string, message: string, expected: string, found: string): never {
  throw new CipherconvError({ code: 'out-of-range', where, message, expected, found });
}

/** An entry per output channel; one entry serves all. */
function perChannel(where: string, values: readonly number[], channels: number): readonly number[] {
  if (values.length === channels) return values;
  if (values.length === 1) return new Array<number>(channels).fill(values[0]!);
  throw new CipherconvError({
    code: 'shape-mismatch',
    where,
    message: 'wrong number of entries',
    expected: `1, or ${channels} (one per output channel)`,
    found: String(values.length),
  });
}

function perChannelIntegers(where: string, values: readonly number[], channels: number): readonly bigint[] {
  const wrong = values.findIndex((value) => !Number.isSafeInteger(value));
  if (wrong >= 0) refuse(`${where}[${wrong}]`, 'not an integer', 'an integer', String(values[wrong]));
  return perChannel(where, values, channels).map(BigInt);
}

const INT32: Interval = { lo: -(2 ** 31), hi: 2 ** 31 - 1 };

/**
 * SaturatingRoundingDoublingHighMul: (a * b * 2 + 2^31) >> 32, which rounds half up, and the one product that does not
 * fit saturates. gemmlowp, fixedpoint/fixedpoint.h.
 */
function doublingHighMultiply(a: bigint, b: bigint): bigint {
  const high = (a * b + (1n << 30n)) >> 31n;
  return high > 0x7fffffffn ? 0x7fffffffn : high;
}

/** RoundingDivideByPOT: division by 2^exponent, half away from zero. gemmlowp, fixedpoint/fixedpoint.h. */
function roundingDivide(value: bigint, exponent: bigint): bigint {
  if (exponent === 0n) return value;
  const half = 1n << (exponent - 1n);
  return value >= 0n ? (value + half) >> exponent : -((-value + half) >> exponent);
}

/** Two roundings: to 32 bits after the multiplication, and again by the right shift. */
function q31Scale(multipliers: readonly bigint[], shifts: readonly bigint[]): Scale {
  return (accumulator, channel) => {
    const shift = shifts[channel]!;
    const shifted = BigInt(accumulator) << (shift > 0n ? shift : 0n);
    if (shifted < BigInt(INT32.lo) || shifted > BigInt(INT32.hi)) {
      refuse('accumulator', 'does not fit 32 bits', `${INT32.lo} to ${INT32.hi}`, String(shifted));
    }
    const high = doublingHighMultiply(shifted, multipliers[channel]!);
    return Number(roundingDivide(high, shift < 0n ? -shift : 0n));
  };
}

/**
 * One rounding, half up, with the multiplier reduced to 15 bits. TFLite, kernels/internal/common.cc:
 * MultiplyByQuantizedMultiplier(int64_t x, ...); CMSIS-NN, arm_nn_requantize_s64.
 */
function s64Scale(multipliers: readonly bigint[], shifts: readonly bigint[]): Scale {
  const reduced = multipliers.map((multiplier) =>
    multiplier < 0x7fff0000n ? (multiplier + (1n << 15n)) >> 16n : 0x7fffn,
  );
  return (accumulator, channel) => {
    const shift = 15n - shifts[channel]!;
    const half = shift > 0n ? 1n << (shift - 1n) : 0n;
    return Number((BigInt(accumulator) * reduced[channel]! + half) >> shift);
  };
}

/** Nearest integer, ties to even. Exact for every double: from 2^52 on all doubles are integers. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return fraction < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function floatScale(scales: readonly number[]): Scale {
  const rounded = scales.map(Math.fround);
  return (accumulator, channel) => roundHalfEven(Math.fround(Math.fround(accumulator) * rounded[channel]!));
}

function shiftScale(
  multipliers: readonly bigint[],
  addends: readonly bigint[],
  shifts: readonly bigint[],
): Scale {
  if (shifts.some((shift) => shift < 0n)) refuse('shift', 'a right shift', 'at least 0', shifts.join());
  return (accumulator, channel) => {
    const shift = shifts[channel]!;
    const half = shift > 0n ? 1n << (shift - 1n) : 0n;
    return Number((BigInt(accumulator) * multipliers[channel]! + addends[channel]! + half) >> shift);
  };
}

function scaleOf(how: Requantization, channels: number): Scale {
  const integers = (where: string, values: readonly number[]): readonly bigint[] =>
    perChannelIntegers(where, values, channels);
  switch (how.kind) {
    case 'tflite': {
      const make = how.rounding === 'q31-double-rounding' ? q31Scale : s64Scale;
      return make(integers('multiplier', how.multiplier), integers('shift', how.shift));
    }
    case 'qlinear':
      return floatScale(perChannel('scale', how.scale, channels));
    case 'mul-add-shift':
      return shiftScale(
        integers('multiplier', how.multiplier),
        integers('addend', how.addend),
        integers('shift', how.shift),
      );
  }
}

/**
 * Requantizes accumulators.
 * @param accumulators NCHW, as the executors return them
 * @returns outputs in [clamp.lo, clamp.hi], NCHW
 * @throws CipherconvError `shape-mismatch` for lists of the wrong length, `out-of-range` for an accumulator beyond the
 * 32 bits that `q31-double-rounding` has
 */
export function requantize(accumulators: Tensor, how: Requantization): Tensor {
  const [batch = 1, channels = 1] = accumulators.shape;
  const scale = scaleOf(how, channels);
  const cellCount = accumulators.data.length / (batch * channels);
  const { lo, hi } = how.clamp;
  const data = accumulators.data.map((accumulator, index) => {
    const channel = Math.floor(index / cellCount) % channels;
    // `+ 0` turns -0 into 0.
    return Math.min(Math.max(scale(accumulator, channel) + how.outputZeroPoint, lo), hi) + 0;
  });
  return { shape: [...accumulators.shape], data };
}
