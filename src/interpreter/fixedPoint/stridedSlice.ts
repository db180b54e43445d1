import { strided, stridesOf } from '../moves.ts';
import { constantOf, inputOf, malformed, unsupported } from './call.ts';
import type { Call } from './call.ts';
import type { OperationOf } from './node.ts';
import { operator, valuesOf } from './operator.ts';

/** STRIDED_SLICE: from begin to end in steps of stride along each axis. */

type Slice = Call<OperationOf<'STRIDED_SLICE'>>;

interface Walk {
  readonly start: number;
  readonly stride: number;
  readonly extent: number;
  /** The axis is left out of the output. */
  readonly isShrunk: boolean;
}

type List = ArrayLike<number>;

const isSet = (mask: number, axis: number): boolean => ((mask >> axis) & 1) === 1;

function walks(call: Slice, lists: readonly [begin: List, end: List, strides: List]): Walk[] {
  const { shape } = inputOf(call, 0);
  const { ellipsisMask, newAxisMask } = call.operation;
  if (ellipsisMask !== 0 || newAxisMask !== 0)
    throw unsupported(
      call,
      'with an ellipsis or new axes',
      'masks of 0',
      `${ellipsisMask} and ${newAxisMask}`,
    );
  const [{ length }] = lists;
  for (const list of lists)
    if (list.length !== length || length > shape.length)
      throw malformed(
        call,
        'begin, end or strides',
        `as many numbers each, ${shape.length} at most`,
        lists.map((each) => each.length).join(', '),
      );
  return shape.map((size, axis) => walkAlong(call, axis, size, lists));
}

/**
 * Negative positions count from the end; a bit of a mask takes the whole rest; a shrunk axis is the one position `begin`.
 * Axes behind the lists are taken whole.
 */
function walkAlong(
  call: Slice,
  axis: number,
  size: number,
  [begin, end, strides]: readonly [List, List, List],
): Walk {
  const { beginMask, endMask, shrinkAxisMask } = call.operation;
  if (axis >= strides.length) return { start: 0, stride: 1, extent: size, isShrunk: false };
  const stride = strides[axis]!;
  if (stride === 0) throw malformed(call, `stride of axis ${axis}`, 'not 0', '0');
  const [least, most] = stride > 0 ? [0, size] : [-1, size - 1];
  const placed = (position: number): number =>
    Math.max(least, Math.min(most, position < 0 ? position + size : position));
  const start = isSet(beginMask, axis) ? (stride > 0 ? least : most) : placed(begin[axis]!);
  const isShrunk = isSet(shrinkAxisMask, axis);
  if (isShrunk) {
    if (start >= 0 && start < size) return { start, stride: 1, extent: 1, isShrunk };
    throw malformed(call, `begin of axis ${axis}`, `${-size} .. ${size - 1}`, String(begin[axis]));
  }
  const stop = isSet(endMask, axis) ? (stride > 0 ? most : least) : placed(end[axis]!);
  return { start, stride, extent: Math.max(0, Math.ceil((stop - start) / stride)), isShrunk };
}

export const STRIDED_SLICE = operator('STRIDED_SLICE', {
  arity: [4, 4],
  shape: (call, constants) =>
    walks(call, [
      constantOf(call, constants, 1),
      constantOf(call, constants, 2),
      constantOf(call, constants, 3),
    ])
      .filter(({ isShrunk }) => !isShrunk)
      .map(({ extent }) => extent),
  prepare: (call) => {
    const { type } = inputOf(call, 0);
    if (type !== call.output.type) throw malformed(call, 'type of the output', type, call.output.type);
    return (inputs) => {
      const input = valuesOf(inputs, 0);
      const steps = stridesOf(input.shape);
      const along = walks(call, [
        valuesOf(inputs, 1).data,
        valuesOf(inputs, 2).data,
        valuesOf(inputs, 3).data,
      ]);
      return strided(
        input,
        along.map(({ extent }) => extent),
        along.map(({ stride }, axis) => stride * steps[axis]!),
        along.reduce((sum, { start }, axis) => sum + start * steps[axis]!, 0),
      ).data;
    };
  },
});
