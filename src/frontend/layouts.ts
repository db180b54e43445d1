import { CipherconvError } from '../../compiler/base/errors.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import type { TensorLayout, WeightLayout } from './schema.ts';

/**
 * Outside layouts against the canonical ones (NCHW, OIHW). A permutation lists, for each canonical axis, the axis of the
 * outside tensor that holds it.
 */
type Permutation = readonly [number, number, number, number];

const TENSOR_AXES: Readonly<Record<TensorLayout, Permutation>> = { NCHW: [0, 1, 2, 3], NHWC: [0, 3, 1, 2] };
const WEIGHT_AXES: Readonly<Record<WeightLayout, Permutation>> = { OIHW: [0, 1, 2, 3], HWIO: [3, 2, 0, 1] };

/** Four extents. */
export type Shape4 = readonly [number, number, number, number];

function permute(shape: Shape4, axes: Permutation): [number, number, number, number] {
  return [shape[axes[0]] ?? 0, shape[axes[1]] ?? 0, shape[axes[2]] ?? 0, shape[axes[3]] ?? 0];
}

/** NCHW extents of a shape written in `layout`. */
export function canonicalShape(shape: Shape4, layout: TensorLayout): [number, number, number, number] {
  return permute(shape, TENSOR_AXES[layout]);
}

/** Extents in `layout` of an NCHW shape. */
export function outsideShape(shape: Shape4, layout: TensorLayout): [number, number, number, number] {
  return layout === 'NCHW' ? [...shape] : [shape[0], shape[2], shape[3], shape[1]];
}

/** OIHW extents of a filter shape written in `layout`. */
export function canonicalWeightShape(shape: Shape4, layout: WeightLayout): [number, number, number, number] {
  return permute(shape, WEIGHT_AXES[layout]);
}

/** Which axis of the outside input shape holds a canonical axis (N = 0, C = 1, H = 2, W = 3). */
export function outsideAxis(layout: TensorLayout, canonicalAxis: number): number {
  return TENSOR_AXES[layout][canonicalAxis] ?? canonicalAxis;
}

/** Which axis of the outside filter shape holds a canonical axis (O = 0, I = 1, H = 2, W = 3). */
export function outsideWeightAxis(layout: WeightLayout, canonicalAxis: number): number {
  return WEIGHT_AXES[layout][canonicalAxis] ?? canonicalAxis;
}

/** For every canonical element (C order of the permuted shape), its index in the outside tensor. */
function outsideIndices(outside: Shape4, axes: Permutation): Int32Array {
  const pitch = [outside[1] * outside[2] * outside[3], outside[2] * outside[3], outside[3], 1];
  const [a, b, c, d] = permute(outside, axes);
  const [pitchA, pitchB, pitchC, pitchD] = [
    pitch[axes[0]]!,
    pitch[axes[1]]!,
    pitch[axes[2]]!,
    pitch[axes[3]]!,
  ];
  const indices = new Int32Array(a * b * c * d);
  let next = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        const base = i * pitchA + j * pitchB + k * pitchC;
        for (let l = 0; l < d; l++) indices[next++] = base + l * pitchD;
      }
    }
  }
  return indices;
}

function gather(values: Float64Array, indices: Int32Array): Float64Array {
  return Float64Array.from(indices, (index) => values[index]!);
}

/** Elements of an outside tensor in NCHW order. `shape` is the outside shape. */
export function toCanonical(values: Float64Array, shape: Shape4, layout: TensorLayout): Float64Array {
  return layout === 'NCHW' ? values : gather(values, outsideIndices(shape, TENSOR_AXES[layout]));
}

/** Elements of an NCHW tensor in the order of `layout`. `shape` is NCHW. */
export function fromCanonical(values: Float64Array, shape: Shape4, layout: TensorLayout): Float64Array {
  if (layout === 'NCHW') return values;
  const result = new Float64Array(values.length);
  outsideIndices(outsideShape(shape, layout), TENSOR_AXES[layout]).forEach((outside, canonical) => {
    result[outside] = values[canonical]!;
  });
  return result;
}

/**
 * The NCHW tensor of one whose axes lie in `layout`: the way into this API, whose tensors are NCHW.
 * @throws CipherconvError `shape-mismatch` for a tensor that has not four axes, or not as many elements as its shape says.
 */
export function nchwOf(tensor: Tensor, layout: TensorLayout): Tensor {
  const shape = fourExtents(tensor);
  return { shape: canonicalShape(shape, layout), data: toCanonical(tensor.data, shape, layout) };
}

/**
 * An NCHW tensor with its axes in `layout`: the way out of this API.
 * @throws CipherconvError as `nchwOf` does.
 */
export function inLayout(tensor: Tensor, layout: TensorLayout): Tensor {
  const shape = fourExtents(tensor);
  return { shape: outsideShape(shape, layout), data: fromCanonical(tensor.data, shape, layout) };
}

/**
 * The four extents of a tensor that has them.
 * @throws CipherconvError `shape-mismatch`.
 */
export function fourExtents({ shape, data }: Tensor): Shape4 {
  const [first, second, third, fourth] = shape;
  const isWhole = shape.length === 4 && data.length === elementCount(shape);
  if (isWhole && first !== undefined && second !== undefined && third !== undefined && fourth !== undefined)
    return [first, second, third, fourth];
  throw new CipherconvError({
    code: 'shape-mismatch',
    where: 'tensor',
    message: 'not a tensor of four axes',
    expected: 'four extents, and as many elements as they say',
    found: `[${shape.join(', ')}], ${data.length} elements`,
  });
}

/** Weights in OIHW order. `shape` is the outside shape. */
export function weightsToCanonical(values: Float64Array, shape: Shape4, layout: WeightLayout): Float64Array {
  return layout === 'OIHW' ? values : gather(values, outsideIndices(shape, WEIGHT_AXES[layout]));
}

/** Index in the outside weights of canonical (OIHW) weight number `index`. `shape` is the outside shape. */
export function outsideWeightIndex(shape: Shape4, layout: WeightLayout, index: number): number {
  return layout === 'OIHW' ? index : (outsideIndices(shape, WEIGHT_AXES[layout])[index] ?? index);
}
