import { intAttribute, spatialAttribute, textAttribute } from '../frontend/onnx/graph/attributes.ts';
import type { GraphNode } from '../frontend/onnx/types.ts';
import { sumOf } from './affine.ts';
import type { AffineRow, AffineTensor, Summand } from './affine.ts';
import type { IntegerConstant } from './constants.ts';
import { entriesOf, longestOf } from './importWork.ts';
import type { ImportWork } from './importWork.ts';
import { over, rational, times, toNumber } from './rational.ts';
import type { Rational } from './rational.ts';
import { refuseNode } from './refusal.ts';

/** Convolutions, dense layers and pools on affine forms. Everything is checked before it is used: models are foreign. */

/** How far a float32 product of scales may be from the exact one: half a unit in the last place of each factor. */
const ROUNDING = 2 ** -22;

/**
 * The integers that a constant adds to a tensor of this scale.
 * @throws CipherconvError `unsupported` for fractions of it
 */
export function addedIntegers(
  file: string,
  node: GraphNode,
  constant: IntegerConstant,
  scale: Rational,
): readonly number[] {
  const ratio = over(constant.scale, scale);
  if (constant.isRounded && Math.abs(toNumber(ratio) - 1) < ROUNDING) return constant.values;
  return constant.values.map((value) => {
    const exact = times(rational(BigInt(value), 1n), ratio);
    if (exact.denominator !== 1n)
      refuseNode(
        file,
        node,
        'a bias is no whole multiple of the product of scales',
        'give it the scale of input times weights',
      );
    return Number(exact.numerator);
  });
}

/** Extents and steps of a window over two axes. */
interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

function windowOf(file: string, node: GraphNode, kernel: readonly number[]): Window {
  const padding = textAttribute(node, 'auto_pad', 'NOTSET');
  if (padding !== 'NOTSET' && padding !== 'VALID')
    refuseNode(file, node, `not supported yet: auto_pad ${padding}`, 'write the pads out');
  return {
    kernel,
    strides: spatialAttribute(node, 'strides', 2, 1),
    dilations: spatialAttribute(node, 'dilations', 2, 1),
    pads: padding === 'VALID' ? [0, 0, 0, 0] : spatialAttribute(node, 'pads', 4, 0),
  };
}

function extentsOf(
  file: string,
  node: GraphNode,
  shape: readonly number[],
  window: Window,
): [number, number] {
  const [down = 0, across = 0] = [0, 1].map((axis) => {
    const reach = (window.kernel[axis]! - 1) * window.dilations[axis]! + 1;
    const padded = shape[axis + 1]! + window.pads[axis]! + window.pads[axis + 2]!;
    return Math.floor((padded - reach) / window.strides[axis]!) + 1;
  });
  if (!(down > 0) || !(across > 0))
    refuseNode(file, node, 'the window is larger than the input', 'check kernel_shape and pads');
  return [down, across];
}

/** The taps of a window at an output position that fall on the input: number of the tap, and of the input pixel. */
function tapsAt(
  [, height = 0, width = 0]: readonly number[],
  { kernel, strides, dilations, pads }: Window,
  row: number,
  column: number,
): { readonly tap: number; readonly pixel: number }[] {
  const taps = [];
  for (let down = 0; down < kernel[0]!; down++) {
    for (let across = 0; across < kernel[1]!; across++) {
      const y = row * strides[0]! - pads[0]! + down * dilations[0]!;
      const x = column * strides[1]! - pads[1]! + across * dilations[1]!;
      if (y >= 0 && y < height && x >= 0 && x < width)
        taps.push({ tap: down * kernel[1]! + across, pixel: y * width + x });
    }
  }
  return taps;
}

function requirePlane(file: string, node: GraphNode, { shape }: AffineTensor): void {
  if (shape.length !== 3)
    refuseNode(
      file,
      node,
      'not supported yet: convolutions and pools that are not over two axes',
      'use [batch, channels, height, width]',
    );
}

/** @param bias one a filter, in steps of the result's scale; null for none */
export function convolution(
  work: ImportWork,
  node: GraphNode,
  input: AffineTensor,
  weights: IntegerConstant,
  bias: IntegerConstant | null,
): AffineTensor {
  const { file } = work;
  requirePlane(file, node, input);
  const [filters = 0, groupChannels = 0, ...kernel] = weights.shape;
  const groups = intAttribute(node, 'group', 1);
  const [channels = 0, height = 0, width = 0] = input.shape;
  if (kernel.length !== 2 || groupChannels * groups !== channels || filters % groups !== 0)
    refuseNode(file, node, 'the weights do not fit the input', 'check group and shapes');
  const window = windowOf(file, node, kernel);
  const [outHeight, outWidth] = extentsOf(file, node, input.shape, window);
  const scale = times(input.scale, weights.scale);
  const added = bias === null ? null : addedIntegers(file, node, bias, scale);
  const size = kernel[0]! * kernel[1]!;
  work.take(node, filters * outHeight * outWidth * groupChannels * size * longestOf(input));
  const taps = Array.from({ length: outHeight * outWidth }, (_, position) =>
    tapsAt(input.shape, window, Math.floor(position / outWidth), position % outWidth),
  );
  const rowAt = (filter: number, position: number): AffineRow => {
    const first = Math.floor(filter / (filters / groups)) * groupChannels;
    const summands: Summand[] = [];
    for (let channel = 0; channel < groupChannels; channel++)
      for (const { tap, pixel } of taps[position]!)
        summands.push({
          row: input.rows[(first + channel) * height * width + pixel]!,
          factor: weights.values[(filter * groupChannels + channel) * size + tap]!,
        });
    return sumOf(summands, added?.[filter] ?? 0);
  };
  const rows = Array.from({ length: filters * taps.length }, (_, index) =>
    rowAt(Math.floor(index / taps.length), index % taps.length),
  );
  return { shape: [filters, outHeight, outWidth], rows, scale, depth: input.depth };
}

/** `AveragePool`: the sum, with the scale divided by the window's area. */
export function averagePool(
  work: ImportWork,
  node: GraphNode,
  input: AffineTensor,
  kernel: readonly number[],
): AffineTensor {
  const { file } = work;
  requirePlane(file, node, input);
  if (kernel.length !== 2 || intAttribute(node, 'ceil_mode', 0) !== 0)
    refuseNode(file, node, 'not supported yet: such an average pool', 'use two axes and ceil_mode 0');
  const window = windowOf(file, node, kernel);
  if (window.pads.some((pad) => pad !== 0) && intAttribute(node, 'count_include_pad', 0) === 0)
    refuseNode(
      file,
      node,
      'not supported yet: an average over different numbers of pixels',
      'use count_include_pad 1, or no pads',
    );
  const [channels = 0, height = 0, width = 0] = input.shape;
  const [outHeight, outWidth] = extentsOf(file, node, input.shape, window);
  const size = kernel[0]! * kernel[1]!;
  work.take(node, channels * outHeight * outWidth * size * longestOf(input));
  const rows = Array.from({ length: channels * outHeight * outWidth }, (_, index) => {
    const position = index % (outHeight * outWidth);
    const channel = Math.floor(index / (outHeight * outWidth));
    const taps = tapsAt(input.shape, window, Math.floor(position / outWidth), position % outWidth);
    return sumOf(
      taps.map(({ pixel }) => ({ row: input.rows[channel * height * width + pixel]!, factor: 1 })),
      0,
    );
  });
  const area = rational(1n, BigInt(size));
  return {
    shape: [channels, outHeight, outWidth],
    rows,
    scale: times(input.scale, area),
    depth: input.depth,
  };
}

/**
 * A dense layer over the last axis: [..., inputs] becomes [..., outputs].
 * @param isTransposed whether the weights are [outputs, inputs]
 */
export function dense(
  work: ImportWork,
  node: GraphNode,
  input: AffineTensor,
  weights: IntegerConstant,
  isTransposed: boolean,
): AffineTensor {
  const { file } = work;
  const inputs = input.shape.at(-1);
  const [first = 0, second = 0] = weights.shape;
  const outputs = isTransposed ? first : second;
  if (inputs === undefined || weights.shape.length !== 2 || (isTransposed ? second : first) !== inputs)
    refuseNode(
      file,
      node,
      'not supported yet: a product of these shapes',
      'the encrypted value [1, ..., inputs] times a matrix [inputs, outputs]',
    );
  work.take(node, outputs * entriesOf(input));
  const vectors = input.rows.length / inputs;
  const rows = Array.from({ length: vectors * outputs }, (_, index) => {
    const [from, output] = [Math.floor(index / outputs) * inputs, index % outputs];
    const summands = Array.from({ length: inputs }, (__, entry) => ({
      row: input.rows[from + entry]!,
      factor: weights.values[isTransposed ? output * inputs + entry : entry * outputs + output]!,
    }));
    return sumOf(summands, 0);
  });
  const shape = [...input.shape.slice(0, -1), outputs];
  return { shape, rows, scale: times(input.scale, weights.scale), depth: input.depth };
}

/** Factors are nodes of their own by now (frontend/onnx/graph/composed.ts). @throws CipherconvError `unsupported` */
export function requireBatchFirst(file: string, node: GraphNode): void {
  if (intAttribute(node, 'transA', 0) !== 0)
    refuseNode(
      file,
      node,
      'not supported yet: Gemm with transA, which turns the batch into inputs',
      'leave transA out and keep the batch first',
    );
}
