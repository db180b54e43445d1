import { typeRange } from '../values.ts';
import type { Interval } from '../../../compiler/base/interval.ts';
import type { ElementType } from '../../frontend/onnx/proto/codes.ts';
import type { Grid } from './call.ts';
import { roundedAway } from './numbers.ts';
import type { FusedActivation } from './node.ts';

/** Real values that an activation keeps; null where a side is open. */
const BOUNDS: Readonly<Record<FusedActivation, readonly [lo: number | null, hi: number | null]>> = {
  NONE: [null, null],
  RELU: [0, null],
  RELU_N1_TO_1: [-1, 1],
  RELU6: [0, 6],
};

/** The integer of a real value, not yet clamped: zo + round(rn(v / so)). */
export function quantizedValue(value: number, { scale, zeroPoint }: Grid): number {
  return zeroPoint + roundedAway(Math.fround(value / scale));
}

/** What an output may be behind bounds in real values. */
export function rangeBetween(
  [lo, hi]: readonly [lo: number | null, hi: number | null],
  type: ElementType,
  grid: Grid,
): Interval {
  const range = typeRange(type);
  return {
    lo: lo === null ? range.lo : Math.max(range.lo, quantizedValue(lo, grid)),
    hi: hi === null ? range.hi : Math.min(range.hi, quantizedValue(hi, grid)),
  };
}

/** What an output may be behind a fused activation. */
export function activationRange(activation: FusedActivation, type: ElementType, grid: Grid): Interval {
  return rangeBetween(BOUNDS[activation], type, grid);
}
