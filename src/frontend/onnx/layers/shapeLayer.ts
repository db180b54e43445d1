import { elementCount } from '../../../../compiler/base/tensor.ts';
import type { ConvShape } from '../../../../compiler/convolution/spec.ts';
import { intAttribute } from '../graph/attributes.ts';
import { transpose } from '../../../interpreter/moves.ts';
import { NotALayer } from './operands.ts';
import { geometryOf, kernelOf } from '../operators/windows.ts';
import type { GraphNode, OnnxTensor } from '../types.ts';

/** How the operands of a linear node lie as those of a convolution. */
export interface LayerGeometry {
  /** [batch, channels, height, width] of the input. */
  readonly input: readonly [number, number, number, number];
  /** Of the graph's input, before it is reshaped; null for none. */
  readonly permutation: readonly number[] | null;
  /** OIHW of the filter. */
  readonly filter: readonly [number, number, number, number];
  /** The constant operand in an order that reshapes to OIHW. */
  readonly ordered: (constant: OnnxTensor) => OnnxTensor;
  /** Axis of the constant operand that the output channels lie on. */
  readonly outputAxis: number;
  readonly conv: Pick<ConvShape, 'strides' | 'pads' | 'dilations' | 'group'>;
}

const DENSE = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 } as const;
const asItIs = (constant: OnnxTensor): OnnxTensor => constant;

/** Conv, ConvInteger, QLinearConv: two spatial axes, or one, which becomes the width of images of height 1. */
export function convolutionGeometry(
  node: GraphNode,
  shape: readonly number[],
  filter: readonly number[],
): LayerGeometry {
  const kernel = kernelOf(node, filter);
  const sizes = shape.slice(2);
  if (sizes.length !== 1 && sizes.length !== 2)
    throw new NotALayer(`not supported yet: convolutions over ${sizes.length} spatial axes`);
  const axes = geometryOf(node, sizes, kernel);
  const row = { stride: 1, dilation: 1, padBegin: 0, padEnd: 0 };
  const [vertical, horizontal] = sizes.length === 1 ? [row, axes[0]!] : [axes[0]!, axes[1]!];
  const [height, width] = sizes.length === 1 ? [1, sizes[0]!] : [sizes[0]!, sizes[1]!];
  const [kernelHeight, kernelWidth] = kernel.length === 1 ? [1, kernel[0]!] : [kernel[0]!, kernel[1]!];
  return {
    input: [shape[0]!, shape[1]!, height, width],
    permutation: null,
    filter: [filter[0]!, filter[1]!, kernelHeight, kernelWidth],
    ordered: asItIs,
    outputAxis: 0,
    conv: {
      strides: [vertical.stride, horizontal.stride],
      pads: [vertical.padBegin, horizontal.padBegin, vertical.padEnd, horizontal.padEnd],
      dilations: [vertical.dilation, horizontal.dilation],
      group: intAttribute(node, 'group', 1),
    },
  };
}

/** x [..., M, K] times W [K, N]: the rows become the batch of 1x1 images. */
export function rightProductGeometry(
  shape: readonly number[],
  matrix: readonly number[],
  transposed: { readonly left: boolean; readonly right: boolean },
): LayerGeometry {
  const constant = matrixOf(matrix);
  const [inner, columns] = transposed.right ? [constant[1], constant[0]] : constant;
  const rows = elementCount(shape) / inner;
  const axis = matrix.length - (transposed.right ? 2 : 1);
  return {
    input: [rows, inner, 1, 1],
    permutation: transposed.left ? [1, 0] : null,
    filter: [columns, inner, 1, 1],
    ordered: transposed.right ? asItIs : (values) => transpose({ ...values, shape: constant }, [1, 0]),
    outputAxis: matrix.length === 1 ? -1 : axis,
    conv: DENSE,
  };
}

/** W [M, K] times x [..., K, N]: the columns of x become a row of N pixels. */
export function leftProductGeometry(matrix: readonly number[], shape: readonly number[]): LayerGeometry {
  if (matrix.length > 2) throw new NotALayer('not supported yet: a batch of constant matrices');
  const [rows, inner] = matrix.length === 1 ? [1, matrix[0]!] : [matrix[0]!, matrix[1]!];
  const columns = shape.length === 1 ? 1 : (shape.at(-1) ?? 1);
  return {
    input: [elementCount(shape) / (inner * columns), inner, 1, columns],
    permutation: null,
    filter: [rows, inner, 1, 1],
    ordered: asItIs,
    outputAxis: matrix.length === 1 ? -1 : 0,
    conv: DENSE,
  };
}

/** [K, N] of a constant right operand: leading axes of 1 are dropped, and a vector is one column. */
function matrixOf(shape: readonly number[]): readonly [number, number] {
  const [lead, matrix] = [shape.slice(0, -2), shape.slice(-2)];
  if (lead.some((extent) => extent !== 1))
    throw new NotALayer('not supported yet: a batch of constant matrices');
  return matrix.length === 1 ? [matrix[0]!, 1] : [matrix[0] ?? 1, matrix[1] ?? 1];
}
