import { roundHalfEven } from '../../runtime/clear/requantize.ts';
import { emptyArray, typeRange } from './values.ts';
import type { DenseTensor, NumericArray } from './values.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';

/**
 * Between floats and integers, in float32 (rn):
 *
 *   quantize     q = saturate(rne(rn(x / scale)) + zeroPoint)            rne: half to even
 *   dequantize   x = rn(rn(q - zeroPoint) * scale)
 *   requantize   q = saturate(rne(rn(rn(accumulator) * rn(rn(sa sb) / sy))) + zeroPoint)
 */

/** Scales and zero points, and which of them an element has. */
export interface Parameters {
  readonly scales: NumericArray;
  /** As many as scales, or none for 0. */
  readonly zeroPoints: NumericArray | null;
  /** Axis that the scales run along; null for one scale. */
  readonly axis: number | null;
  /** Elements along the axis that share one scale, which then has the rank of the input; null: one per index. */
  readonly block: number | null;
}

/** Calls `run` for every stretch of elements that have one scale. */
function stretches(
  shape: readonly number[],
  count: number,
  { axis, block }: Parameters,
  run: (from: number, to: number, parameter: number) => void,
): void {
  if (axis === null) {
    run(0, count, 0);
    return;
  }
  const extent = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const outer = extent * inner === 0 ? 0 : count / (extent * inner);
  const blocks = block === null ? 0 : Math.ceil(extent / block);
  for (let o = 0; o < outer; o++) {
    for (let at = 0; at < extent; at++) {
      const from = (o * extent + at) * inner;
      if (block === null) run(from, from + inner, at);
      else
        for (let i = 0; i < inner; i++)
          run(from + i, from + i + 1, (o * blocks + Math.floor(at / block)) * inner + i);
    }
  }
}

/** floats to integers of `type`. */
export function quantized(input: DenseTensor, type: ElementType, parameters: Parameters): DenseTensor {
  const { data: values, shape } = input;
  const { scales, zeroPoints } = parameters;
  const data = emptyArray(type, values.length);
  const { lo, hi } = typeRange(type);
  stretches(shape, values.length, parameters, (from, to, parameter) => {
    const scale = Math.fround(scales[parameter]!);
    const zeroPoint = zeroPoints === null ? 0 : zeroPoints[parameter]!;
    for (let index = from; index < to; index++) {
      const steps = roundHalfEven(Math.fround(values[index]! / scale)) + zeroPoint;
      data[index] = steps < lo ? lo : steps > hi ? hi : steps;
    }
  });
  return { type, shape, data };
}

/** Integers to float32. */
export function dequantized(input: DenseTensor, parameters: Parameters): DenseTensor {
  const { data: values, shape } = input;
  const { scales, zeroPoints } = parameters;
  const data = new Float32Array(values.length);
  stretches(shape, values.length, parameters, (from, to, parameter) => {
    const scale = Math.fround(scales[parameter]!);
    const zeroPoint = zeroPoints === null ? 0 : zeroPoints[parameter]!;
    for (let index = from; index < to; index++) data[index] = Math.fround(values[index]! - zeroPoint) * scale;
  });
  return { type: 'float32', shape, data };
}

/**
 * uint8 with a scale and zero point of the values themselves:
 *
 *   lo = min(0, min x)   hi = max(0, max x)   scale = rn(rn(hi - lo) / 255), 1 where all values are 0
 *   zero point = rne(saturate(rn(0 - rn(lo / scale))))
 */
export function dynamicallyQuantized(input: DenseTensor): readonly [DenseTensor, DenseTensor, DenseTensor] {
  let [lo, hi] = [0, 0];
  for (const value of input.data) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  const scale = lo === hi ? 1 : Math.fround(Math.fround(hi - lo) / 255);
  const zeroPoint = roundHalfEven(Math.min(255, Math.max(0, -Math.fround(lo / scale))));
  const zeroPoints = Uint8Array.of(zeroPoint);
  const scales = Float32Array.of(scale);
  return [
    quantized(input, 'uint8', { scales, zeroPoints, axis: null, block: null }),
    { type: 'float32', shape: [], data: scales },
    { type: 'uint8', shape: [], data: zeroPoints },
  ];
}

/** rn(rn(sa sb) / sy). */
export function multiplierOf(scaleA: number, scaleB: number, scaleY: number): number {
  return Math.fround(Math.fround(Math.fround(scaleA) * Math.fround(scaleB)) / Math.fround(scaleY));
}

export interface Requantizing {
  /** rn(rn(sa sb) / sy): one, or one per index of `axis`. */
  readonly multipliers: readonly number[];
  readonly zeroPoint: number;
  readonly axis: number;
}

/** Accumulators to integers of `type`. */
export function requantized(
  { data: sums, shape }: { readonly shape: readonly number[]; readonly data: Float64Array },
  type: ElementType,
  { multipliers, zeroPoint, axis }: Requantizing,
): DenseTensor {
  const data = emptyArray(type, sums.length);
  const { lo, hi } = typeRange(type);
  const parameters = {
    scales: Float32Array.from(multipliers),
    zeroPoints: null,
    axis: multipliers.length === 1 ? null : axis,
    block: null,
  };
  stretches(shape, sums.length, parameters, (from, to, parameter) => {
    const multiplier = parameters.scales[parameter]!;
    for (let index = from; index < to; index++) {
      const steps = roundHalfEven(Math.fround(Math.fround(sums[index]!) * multiplier)) + zeroPoint;
      data[index] = steps < lo ? lo : steps > hi ? hi : steps;
    }
  });
  return { type, shape, data };
}
