import { elementCount } from '../../compiler/base/tensor.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { rowMajor } from './strided.ts';
import type { Strided } from './strided.ts';

interface Axes {
  readonly shape: number[];
  readonly strides: number[];
}

/** Joins neighbouring axes that one stride walks through, so that the innermost loop of a copy is as long as can be. */
function joinAxes(source: Strided): Axes {
  // Two axes of one element at first, so that there always are the two that `copyRuns` takes.
  const joined: Axes = { shape: [1, 1], strides: [1, 1] };
  source.shape.forEach((extent, axis) => {
    const stride = source.strides[axis]!;
    const last = joined.shape.length - 1;
    if (joined.shape[last] === 1 || joined.strides[last] === stride * extent) {
      joined.shape[last]! *= extent;
      joined.strides[last] = stride;
    } else {
      joined.shape.push(extent);
      joined.strides.push(stride);
    }
  });
  return joined;
}

/** Copies `runs` runs of `length` elements to consecutive places; returns the place after the last. */
function copyRuns(
  data: Float64Array,
  from: number,
  runs: number,
  runStride: number,
  length: number,
  stride: number,
  target: Float64Array,
  to: number,
): number {
  for (let run = 0; run < runs; run++) {
    let at = from;
    const end = to + length;
    for (; to < end; to++) {
      target[to] = data[at]!;
      at += stride;
    }
    from += runStride;
  }
  return to;
}

function copyAxes(
  axes: Axes,
  axis: number,
  data: Float64Array,
  from: number,
  target: Float64Array,
  to: number,
): number {
  const { shape, strides } = axes;
  const extent = shape[axis]!;
  const stride = strides[axis]!;
  if (axis === shape.length - 2) {
    return copyRuns(data, from, extent, stride, shape[axis + 1]!, strides[axis + 1]!, target, to);
  }
  for (let index = 0; index < extent; index++) {
    to = copyAxes(axes, axis + 1, data, from + index * stride, target, to);
  }
  return to;
}

/**
 * Prepares copies of a view that moves: the function writes all elements of the view, moved by `shift` elements, in C
 * order to the beginning of the target.
 */
export function copier(source: Strided): (target: Float64Array, shift: number) => void {
  const axes = joinAxes(source);
  return (target, shift) => {
    copyAxes(axes, 0, source.data, source.offset + shift, target, 0);
  };
}

/** A copy in C order, with a buffer of its own. */
export function contiguous(source: Strided): Strided {
  const data = new Float64Array(elementCount(source.shape));
  copier(source)(data, 0);
  return { data, shape: source.shape, strides: rowMajor(source.shape), offset: 0 };
}

/** The same elements as a dense tensor; always a copy. */
export function toTensor(source: Strided): Tensor {
  const { shape, data } = contiguous(source);
  return { shape, data };
}
