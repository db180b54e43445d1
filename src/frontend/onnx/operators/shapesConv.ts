import { axisPads } from '../../autoPad.ts';
import { intAttribute, spatialAttribute, textAttribute } from '../graph/attributes.ts';
import type { ElementType } from '../proto/codes.ts';
import { broadcastShape } from './moves.ts';
import type { ShapeRule } from './shapeRule.ts';
import { transposedConvolution } from './transposed.ts';
import { contradiction, inputShape, inputType, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { GraphNode } from '../types.ts';

/** Shapes of convolutions, pools and matrix products. */

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
function outputExtent(
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

function convolution(filterInput: number, typeOf: (view: NodeView) => ElementType | null): ShapeRule {
  return (view) => {
    const { node } = view;
    const [input, filter, type] = [inputShape(view, 0), inputShape(view, filterInput), typeOf(view)];
    if (input === null || filter === null) return [{ type, shape: null }];
    if (input.length < 3 || filter.length !== input.length)
      contradiction(
        node,
        'input and weights have the wrong rank',
        'the same, at least 3',
        `${shapeText(input)} and ${shapeText(filter)}`,
      );
    const group = intAttribute(node, 'group', 1);
    if (input[1] !== filter[1]! * group)
      contradiction(
        node,
        'input channels do not match the weights',
        `${filter[1]!} x group ${group}`,
        `${input[1]!} channels`,
      );
    const kernel = kernelOf(node, filter);
    const sizes = input.slice(2);
    const geometry = geometryOf(node, sizes, kernel);
    const spatial = sizes.map((size, axis) =>
      outputExtent(node, size, kernel[axis]!, geometry[axis]!, false),
    );
    return [{ type, shape: [input[0]!, filter[0]!, ...spatial] }];
  };
}

const pool: ShapeRule = (view) => {
  const { node } = view;
  const [input, type] = [inputShape(view, 0), inputType(view, 0)];
  const indices = { type: 'int64', shape: null } as const;
  if (input === null) return [{ type, shape: null }, indices];
  const sizes = input.slice(2);
  const kernel = spatialAttribute(node, 'kernel_shape', sizes.length, 1);
  const geometry = geometryOf(node, sizes, kernel);
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0;
  const spatial = sizes.map((size, axis) => outputExtent(node, size, kernel[axis]!, geometry[axis]!, ceil));
  return [{ type, shape: [...input.slice(0, 2), ...spatial] }, indices];
};

const globalPool: ShapeRule = (view) => {
  const input = inputShape(view, 0);
  const shape = input === null ? null : [...input.slice(0, 2), ...input.slice(2).map(() => 1)];
  return [{ type: inputType(view, 0), shape }];
};

function product(rightInput: number, typeOf: (view: NodeView) => ElementType | null): ShapeRule {
  return (view) => {
    const [left, right, type] = [inputShape(view, 0), inputShape(view, rightInput), typeOf(view)];
    if (left === null || right === null) return [{ type, shape: null }];
    const fault = (): never =>
      contradiction(
        view.node,
        'the matrices do not go together',
        'as many columns on the left as rows on the right',
        `${shapeText(left)} and ${shapeText(right)}`,
      );
    if (left.length === 0 || right.length === 0) return fault();
    const a = left.length === 1 ? [1, ...left] : left;
    const b = right.length === 1 ? [...right, 1] : right;
    if (a.at(-1) !== b.at(-2)) return fault();
    const batch = broadcastShape(a.slice(0, -2), b.slice(0, -2)) ?? fault();
    const rows = left.length === 1 ? [] : a.slice(-2, -1);
    const columns = right.length === 1 ? [] : b.slice(-1);
    return [{ type, shape: [...batch, ...rows, ...columns] }];
  };
}

const gemm: ShapeRule = (view) => {
  const { node } = view;
  const [left, right, type] = [inputShape(view, 0), inputShape(view, 1), inputType(view, 0)];
  if (left?.length !== 2 || right?.length !== 2) return [{ type, shape: null }];
  const a = intAttribute(node, 'transA', 0) === 0 ? left : left.toReversed();
  const b = intAttribute(node, 'transB', 0) === 0 ? right : right.toReversed();
  if (a[1] !== b[0])
    contradiction(
      node,
      'the matrices do not go together',
      `${a[1]!} rows on the right`,
      `${shapeText(left)} and ${shapeText(right)}`,
    );
  return [{ type, shape: [a[0]!, b[1]!] }];
};

const first = (view: NodeView): ElementType | null => inputType(view, 0);
const int32 = (): ElementType => 'int32';
/** QLinear operators have the type of the output's zero point, the eighth input. */
const outputZeroPoint = (view: NodeView): ElementType | null => inputType(view, 7);

export const CONVOLUTION_SHAPES: ReadonlyMap<string, ShapeRule> = new Map([
  ['Conv', convolution(1, first)],
  ['ConvInteger', convolution(1, int32)],
  ['QLinearConv', convolution(3, outputZeroPoint)],
  ['ConvTranspose', transposedConvolution],
  ['MatMul', product(1, first)],
  ['MatMulInteger', product(1, int32)],
  ['QLinearMatMul', product(3, outputZeroPoint)],
  ['Gemm', gemm],
  ['MaxPool', pool],
  ['AveragePool', pool],
  ['LpPool', pool],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['GlobalLpPool', globalPool],
  ['QLinearGlobalAveragePool', globalPool],
]);
