import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/**
 * An integer tensor seen through strides, as `torch.as_strided` has it: element (i0, i1, ...) lies at
 * data[offset + i0 * strides[0] + i1 * strides[1] + ...]. Views share `data`; only the functions of copy.ts copy.
 * Strides count elements and may be zero or negative. Every index of the shape lies in `data`: `strided` checks it
 * when a view is made, so that no reader has to.
 */
export interface Strided {
  readonly data: Float64Array;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export interface ViewOptions {
  readonly shape: readonly number[];
  /** Elements, one per axis. */
  readonly strides: readonly number[];
  /** Into the buffer, not relative to the source. Default: the offset of the source. */
  readonly offset?: number;
}

function refuse(
  code: 'shape-mismatch' | 'out-of-range',
  message: string,
  expected: string,
  found: string,
): never {
  throw new CipherconvError({ code, where: 'view', message, expected, found });
}

/** Strides of C order: the last axis is the fastest. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * Makes a view of a buffer.
 * @throws CipherconvError `shape-mismatch` when strides and shape differ in rank or an extent is no positive integer,
 * `out-of-range` when any index of the shape would fall outside the buffer.
 */
export function strided(
  data: Float64Array,
  shape: readonly number[],
  strides: readonly number[] = rowMajor(shape),
  offset = 0,
): Strided {
  if (strides.length !== shape.length) {
    refuse('shape-mismatch', 'one stride per axis', `${shape.length} strides`, `${strides.length} strides`);
  }
  let lowest = offset;
  let highest = offset;
  shape.forEach((extent, axis) => {
    const stride = strides[axis]!;
    if (!Number.isSafeInteger(extent) || extent < 1) {
      refuse('shape-mismatch', `extent of axis ${axis}`, 'an integer of at least 1', String(extent));
    }
    if (!Number.isSafeInteger(stride)) {
      refuse('out-of-range', `stride of axis ${axis}`, 'an integer', String(stride));
    }
    if (stride < 0) lowest += (extent - 1) * stride;
    else highest += (extent - 1) * stride;
  });
  // Doubles may round such sums, but never across the length of a buffer: those are exact.
  if (!Number.isSafeInteger(offset) || lowest < 0 || highest >= data.length) {
    const expected = `elements 0 to ${data.length - 1} of the buffer`;
    refuse('out-of-range', 'a view reaches outside its buffer', expected, `${lowest} to ${highest}`);
  }
  return { data, shape: [...shape], strides: [...strides], offset };
}

/** A tensor as a view of its own data. Throws as `strided` does when the data do not fill the shape. */
export function fromTensor(tensor: Tensor): Strided {
  return strided(tensor.data, tensor.shape);
}

/** Another view of the same buffer; zero copy. Throws as `strided`. */
export function view(source: Strided, { shape, strides, offset = source.offset }: ViewOptions): Strided {
  return strided(source.data, shape, strides, offset);
}

/**
 * Reorders the axes without a copy: axis k of the result is axis `axes[k]` of the source.
 * @throws CipherconvError `shape-mismatch` when `axes` names not every axis once.
 */
export function permute(source: Strided, axes: readonly number[]): Strided {
  const sorted = axes.toSorted((a, b) => a - b);
  if (sorted.length !== source.shape.length || sorted.some((axis, index) => axis !== index)) {
    refuse(
      'shape-mismatch',
      'not a permutation',
      `axes 0 to ${source.shape.length - 1}, each once`,
      axes.join(),
    );
  }
  return {
    data: source.data,
    shape: axes.map((axis) => source.shape[axis]!),
    strides: axes.map((axis) => source.strides[axis]!),
    offset: source.offset,
  };
}

/** The sub-tensor at one index of the first axis, which goes away. Throws `out-of-range`. */
export function select(source: Strided, index: number): Strided {
  const { data, shape, strides, offset } = source;
  checkIndex(index, shape[0] ?? 0, 0);
  return { data, shape: shape.slice(1), strides: strides.slice(1), offset: offset + index * strides[0]! };
}

/** One element. @throws CipherconvError `shape-mismatch` for the wrong number of indices, `out-of-range`. */
export function elementAt(source: Strided, ...index: number[]): number {
  const { data, shape, strides, offset } = source;
  if (index.length !== shape.length) {
    refuse('shape-mismatch', 'one index per axis', `${shape.length} indices`, `${index.length} indices`);
  }
  let at = offset;
  index.forEach((position, axis) => {
    checkIndex(position, shape[axis]!, axis);
    at += position * strides[axis]!;
  });
  return data[at]!;
}

function checkIndex(index: number, extent: number, axis: number): void {
  if (Number.isInteger(index) && index >= 0 && index < extent) return;
  refuse('out-of-range', `index of axis ${axis}`, `0 to ${extent - 1}`, String(index));
}

/**
 * A[M][N] -> A[M/T][N/T][T][T] without a copy: tile (p, q) holds rows p*T to p*T + T - 1 and columns q*T to ...
 * @throws CipherconvError `shape-mismatch` when the source is no matrix or T does not divide both extents.
 */
export function tile(source: Strided, extent: number): Strided {
  const [rows = 0, columns = 0] = source.shape;
  const [rowStride = 0, columnStride = 0] = source.strides;
  if (source.shape.length !== 2 || extent < 1 || rows % extent !== 0 || columns % extent !== 0) {
    refuse(
      'shape-mismatch',
      'does not split into tiles',
      `a multiple of ${extent} on two axes`,
      source.shape.join(),
    );
  }
  return view(source, {
    shape: [rows / extent, columns / extent, extent, extent],
    strides: [extent * rowStride, extent * columnStride, rowStride, columnStride],
  });
}
