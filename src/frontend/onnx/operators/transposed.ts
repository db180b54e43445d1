import { intAttribute, intsAttribute, spatialAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, shapeText } from '../graph/state.ts';
import type { GraphNode } from '../types.ts';
import type { ShapeRule } from './operator.ts';
import { autoPadOf, kernelOf } from './windows.ts';

/** ConvTranspose on one spatial axis. */
export interface TransposedAxis {
  readonly stride: number;
  readonly dilation: number;
  /** What is cut off the output's beginning. */
  readonly begin: number;
  /** Extent of the output. */
  readonly output: number;
}

/**
 * The axes of a ConvTranspose. Whole, an output has stride * (size - 1) + output_padding + dilation * (kernel - 1) + 1
 * elements. `pads` cuts off both ends; with `output_shape`, or `auto_pad` SAME (size * stride), what is too much is
 * shared out: the smaller half first for SAME_UPPER, last otherwise (ONNX operators, ConvTranspose). Where the whole
 * output is smaller than size * stride, SAME leaves it as it is, as onnxruntime and ONNX's own shape inference do.
 */
export function transposedAxes(
  node: GraphNode,
  sizes: readonly number[],
  kernel: readonly number[],
): readonly TransposedAxis[] {
  const rank = sizes.length;
  const strides = spatialAttribute(node, 'strides', rank, 1);
  const dilations = spatialAttribute(node, 'dilations', rank, 1);
  const pads = spatialAttribute(node, 'pads', 2 * rank, 0);
  const extra = spatialAttribute(node, 'output_padding', rank, 0);
  const autoPad = autoPadOf(node);
  const wanted = wantedExtents(node, sizes, strides, autoPad);
  return sizes.map((size, axis) => {
    const [stride, dilation] = [strides[axis]!, dilations[axis]!];
    if (stride < 1 || dilation < 1 || extra[axis]! < 0)
      contradiction(
        node,
        'a stride, dilation or output_padding is out of range',
        'at least 1, 1 and 0',
        `${stride}, ${dilation}, ${extra[axis]!}`,
      );
    const whole = stride * (size - 1) + extra[axis]! + dilation * (kernel[axis]! - 1) + 1;
    const extent = wanted(axis, whole);
    const [begin, output] =
      extent === null
        ? explicit(whole, autoPad === 'NOTSET' ? [pads[axis]!, pads[axis + rank]!] : [0, 0])
        : [sharedOut(whole - extent, autoPad === 'SAME_UPPER'), extent];
    if (output < 1)
      contradiction(node, 'nothing is left of the output', 'an extent of at least 1', String(output));
    return { stride, dilation, begin, output };
  });
}

function explicit(whole: number, [begin, end]: readonly [number, number]): readonly [number, number] {
  return [begin, whole - begin - end];
}

/** What of `total` is cut off the beginning. An output that is larger than the whole one grows at its end. */
function sharedOut(total: number, smallerHalfFirst: boolean): number {
  if (total <= 0) return 0;
  return smallerHalfFirst ? Math.floor(total / 2) : Math.ceil(total / 2);
}

/** The extent that the node asks for on an axis; null where pads decide. */
function wantedExtents(
  node: GraphNode,
  sizes: readonly number[],
  strides: readonly number[],
  autoPad: ReturnType<typeof autoPadOf>,
): (axis: number, whole: number) => number | null {
  const shape = intsAttribute(node, 'output_shape');
  if (shape !== null && shape.length > 0) {
    // Some exporters give batch and channels too.
    if (shape.length !== sizes.length && shape.length !== sizes.length + 2)
      contradiction(node, 'output_shape has the wrong length', `${sizes.length} extents`, shapeText(shape));
    return (axis) => shape.slice(-sizes.length)[axis] ?? null;
  }
  if (autoPad !== 'SAME_UPPER' && autoPad !== 'SAME_LOWER') return () => null;
  return (axis, whole) => Math.min(whole, sizes[axis]! * strides[axis]!);
}

/** [batch, outputs of a group x groups, ...extents]. */
export const transposedConvolution: ShapeRule = (view) => {
  const { node } = view;
  const [input, filter, type] = [inputShape(view, 0), inputShape(view, 1), inputType(view, 0)];
  if (input === null || filter === null) return [{ type, shape: null }];
  if (input.length < 3 || filter.length !== input.length)
    contradiction(
      node,
      'input and weights have the wrong rank',
      'the same, at least 3',
      `${shapeText(input)} and ${shapeText(filter)}`,
    );
  const group = intAttribute(node, 'group', 1);
  if (group < 1 || input[1] !== filter[0] || input[1]! % group !== 0)
    contradiction(
      node,
      'input channels do not match the weights',
      `${filter[0]!} in ${group} groups`,
      `${input[1]!} channels`,
    );
  const axes = transposedAxes(node, input.slice(2), kernelOf(node, filter));
  return [{ type, shape: [input[0]!, filter[1]! * group, ...axes.map(({ output }) => output)] }];
};
