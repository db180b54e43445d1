import type { Spatial } from '../../../interpreter/linear.ts';
import { axisPads } from '../../autoPad.ts';
import { spatialAttribute, textAttribute } from '../graph/attributes.ts';
import { contradiction, shapeText } from '../graph/state.ts';
import type { GraphNode } from '../types.ts';

/** Windows of convolutions and pools, axis by axis. */

/** Strides, dilations and pads of one spatial axis. */
export interface AxisGeometry {
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
  readonly padEnd: number;
}

export function autoPadOf(node: GraphNode): 'NOTSET' | 'VALID' | 'SAME_UPPER' | 'SAME_LOWER' {
  const text = textAttribute(node, 'auto_pad', 'NOTSET');
  switch (text) {
    case 'VALID':
    case 'SAME_UPPER':
    case 'SAME_LOWER':
      return text;
    case '':
    case 'NOTSET':
      return 'NOTSET';
    default:
      return contradiction(node, 'auto_pad is unknown', 'NOTSET, VALID, SAME_UPPER or SAME_LOWER', text);
  }
}

/** Attributes of a convolution or pool, axis by axis; `auto_pad` is worked out. */
export function geometryOf(
  node: GraphNode,
  sizes: readonly number[],
  kernel: readonly number[],
): readonly AxisGeometry[] {
  const rank = sizes.length;
  const strides = spatialAttribute(node, 'strides', rank, 1);
  const dilations = spatialAttribute(node, 'dilations', rank, 1);
  const pads = spatialAttribute(node, 'pads', 2 * rank, 0);
  const autoPad = autoPadOf(node);
  return sizes.map((size, axis) => {
    const [stride, dilation] = [strides[axis]!, dilations[axis]!];
    if (stride < 1 || dilation < 1)
      contradiction(node, 'a stride or dilation is out of range', 'at least 1', `${stride}, ${dilation}`);
    const [padBegin, padEnd] =
      autoPad === 'NOTSET'
        ? [pads[axis]!, pads[axis + rank]!]
        : axisPads(autoPad, { size, kernel: kernel[axis]!, stride, dilation });
    return { stride, dilation, padBegin, padEnd };
  });
}

/** floor or ceil((size + pads - reach) / stride) + 1. */
export function outputExtent(
  node: GraphNode,
  size: number,
  kernel: number,
  { stride, dilation, padBegin, padEnd }: AxisGeometry,
  ceil: boolean,
): number {
  const reach = dilation * (kernel - 1) + 1;
  const room = size + padBegin + padEnd - reach;
  if (room < 0)
    return contradiction(
      node,
      'the kernel does not fit into the padded input',
      `a dilated kernel of at most ${size + padBegin + padEnd}`,
      String(reach),
    );
  const steps = ceil ? Math.ceil(room / stride) : Math.floor(room / stride);
  // A window must start in the input or its front padding (onnxruntime, and ONNX since opset 19).
  return ceil && steps * stride >= size + padBegin ? steps : steps + 1;
}

/** Kernel extents: the filter's, which `kernel_shape` may only repeat. */
export function kernelOf(node: GraphNode, filter: readonly number[]): number[] {
  const kernel = filter.slice(2);
  const declared = spatialAttribute(node, 'kernel_shape', kernel.length, 0);
  if (node.attributes.has('kernel_shape') && declared.join() !== kernel.join())
    contradiction(node, 'kernel_shape is not that of the weights', shapeText(kernel), shapeText(declared));
  return kernel;
}

/** A list over one to three spatial axes as one over three: what is missing stands in front. null for other ranks. */
export function spatialOf(values: readonly number[], missing: number): Spatial | null {
  const [a, b, c] = values;
  if (a === undefined || values.length > 3) return null;
  if (b === undefined) return [missing, missing, a];
  return c === undefined ? [missing, a, b] : [a, b, c];
}

/** Strides, dilations and pads of one to three axes as those of three. */
export interface SpatialGeometry {
  readonly strides: Spatial;
  readonly dilations: Spatial;
  readonly padsBefore: Spatial;
  readonly padsAfter: Spatial;
}

export function spatialGeometry(axes: readonly AxisGeometry[]): SpatialGeometry | null {
  const list = (key: keyof AxisGeometry, missing: number): Spatial | null =>
    spatialOf(
      axes.map((axis) => axis[key]),
      missing,
    );
  const [strides, dilations] = [list('stride', 1), list('dilation', 1)];
  const [padsBefore, padsAfter] = [list('padBegin', 0), list('padEnd', 0)];
  if (strides === null || dilations === null || padsBefore === null || padsAfter === null) return null;
  return { strides, dilations, padsBefore, padsAfter };
}
