import type { AttributeValue } from '../../../bench/models/write.ts';
import type { Activation, ModelWriter, GraphTensor } from '../../../bench/models/modelWriter.ts';
import type { Geometry } from './geometry.ts';
import { chance, RANGES, randomScale, randomWeights, randomZeroPoint } from './randomWeights.ts';
import type { Random, Scales, Weights } from './randomWeights.ts';

/**
 * Linear layers of random graphs, in the forms that quantized models have them. Each takes an 8-bit activation and gives
 * one of the same type.
 */
export type ConvForm = 'QLinearConv' | 'ConvInteger' | 'Conv' | 'ConvTranspose' | OtherForm;
export type DenseForm = 'QLinearMatMul' | 'MatMulInteger' | 'MatMul' | 'Gemm' | OtherForm;
/** otherForms.ts */
export type OtherForm = 'dynamic' | 'other width' | 'QONNX';
/** Linear operators as graphs have them. */
export type LinearOperator = Exclude<ConvForm | DenseForm, OtherForm>;

export interface Context {
  readonly graph: ModelWriter;
  readonly random: Random;
  readonly scales: Scales;
  /** The floats of an activation: the same ones for all readers, or new ones. @returns their name */
  readonly dequantize: (activation: Activation) => string;
}

/** A linear operator with its weights, ready to be written in one of the forms. */
export interface Linear {
  readonly input: Activation;
  readonly weights: Weights;
  readonly outputShape: readonly number[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Shape in which one number per output meets the result: [outputs, 1, 1] behind a convolution. */
  readonly channelShape: readonly number[];
  /** Axis of the weights that counts outputs. */
  readonly outputAxis: number;
}

/** Where the result goes: real values of the size that the accumulators typically have, spread over 8 bits. */
export function outputActivation({ random, scales }: Context, linear: Linear): Omit<Activation, 'name'> {
  const { input, weights, outputShape } = linear;
  const typical = (input.scale * weights.scales[0]! * weights.typicalSum) / 48;
  const { type } = input;
  const scale = randomScale(random, scales, typical);
  return { type, shape: outputShape, scale, zeroPoint: randomZeroPoint(random, type) };
}

export function scaleConstant(graph: ModelWriter, scales: readonly number[]): string {
  return graph.constant('float32', scales.length === 1 ? [] : [scales.length], scales);
}

function weightConstant(graph: ModelWriter, { type, shape, values }: Weights): string {
  return graph.constant(type, shape, values);
}

/**
 * One zero point for all outputs; MatMul may have a list, as it must where the scales are one. Convolutions take no list in
 * onnxruntime.
 */
function weightZeroPoints(
  { graph, random }: Context,
  { weights, outputShape }: Linear,
  lists: Lists,
): string {
  const { type, zeroPoint } = weights;
  if (lists === 'none' || (lists === 'optional' && chance(random, 2))) {
    return graph.constant(type, [], [zeroPoint]);
  }
  const { lo, hi } = RANGES[type];
  const values = Array.from({ length: outputShape.at(-1) ?? 1 }, () =>
    Math.min(Math.max(zeroPoint + random(-3, 3), lo), hi),
  );
  return graph.constant(type, [values.length], values);
}

type Lists = 'none' | 'optional' | 'always';

/** QLinearConv and QLinearMatMul: integers in, integers out. */
export function qlinear(context: Context, op: 'QLinearConv' | 'QLinearMatMul', linear: Linear): Activation {
  const { graph } = context;
  const { input, weights } = linear;
  const output = outputActivation(context, linear);
  const bias = op === 'QLinearMatMul' || weights.bias === null ? [] : [biasConstant(graph, weights.bias)];
  const lists = op === 'QLinearMatMul' && weights.scales.length > 1 ? 'always' : 'none';
  const zeroPoints = weightZeroPoints(context, linear, lists);
  const inputs = [
    input.name,
    graph.constant('float32', [], [input.scale]),
    graph.constant(input.type, [], [input.zeroPoint]),
    weightConstant(graph, weights),
    scaleConstant(graph, weights.scales),
    zeroPoints,
    graph.constant('float32', [], [output.scale]),
    graph.constant(output.type, [], [output.zeroPoint]),
    ...bias,
  ];
  return { ...output, name: graph.node(op, inputs, linear.attributes) };
}

function biasConstant(graph: ModelWriter, bias: readonly number[]): string {
  return graph.constant('int32', [bias.length], bias);
}

/** ConvInteger and MatMulInteger: 8-bit integers in, the accumulator out. */
export function integer(context: Context, op: 'ConvInteger' | 'MatMulInteger', linear: Linear): GraphTensor {
  const { graph, random } = context;
  const { input, weights, outputShape, attributes } = linear;
  // Both zero points may be left out when they are 0, the first alone not.
  const given = weights.zeroPoint !== 0 || chance(random, 2);
  const zeroPoints = [
    ...(input.zeroPoint !== 0 || given ? [graph.constant(input.type, [], [input.zeroPoint])] : []),
    ...(given ? [weightZeroPoints(context, linear, op === 'MatMulInteger' ? 'optional' : 'none')] : []),
  ];
  const inputs = [input.name, weightConstant(graph, weights), ...zeroPoints];
  return { name: graph.node(op, inputs, attributes), type: 'int32', shape: outputShape };
}

/** An accumulator through floats back to 8 bits: Cast, Mul, Add, QuantizeLinear, as dynamic quantization writes it. */
export function requantizedInteger(
  context: Context,
  op: 'ConvInteger' | 'MatMulInteger',
  linear: Linear,
): Activation {
  const { graph } = context;
  const { input, weights, channelShape } = linear;
  const accumulator = integer(context, op, linear);
  const products = weights.scales.map((scale) => Math.fround(input.scale * scale));
  const perOutput = (values: readonly number[]): string =>
    graph.constant('float32', values.length === 1 ? [] : channelShape, values);
  const floats = graph.node('Cast', [accumulator.name], { to: { int: 1 } });
  let result = graph.node('Mul', [floats, perOutput(products)]);
  if (weights.bias !== null) {
    const bias = weights.bias.map((value, index) => value * products[index % products.length]!);
    result = graph.node('Add', [result, perOutput(bias)]);
  }
  return graph.quantize(result, outputActivation(context, linear));
}

/** Conv, MatMul and Gemm behind DequantizeLinear. @returns the name of the floats */
export function dequantizedLinear(
  { graph, dequantize }: Context,
  op: 'Conv' | 'ConvTranspose' | 'MatMul' | 'Gemm',
  { input, weights, attributes, outputAxis }: Linear,
): string {
  const perOutput = weights.scales.length > 1;
  const zeroPoints = weights.scales.map(() => weights.zeroPoint);
  const weight = graph.node(
    'DequantizeLinear',
    [
      weightConstant(graph, weights),
      scaleConstant(graph, weights.scales),
      graph.constant(weights.type, perOutput ? [zeroPoints.length] : [], zeroPoints),
    ],
    perOutput ? { axis: { int: outputAxis } } : {},
  );
  const bias =
    op === 'MatMul' || weights.bias === null ? [] : [qdqBias(graph, input.scale, weights, weights.bias)];
  return graph.node(op, [dequantize(input), weight, ...bias], attributes);
}

/** The same with QuantizeLinear behind it, and perhaps Relu or Clip in between, which saturation may make redundant or not. */
export function qdq(
  context: Context,
  op: 'Conv' | 'ConvTranspose' | 'MatMul' | 'Gemm',
  linear: Linear,
): Activation {
  const { graph, random } = context;
  const floats = dequantizedLinear(context, op, linear);
  const to = outputActivation(context, linear);
  if (chance(random, 2)) return graph.quantize(floats, to);
  if (chance(random, 2)) {
    const ends = [-20, 60].map((steps) => graph.constant('float32', [], [steps * to.scale]));
    return graph.quantize(graph.node('Clip', [floats, ...ends]), to);
  }
  const zeroPoint = chance(random, 2) ? RANGES[to.type].lo : to.zeroPoint;
  return graph.quantize(graph.node('Relu', [floats]), { ...to, zeroPoint });
}

/** A 32-bit bias whose scale is input scale times weight scale. */
function qdqBias(
  graph: ModelWriter,
  inputScale: number,
  { scales }: Weights,
  bias: readonly number[],
): string {
  const products = scales.map((scale) => Math.fround(inputScale * scale));
  const perOutput = products.length > 1;
  const inputs = [biasConstant(graph, bias), scaleConstant(graph, products)];
  const zeroPoint = graph.constant(
    'int32',
    perOutput ? [bias.length] : [],
    products.map(() => 0),
  );
  return graph.node('DequantizeLinear', [...inputs, zeroPoint], perOutput ? { axis: { int: 0 } } : {});
}

/** A convolution with random weights. @param group divides the channels of `input`, and `outputs` */
export function convolution(
  { random, scales }: Context,
  input: Activation,
  geometry: Geometry,
  { outputs, group }: { readonly outputs: number; readonly group: number },
): Linear {
  const [batch = 1, channels = 1] = input.shape;
  const shape = [outputs, channels / group, ...geometry.kernel];
  const taps = shape.slice(1).reduce((product, extent) => product * extent, 1);
  return {
    input,
    weights: randomWeights(random, { inputType: input.type, shape, outputs, taps, scales }),
    outputShape: [batch, outputs, ...geometry.extents],
    attributes: group === 1 ? geometry.attributes : { ...geometry.attributes, group: { int: group } },
    channelShape: [outputs, ...geometry.kernel.map(() => 1)],
    outputAxis: 0,
  };
}

/** A dense layer over the last axis, with random weights. */
export function dense(
  { random, scales }: Context,
  input: Activation,
  outputs: number,
  weightLayout: 'rows are inputs' | 'rows are outputs',
): Linear {
  const taps = input.shape.at(-1) ?? 1;
  const transposed = weightLayout === 'rows are outputs';
  const shape = transposed ? [outputs, taps] : [taps, outputs];
  return {
    input,
    weights: randomWeights(random, { inputType: input.type, shape, outputs, taps, scales }),
    outputShape: [...input.shape.slice(0, -1), outputs],
    attributes: transposed ? { transB: { int: 1 } } : {},
    channelShape: [outputs],
    outputAxis: transposed ? 0 : 1,
  };
}

/** A transposed convolution of one group, whose weights count outputs on their second axis. */
export function transposedConvolution(
  { random, scales }: Context,
  input: Activation,
  outputs: number,
): Linear {
  const [batch = 1, channels = 1, ...extents] = input.shape;
  const kernel = extents.map(() => random(1, 3));
  const strides = extents.map(() => random(1, 2));
  const shape = [channels, outputs, ...kernel];
  const taps = channels * kernel.reduce((product, extent) => product * extent, 1);
  return {
    input,
    weights: randomWeights(random, { inputType: input.type, shape, outputs, taps, scales }),
    outputShape: [
      batch,
      outputs,
      ...extents.map((extent, axis) => strides[axis]! * (extent - 1) + kernel[axis]!),
    ],
    attributes: { kernel_shape: { ints: kernel }, strides: { ints: strides } },
    channelShape: [outputs, ...kernel.map(() => 1)],
    outputAxis: 1,
  };
}
