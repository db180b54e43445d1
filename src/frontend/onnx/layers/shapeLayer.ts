import { elementCount } from '../../../../compiler/base/tensor.ts';
import type { AveragePool } from '../../../../compiler/convolution/averagePool.ts';
import type { ConvShape } from '../../../../compiler/convolution/shape.ts';
import type { TransposedConvolution } from '../../../../compiler/convolution/transposed.ts';
import type { Triple, VolumeConvolution } from '../../../../compiler/convolution/volume.ts';
import { intAttribute } from '../graph/attributes.ts';
import { transpose } from '../../../interpreter/moves.ts';
import { NotALayer } from './operands.ts';
import { transposedAxes } from '../operators/transposed.ts';
import type { TransposedAxis } from '../operators/transposed.ts';
import { geometryOf, kernelOf } from '../operators/windows.ts';
import type { AxisGeometry } from '../operators/windows.ts';
import type { GraphNode, OnnxTensor } from '../types.ts';

/** How the operands of a linear node lie as those of a convolution. */
export interface LayerGeometry {
  /** Of the graph's input, before it is reshaped; null for none. */
  readonly permutation: readonly number[] | null;
  /** The constant operand in an order that reshapes to the filter. */
  readonly ordered: (constant: OnnxTensor) => OnnxTensor;
  /** Axis of the constant operand that the output channels lie on. */
  readonly outputAxis: number;
  /** Output channels in the graph. */
  readonly outputs: number;
  /** Products that one output sums. */
  readonly taps: number;
  /** Whether a tap may fall on padding and add nothing. */
  readonly isPadded: boolean;
  readonly form: PlaneForm | VolumeForm | TransposedForm | PoolForm;
}

type Four = readonly [number, number, number, number];
type Five = readonly [number, number, number, number, number];

/** A convolution over two axes. */
export interface PlaneForm extends Pick<ConvShape, 'strides' | 'pads' | 'dilations' | 'group'> {
  readonly kind: 'plane';
  /** [batch, channels, height, width] */
  readonly input: Four;
  /** OIHW */
  readonly filter: Four;
}

/** A convolution over three. */
interface VolumeForm extends Pick<VolumeConvolution, 'strides' | 'pads' | 'dilations' | 'group'> {
  readonly kind: 'volume';
  /** [batch, channels, depth, height, width] */
  readonly input: Five;
  /** OIDHW */
  readonly filter: Five;
}

/** A transposed convolution over two axes. */
interface TransposedForm extends Pick<
  TransposedConvolution,
  'strides' | 'begins' | 'dilations' | 'group' | 'output'
> {
  readonly kind: 'transposed';
  /** [batch, channels, height, width] */
  readonly input: Four;
  /** IOHW, with O the output channels of one group */
  readonly filter: Four;
}

/** An average pool over two axes. */
export interface PoolForm extends Pick<
  AveragePool,
  'kernel' | 'strides' | 'pads' | 'dilations' | 'countsPads'
> {
  readonly kind: 'pool';
  /** [batch, channels, height, width] */
  readonly input: Four;
}

const DENSE = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 } as const;
const asItIs = (constant: OnnxTensor): OnnxTensor => constant;

/** Conv, ConvInteger, QLinearConv: one to three spatial axes; with one it becomes the width of images of height 1. */
export function convolutionGeometry(
  node: GraphNode,
  shape: readonly number[],
  filter: readonly number[],
): LayerGeometry {
  const kernel = kernelOf(node, filter);
  const sizes = shape.slice(2);
  if (sizes.length < 1 || sizes.length > 3)
    throw new NotALayer(`not supported yet: convolutions over ${sizes.length} spatial axes`);
  const axes = geometryOf(node, sizes, kernel);
  const [batch = 1, channels = 1] = shape;
  const [outputs = 1, channelsPerGroup = 1] = filter;
  return {
    permutation: null,
    ordered: asItIs,
    outputAxis: 0,
    outputs,
    taps: elementCount(filter.slice(1)),
    isPadded: axes.some(({ padBegin, padEnd }) => padBegin > 0 || padEnd > 0),
    form:
      sizes.length === 3
        ? volumeForm(
            node,
            [batch, channels, ...triple(sizes)],
            [outputs, channelsPerGroup, ...triple(kernel)],
            axes,
          )
        : planeForm(
            node,
            [batch, channels, ...pair(sizes, 1)],
            [outputs, channelsPerGroup, ...pair(kernel, 1)],
            axes,
          ),
  };
}

function planeForm(node: GraphNode, input: Four, filter: Four, axes: readonly AxisGeometry[]): PlaneForm {
  const list = (select: (axis: AxisGeometry) => number, missing: number): readonly [number, number] =>
    pair(axes.map(select), missing);
  return {
    kind: 'plane',
    input,
    filter,
    strides: list(({ stride }) => stride, 1),
    pads: [...list(({ padBegin }) => padBegin, 0), ...list(({ padEnd }) => padEnd, 0)],
    dilations: list(({ dilation }) => dilation, 1),
    group: intAttribute(node, 'group', 1),
  };
}

function volumeForm(node: GraphNode, input: Five, filter: Five, axes: readonly AxisGeometry[]): VolumeForm {
  const list = (select: (axis: AxisGeometry) => number): Triple => triple(axes.map(select));
  return {
    kind: 'volume',
    input,
    filter,
    strides: list(({ stride }) => stride),
    pads: [...list(({ padBegin }) => padBegin), ...list(({ padEnd }) => padEnd)],
    dilations: list(({ dilation }) => dilation),
    group: intAttribute(node, 'group', 1),
  };
}

/** One axis is the second of two. */
function pair(list: readonly number[], missing: number): readonly [number, number] {
  const [first = missing, second = missing] = list.length === 1 ? [missing, ...list] : list;
  return [first, second];
}

function triple([first = 1, second = 1, third = 1]: readonly number[]): Triple {
  return [first, second, third];
}

/** ConvTranspose over one or two spatial axes. */
export function transposedGeometry(
  node: GraphNode,
  shape: readonly number[],
  filter: readonly number[],
): LayerGeometry {
  const kernel = kernelOf(node, filter);
  const sizes = shape.slice(2);
  if (sizes.length !== 1 && sizes.length !== 2)
    throw new NotALayer(`not supported yet: transposed convolutions over ${sizes.length} spatial axes`);
  const axes = transposedAxes(node, sizes, kernel);
  if (axes.some(({ begin }) => begin < 0)) throw new NotALayer('not supported yet: negative pads');
  const list = (select: (axis: TransposedAxis) => number, missing: number): readonly [number, number] =>
    pair(axes.map(select), missing);
  const group = intAttribute(node, 'group', 1);
  return {
    permutation: null,
    ordered: asItIs,
    outputAxis: 1,
    outputs: filter[1]! * group,
    taps: (shape[1]! / group) * elementCount(kernel),
    isPadded: true,
    form: {
      kind: 'transposed',
      input: [shape[0]!, shape[1]!, ...pair(sizes, 1)],
      filter: [filter[0]!, filter[1]!, ...pair(kernel, 1)],
      strides: list(({ stride }) => stride, 1),
      begins: list(({ begin }) => begin, 0),
      dilations: list(({ dilation }) => dilation, 1),
      output: list(({ output }) => output, 1),
      group,
    },
  };
}

/** AveragePool and GlobalAveragePool over one or two spatial axes. */
export function poolGeometry(
  node: GraphNode,
  shape: readonly number[],
  kernel: readonly number[],
): LayerGeometry & { readonly form: PoolForm } {
  const sizes = shape.slice(2);
  if (sizes.length !== 1 && sizes.length !== 2)
    throw new NotALayer(`not supported yet: average pools over ${sizes.length} spatial axes`);
  const [batch = 1, channels = 1] = shape;
  const input: Four = [batch, channels, ...pair(sizes, 1)];
  const axes = geometryOf(node, sizes, kernel);
  const window = pair(kernel, 1);
  const plane = planeForm(node, input, [channels, 1, ...window], axes);
  const countsPads = intAttribute(node, 'count_include_pad', 0) !== 0;
  return {
    permutation: null,
    ordered: asItIs,
    outputAxis: 0,
    outputs: channels,
    taps: window[0] * window[1],
    isPadded: plane.pads.some((pad) => pad > 0),
    form: { ...plane, kind: 'pool', input, kernel: window, countsPads },
  };
}

/** A matrix product: `columns` outputs of `inner` products each. */
function denseGeometry(
  input: Four,
  columns: number,
  rest: Pick<LayerGeometry, 'permutation' | 'ordered' | 'outputAxis'>,
): LayerGeometry {
  const inner = input[1];
  return {
    ...rest,
    outputs: columns,
    taps: inner,
    isPadded: false,
    form: { kind: 'plane', input, filter: [columns, inner, 1, 1], ...DENSE },
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
  return denseGeometry([rows, inner, 1, 1], columns, {
    permutation: transposed.left ? [1, 0] : null,
    ordered: transposed.right ? asItIs : (values) => transpose({ ...values, shape: constant }, [1, 0]),
    outputAxis: matrix.length === 1 ? -1 : axis,
  });
}

/** W [M, K] times x [..., K, N]: the columns of x become a row of N pixels. */
export function leftProductGeometry(matrix: readonly number[], shape: readonly number[]): LayerGeometry {
  if (matrix.length > 2) throw new NotALayer('not supported yet: a batch of constant matrices');
  const [rows, inner] = matrix.length === 1 ? [1, matrix[0]!] : [matrix[0]!, matrix[1]!];
  const columns = shape.length === 1 ? 1 : (shape.at(-1) ?? 1);
  return denseGeometry([elementCount(shape) / (inner * columns), inner, 1, columns], rows, {
    permutation: null,
    ordered: asItIs,
    outputAxis: matrix.length === 1 ? -1 : 0,
  });
}

/** [K, N] of a constant right operand: leading axes of 1 are dropped, and a vector is one column. */
function matrixOf(shape: readonly number[]): readonly [number, number] {
  const [lead, matrix] = [shape.slice(0, -2), shape.slice(-2)];
  if (lead.some((extent) => extent !== 1))
    throw new NotALayer('not supported yet: a batch of constant matrices');
  return matrix.length === 1 ? [matrix[0]!, 1] : [matrix[0] ?? 1, matrix[1] ?? 1];
}
