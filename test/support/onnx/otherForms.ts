/** Linear layers of random graphs that are quantized at run time, to other widths than 8 bits, or by QONNX's Quant. */
import type { AttributeValue } from '../../../bench/models/write.ts';
import type { Activation, OtherWidth, QuantizedType } from '../../../bench/models/modelWriter.ts';
import { outputActivation, scaleConstant } from './linearNodes.ts';
import type { Context, Linear, OtherForm } from './linearNodes.ts';
import { chance, oneOf, randomZeroPoint, RANGES } from './randomWeights.ts';

export const QUANT_DOMAIN = 'qonnx.custom_op.general';

export function isOther(form: string): form is OtherForm {
  return form === 'dynamic' || form === 'other width' || form === 'QONNX';
}

/** DynamicQuantizeLinear, the integer operator, Cast, Mul, Add: as onnxruntime's quantize_dynamic writes it. */
export function dynamic(context: Context, op: 'Conv' | 'MatMul', linear: Linear): Activation {
  const { graph, dequantize } = context;
  const { input, weights, attributes, channelShape } = linear;
  const [q = '', scale = '', zero = ''] = graph.wide('DynamicQuantizeLinear', [dequantize(input)], 3);
  const operands = [
    q,
    graph.constant(weights.type, weights.shape, weights.values),
    zero,
    graph.constant(weights.type, [], [weights.zeroPoint]),
  ];
  const sums = graph.node(op === 'Conv' ? 'ConvInteger' : 'MatMulInteger', operands, attributes);
  const floats = graph.node('Cast', [sums], { to: { int: 1 } });
  const perOutput = (values: readonly number[]): string =>
    graph.constant('float32', values.length === 1 ? [] : channelShape, values);
  let result = graph.node('Mul', [floats, graph.node('Mul', [scale, perOutput(weights.scales)])]);
  if (weights.bias !== null) {
    const steps = weights.scales.map((one) => one * input.scale);
    result = graph.node('Add', [
      result,
      perOutput(weights.bias.map((value, output) => value * steps[output % steps.length]!)),
    ]);
  }
  return graph.quantize(result, outputActivation(context, linear));
}

/** Activations and weights of 4 or 16 bits; sums stay below 2^53 by far. */
export function otherWidth(context: Context, op: 'Conv' | 'MatMul', linear: Linear): Activation {
  const { graph, random, dequantize } = context;
  const { input, weights, attributes, outputAxis } = linear;
  const type = oneOf<OtherWidth>(random, ['uint16', 'int16', 'uint4', 'int4']);
  const zeroPoint = randomZeroPoint(random, type);
  const levels = RANGES[type].hi - RANGES[type].lo;
  const scale = Math.fround((input.scale * 255) / levels);
  const narrow = graph.quantize(dequantize(input), { type, shape: input.shape, scale, zeroPoint });
  const weightType = oneOf<OtherWidth | QuantizedType>(random, ['int4', 'int16', 'int8']);
  const { lo, hi } = RANGES[weightType];
  const values = weights.values.map((value) =>
    Math.min(Math.max(Math.round(((value - weights.zeroPoint) * hi) / 127), lo), hi),
  );
  const scales = weights.scales.map((one) => Math.fround((one * 127) / hi));
  const isList = scales.length > 1;
  const weight = graph.node(
    'DequantizeLinear',
    [
      graph.constant(weightType, weights.shape, values),
      scaleConstant(graph, scales),
      graph.constant(
        weightType,
        isList ? [scales.length] : [],
        scales.map(() => 0),
      ),
    ],
    isList ? { axis: { int: outputAxis } } : {},
  );
  const sums = graph.node(
    op,
    [graph.dequantize(narrow), weight, ...floatBias(context, op, linear)],
    attributes,
  );
  return graph.quantize(sums, outputActivation(context, linear));
}

/** A float bias of no particular scale; MatMul has none. */
function floatBias({ graph }: Context, op: 'Conv' | 'MatMul', { input, weights }: Linear): string[] {
  if (weights.bias === null || op === 'MatMul') return [];
  const values = weights.bias.map(
    (value, output) => value * weights.scales[output % weights.scales.length]! * input.scale,
  );
  return [graph.constant('float32', [values.length], values)];
}

/** Quant on the activation and on the weights, 2 to 8 bits. */
export function qonnx(context: Context, op: 'Conv' | 'MatMul', linear: Linear): Activation {
  const { graph, random, dequantize } = context;
  const { input, weights, attributes } = linear;
  const quant = (floats: string, scales: string, bits: number, isSigned: boolean): string => {
    const settings: Record<string, AttributeValue> = {
      signed: { int: isSigned ? 1 : 0 },
      narrow: { int: isSigned && chance(random, 2) ? 1 : 0 },
      rounding_mode: { text: oneOf(random, ['ROUND', 'FLOOR', 'CEIL']) },
    };
    const parameters = [graph.constant('float32', [], [0]), graph.constant('float32', [], [bits])];
    const rest = { attributes: settings, domain: QUANT_DOMAIN };
    return graph.wide('Quant', [floats, scales, ...parameters], 1, rest)[0]!;
  };
  const [bits, weightBits] = [random(2, 8), random(2, 8)];
  const isSigned = chance(random, 2);
  const step = graph.constant('float32', [], [Math.fround((input.scale * 255) / (2 ** bits - 1))]);
  const activation = quant(dequantize(input), step, bits, isSigned);
  // Scales per output lie along the axis that counts outputs.
  const shape = weights.shape.map((extent, axis) => (axis === linear.outputAxis ? extent : 1));
  const scales = weights.scales.map((one) => Math.fround((one * 127) / 2 ** (weightBits - 1)));
  const perOutput = weights.values.length / weights.scales.length;
  const floats = weights.values.map((value, index) => {
    const output = linear.outputAxis === 0 ? Math.floor(index / perOutput) : index % weights.scales.length;
    return (value - weights.zeroPoint) * weights.scales[weights.scales.length === 1 ? 0 : output]!;
  });
  const weight = quant(
    graph.constant('float32', weights.shape, floats),
    graph.constant('float32', scales.length === 1 ? [] : shape, scales),
    weightBits,
    true,
  );
  const sums = graph.node(op, [activation, weight, ...floatBias(context, op, linear)], attributes);
  return graph.quantize(sums, outputActivation(context, linear));
}
