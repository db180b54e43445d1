import { elementCount } from '../../compiler/base/tensor.ts';
import { emptyArray } from './values.ts';
import type { DenseTensor, NumericArray } from './values.ts';

/** Moving the elements of tensors about. Shapes are checked by shape inference before. */

/** Elements from one axis to the next, C order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/**
 * A tensor of shape `shape` whose element (i, j, ...) is source[start + i * steps[0] + j * steps[1] + ...]. Steps may be 0
 * (broadcast) or negative.
 */
export function strided(
  source: DenseTensor,
  shape: readonly number[],
  steps: readonly number[],
  start = 0,
): DenseTensor {
  const data = emptyArray(source.type, elementCount(shape));
  copyStrided(source.data, data, merged(shape, steps), start);
  return { type: source.type, shape: [...shape], data };
}

interface Axes {
  readonly extents: readonly number[];
  readonly steps: readonly number[];
}

/** The same walk with fewer axes: those of extent 1 left out, and neighbours joined that are one run. */
function merged(shape: readonly number[], steps: readonly number[]): Axes {
  const extents: number[] = [];
  const joined: number[] = [];
  shape.forEach((extent, axis) => {
    const step = steps[axis]!;
    if (extent === 1) return;
    const last = extents.length - 1;
    if (last >= 0 && joined[last] === step * extent) {
      extents[last]! *= extent;
      joined[last] = step;
    } else {
      extents.push(extent);
      joined.push(step);
    }
  });
  return extents.length === 0 ? { extents: [1], steps: [1] } : { extents, steps: joined };
}

function copyStrided(from: NumericArray, to: NumericArray, { extents, steps }: Axes, start: number): void {
  const last = extents.length - 1;
  const [run, step] = [extents[last]!, steps[last]!];
  const position = new Array<number>(extents.length).fill(0);
  let source = start;
  for (let index = 0; index < to.length; index += run) {
    if (step === 1) to.set(from.subarray(source, source + run), index);
    else for (let at = 0, read = source; at < run; at++, read += step) to[index + at] = from[read]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      source += steps[axis]!;
      if (++position[axis]! < extents[axis]!) break;
      source -= steps[axis]! * extents[axis]!;
      position[axis] = 0;
    }
  }
}

/** transposed[i] = shape[permutation[i]]. */
export function transpose(source: DenseTensor, permutation: readonly number[]): DenseTensor {
  const strides = stridesOf(source.shape);
  return strided(
    source,
    permutation.map((axis) => source.shape[axis]!),
    permutation.map((axis) => strides[axis]!),
  );
}

/** The same elements in another shape of as many. */
export function reshaped(source: DenseTensor, shape: readonly number[]): DenseTensor {
  return { type: source.type, shape: [...shape], data: source.data };
}

/** Steps that read a tensor of shape `from` as one of the broadcast shape `to`. */
export function broadcastSteps(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]!));
}

/** NumPy's broadcasting; null when the shapes do not go together. */
export function broadcastShape(left: readonly number[], right: readonly number[]): number[] | null {
  const rank = Math.max(left.length, right.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const a = left[left.length - rank + axis] ?? 1;
    const b = right[right.length - rank + axis] ?? 1;
    if (a !== b && a !== 1 && b !== 1) return null;
    shape.push(a === 1 ? b : a);
  }
  return shape;
}

/** Tensors of one type behind each other along `axis`; the shape is that of the result. */
export function concatenate(
  parts: readonly DenseTensor[],
  axis: number,
  shape: readonly number[],
): DenseTensor {
  const type = parts[0]!.type;
  const data = emptyArray(type, elementCount(shape));
  const outer = elementCount(shape.slice(0, axis));
  let offset = 0;
  for (let block = 0; block < outer; block++) {
    for (const part of parts) {
      const length = part.data.length / outer;
      data.set(part.data.subarray(block * length, (block + 1) * length), offset);
      offset += length;
    }
  }
  return { type, shape: [...shape], data };
}

/** Slices `indices` along `axis`; their shape takes that axis's place. */
export function gather(
  source: DenseTensor,
  indices: DenseTensor,
  axis: number,
  shape: readonly number[],
): DenseTensor {
  const extent = source.shape[axis]!;
  const inner = elementCount(source.shape.slice(axis + 1));
  const outer = elementCount(source.shape.slice(0, axis));
  const data = emptyArray(source.type, elementCount(shape));
  let offset = 0;
  for (let block = 0; block < outer; block++) {
    for (const index of indices.data) {
      const row = block * extent + (index < 0 ? index + extent : index);
      data.set(source.data.subarray(row * inner, (row + 1) * inner), offset);
      offset += inner;
    }
  }
  return { type: source.type, shape: [...shape], data };
}
