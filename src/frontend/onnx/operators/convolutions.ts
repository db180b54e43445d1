import { elementCount } from '../../../../compiler/base/tensor.ts';
import { convolved } from '../../../interpreter/linear.ts';
import { transposedSums } from '../../../interpreter/transposed.ts';
import { multiplierOf, requantized } from '../../../interpreter/quantize.ts';
import { centred, emptyArray } from '../../../interpreter/values.ts';
import type { NumericArray } from '../../../interpreter/values.ts';
import { intAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { ElementType } from '../proto/codes.ts';
import type { OnnxTensor } from '../types.ts';
import { linearBounds } from './bounds.ts';
import { unbounded } from './grids.ts';
import { computes, inputAt, named } from './operator.ts';
import type { Call, ClearRule, Family, Operator, ShapeRule } from './operator.ts';
import { transposedAxes, transposedConvolution } from './transposed.ts';
import { geometryOf, kernelOf, outputExtent, spatialGeometry, spatialOf } from './windows.ts';
import { convolutionWork, transposedWork } from './work.ts';

/** Convolutions. */

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

/** QLinear operators have the type of the output's zero point, the eighth input. */
const outputZeroPoint = (view: NodeView): ElementType | null => inputType(view, 7);

/** The sums of a convolution, exact for integers; null for more than three spatial axes. */
function sumsOf(
  { view, output }: Call,
  input: readonly number[],
  filter: readonly number[],
  operands: readonly [x: Float64Array, w: Float64Array],
): Float64Array | null {
  const { node } = view;
  const taps = kernelOf(node, filter);
  const axes = spatialGeometry(geometryOf(node, input.slice(2), taps));
  const [size, kernel, cells] = [
    spatialOf(input.slice(2), 1),
    spatialOf(taps, 1),
    spatialOf(output.shape.slice(2), 1),
  ];
  if (size === null || kernel === null || cells === null || axes === null) return null;
  return convolved(...operands, {
    batch: input[0]!,
    group: intAttribute(node, 'group', 1),
    channelsPerGroup: filter[1]!,
    outChannels: filter[0]!,
    input: size,
    kernel,
    output: cells,
    strides: axes.strides,
    dilations: axes.dilations,
    pads: axes.padsBefore,
  });
}

/** The sum and the bias in doubles, rounded to the type once. */
const floatClear = computes(2, (inputs, call) => {
  const [x, w, bias] = [inputs[0]!, inputs[1]!, inputs[2] ?? null];
  const { output } = call;
  const sums = sumsOf(call, x.shape, w.shape, [centred(x.data), centred(w.data)]);
  if (sums === null) return null;
  if (bias !== null) addPerChannel(sums, output.shape, bias.data);
  const data = emptyArray(output.type, sums.length);
  data.set(sums);
  return { ...output, data };
});

/** ConvTranspose: the sum and the bias in doubles, rounded to the type once. */
const transposedClear = computes(2, (inputs, { view, output }) => {
  const [x, w, bias] = [inputs[0]!, inputs[1]!, inputs[2] ?? null];
  const taps = kernelOf(view.node, w.shape);
  const axes = transposedAxes(view.node, x.shape.slice(2), taps);
  const [input, kernel, cells] = [
    spatialOf(x.shape.slice(2), 1),
    spatialOf(taps, 1),
    spatialOf(output.shape.slice(2), 1),
  ];
  const [strides, dilations, begins] = (['stride', 'dilation', 'begin'] as const).map((key) =>
    spatialOf(
      axes.map((axis) => axis[key]),
      key === 'begin' ? 0 : 1,
    ),
  );
  if (!input || !kernel || !cells || !strides || !dilations || !begins) return null;
  const group = intAttribute(view.node, 'group', 1);
  const sums = transposedSums(centred(x.data), centred(w.data), {
    batch: x.shape[0]!,
    group,
    channelsPerGroup: x.shape[1]! / group,
    outputsPerGroup: w.shape[1]!,
    input,
    kernel,
    output: cells,
    strides,
    dilations,
    begins,
  });
  if (bias !== null) addPerChannel(sums, output.shape, bias.data);
  const data = emptyArray(output.type, sums.length);
  data.set(sums);
  return { ...output, data };
});

function addPerChannel(sums: Float64Array, shape: readonly number[], bias: NumericArray): void {
  const channels = shape[1]!;
  const cells = elementCount(shape.slice(2));
  for (let from = 0, plane = 0; from < sums.length; from += cells, plane++) {
    const value = bias[plane % channels]!;
    for (let index = from; index < from + cells; index++) sums[index]! += value;
  }
}

/** Weights with a zero point for all, or one per output channel, taken off. */
function centredFilter({ data, shape }: OnnxTensor, zeroPoints: NumericArray | null): Float64Array {
  if (zeroPoints === null || zeroPoints.length <= 1) return centred(data, zeroPoints?.[0] ?? 0);
  const size = elementCount(shape.slice(1));
  const values = new Float64Array(data.length);
  for (let index = 0; index < values.length; index++)
    values[index] = data[index]! - zeroPoints[Math.floor(index / size)]!;
  return values;
}

/** int32, and wraps as int32 does. */
const integerClear: ClearRule = (call) => {
  const [x, w] = [inputAt(call, 0), inputAt(call, 1)];
  const [zeroX, zeroW] = [inputAt(call, 2), inputAt(call, 3)];
  if (x === null || w === null) return null;
  const operands = [centred(x.data, zeroX?.data[0]), centredFilter(w, zeroW?.data ?? null)] as const;
  const sums = sumsOf(call, x.shape, w.shape, operands);
  return sums === null ? null : [{ ...call.output, data: Int32Array.from(sums) }];
};

/** x, scale, zero point, w, scale, zero point, scale and zero point of the output, bias. */
const quantizedClear: ClearRule = (call) => {
  const parts = call.inputs.slice(0, 8);
  const [x, scaleX, zeroX, w, scaleW, zeroW, scaleY, zeroY] = parts.map((part) => part ?? null);
  if (!x || !scaleX || !w || !scaleW || !scaleY) return null;
  const operands = [centred(x.data, zeroX?.data[0]), centredFilter(w, zeroW?.data ?? null)] as const;
  const sums = sumsOf(call, x.shape, w.shape, operands);
  if (sums === null) return null;
  const bias = inputAt(call, 8);
  if (bias !== null) addPerChannel(sums, call.output.shape, bias.data);
  const multipliers = Array.from(scaleW.data, (scale) =>
    multiplierOf(scaleX.data[0]!, scale, scaleY.data[0]!),
  );
  const { shape, type } = call.output;
  return [requantized({ shape, data: sums }, type, { multipliers, zeroPoint: zeroY?.data[0] ?? 0, axis: 1 })];
};

const base: Omit<Operator, 'shape'> = { grid: null, clear: null, folds: 'never' };

export const CONVOLUTIONS: Family = new Map([
  ...named('Conv', {
    shape: convolution(1, (view) => inputType(view, 0)),
    grid: unbounded,
    bounds: linearBounds,
    clear: floatClear,
    folds: 'never',
    work: convolutionWork(1),
  }),
  ...named('ConvInteger', {
    ...base,
    shape: convolution(1, () => 'int32'),
    clear: integerClear,
    work: convolutionWork(1),
  }),
  ...named('QLinearConv', {
    ...base,
    shape: convolution(3, outputZeroPoint),
    clear: quantizedClear,
    work: convolutionWork(3),
  }),
  ...named('ConvTranspose', {
    ...base,
    shape: transposedConvolution,
    clear: transposedClear,
    work: transposedWork,
  }),
]);
