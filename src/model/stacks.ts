/** Inputs of one batch that are stacked in one tensor along its first axis, and outputs put together again. */

interface Stacked<Data> {
  readonly shape: readonly number[];
  readonly data: Data;
}

type Sliceable<Data> = ArrayLike<unknown> & { slice(start: number, end: number): Data };

/**
 * How many inputs of shape `wanted` a tensor of shape `found` holds: the same extents but for the first, which is a multiple.
 * 1 also where it is no stack at all.
 */
export function stackSize(wanted: readonly number[] | null, found: readonly number[]): number {
  const [first, ...rest] = wanted ?? [];
  const [given, ...others] = found;
  if (first === undefined || given === undefined || first < 1 || rest.join() !== others.join()) return 1;
  return given > first && given % first === 0 ? given / first : 1;
}

/** The inputs of a stack of `count`, in order. */
export function unstack<Data extends Sliceable<Data>>(
  tensor: Stacked<Data>,
  count: number,
): readonly Stacked<Data>[] {
  const [first = 1, ...rest] = tensor.shape;
  const each = tensor.data.length / count;
  return Array.from({ length: count }, (_, index) => ({
    shape: [first / count, ...rest],
    data: tensor.data.slice(index * each, (index + 1) * each),
  }));
}

/** Shape of a stack of tensors of one shape. */
export function stackedShape(shape: readonly number[], count: number): number[] {
  const [first, ...rest] = shape;
  return first === undefined ? [count] : [first * count, ...rest];
}
