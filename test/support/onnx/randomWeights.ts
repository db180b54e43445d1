import type { randomIntegers } from '../specs.ts';
import type { OtherWidth, QuantizedType } from '../../../bench/models/modelWriter.ts';

export type Random = ReturnType<typeof randomIntegers>;

/** With powers of two floats are exact, whatever a runtime fuses. */
export type Scales = 'any' | 'powers of two';

export const RANGES: Readonly<
  Record<QuantizedType | OtherWidth, { readonly lo: number; readonly hi: number }>
> = {
  uint8: { lo: 0, hi: 255 },
  int8: { lo: -128, hi: 127 },
  uint16: { lo: 0, hi: 65_535 },
  int16: { lo: -32_768, hi: 32_767 },
  uint4: { lo: 0, hi: 15 },
  int4: { lo: -8, hi: 7 },
};

export function chance(random: Random, outOf: number): boolean {
  return random(1, outOf) === 1;
}

export function oneOf<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[random(0, choices.length - 1)] ?? choices[0];
}

/** A float32 near `typical`. */
export function randomScale(random: Random, scales: Scales, typical: number): number {
  const near = (typical * random(50, 200)) / 100;
  return scales === 'any' ? Math.fround(near) : 2 ** Math.round(Math.log2(near));
}

/** Zero points that occur: the smallest value (after a Relu), the middle, any. */
export function randomZeroPoint(random: Random, type: QuantizedType | OtherWidth): number {
  const { lo, hi } = RANGES[type];
  return oneOf(random, [lo, (lo + hi + 1) / 2, random(lo, hi)]);
}

/** Weights of a linear layer: real value scales[output] * (values - zeroPoint). */
export interface Weights {
  readonly type: QuantizedType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly zeroPoint: number;
  /** One, or one per output. */
  readonly scales: readonly number[];
  /** int32, one per output; null for none. */
  readonly bias: readonly number[] | null;
  /** Typical magnitude of an accumulator, for inputs that spread over 8 bits. */
  readonly typicalSum: number;
}

/** Weights of 1 to 8 bits. @param taps products that one output sums */
export function randomWeights(
  random: Random,
  {
    inputType,
    shape,
    outputs,
    taps,
    scales,
  }: {
    readonly inputType: QuantizedType;
    readonly shape: readonly number[];
    readonly outputs: number;
    readonly taps: number;
    readonly scales: Scales;
  },
): Weights {
  const type = inputType === 'uint8' && chance(random, 3) ? 'uint8' : 'int8';
  const perOutput = chance(random, 2);
  const zeroPoint = type === 'int8' && (perOutput || chance(random, 2)) ? 0 : randomZeroPoint(random, type);
  const reach = 2 ** random(0, 7);
  const { lo, hi } = RANGES[type];
  const values = Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, () =>
    Math.min(Math.max(zeroPoint + random(-reach, reach), lo), hi),
  );
  const typicalSum = Math.ceil(60 * reach * 0.6 * Math.sqrt(taps));
  return {
    type,
    shape,
    values,
    zeroPoint,
    scales: Array.from({ length: perOutput ? outputs : 1 }, () => randomScale(random, scales, 1 / 64)),
    bias: chance(random, 3) ? null : Array.from({ length: outputs }, () => random(-typicalSum, typicalSum)),
    typicalSum,
  };
}
