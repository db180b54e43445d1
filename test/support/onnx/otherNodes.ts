/** Nodes between the linear layers of random graphs: what the client computes in the clear. */
import type { Activation, QuantizedType } from '../../../bench/models/modelWriter.ts';
import { randomGeometry } from './geometry.ts';
import type { Context } from './linearNodes.ts';
import { chance, oneOf, randomScale, randomZeroPoint, RANGES } from './randomWeights.ts';

/** Dequantized, computed in floats, quantized again. */
function throughFloats(
  { graph, dequantize }: Context,
  input: Activation,
  compute: (float: string) => string,
  to: Partial<Omit<Activation, 'name'>> = {},
): Activation {
  return graph.quantize(compute(dequantize(input)), { ...input, ...to });
}

/** Relu or Clip: on the integers, or on the floats. */
export function activation(context: Context, input: Activation): Activation {
  const { graph, random } = context;
  const { lo, hi } = RANGES[input.type];
  if (chance(random, 2)) return throughFloats(context, input, (float) => graph.node('Relu', [float]));
  const ends = chance(random, 2)
    ? [Math.max(lo, input.zeroPoint), hi]
    : [random(lo, lo + 100), random(hi - 100, hi)];
  const limits = ends.map((end) => graph.constant(input.type, [], [end]));
  return { ...input, name: graph.node('Clip', [input.name, ...limits]) };
}

/** To another scale, zero point and perhaps signedness, with or without a factor in between. */
export function requantization(context: Context, input: Activation): Activation {
  const { graph, random, scales } = context;
  const type = oneOf<QuantizedType>(random, ['uint8', 'int8']);
  const factor = oneOf(random, [1, 0.5, 0.75, 2]);
  const multiply = (float: string): string =>
    factor === 1 ? float : graph.node('Mul', [float, graph.constant('float32', [], [factor])]);
  const scale = randomScale(random, scales, input.scale);
  return throughFloats(context, input, multiply, { type, scale, zeroPoint: randomZeroPoint(random, type) });
}

function spatial({ shape }: Activation): readonly number[] {
  return shape.slice(2);
}

/** MaxPool on the integers, or on the floats. */
export function maxPool(context: Context, input: Activation): Activation {
  const { graph, random } = context;
  const { extents, attributes } = randomGeometry(random, spatial(input), 'max pool');
  const shape = [...input.shape.slice(0, 2), ...extents];
  const pool = (value: string): string => graph.node('MaxPool', [value], attributes);
  if (chance(random, 2)) return throughFloats(context, input, pool, { shape });
  return { ...input, shape, name: pool(input.name) };
}

/** AveragePool or GlobalAveragePool, on the floats. */
export function averagePool(context: Context, input: Activation): Activation {
  const { graph, random } = context;
  const leading = input.shape.slice(0, 2);
  if (chance(random, 3)) {
    const shape = [...leading, ...spatial(input).map(() => 1)];
    return throughFloats(context, input, (float) => graph.node('GlobalAveragePool', [float]), { shape });
  }
  const { extents, attributes } = randomGeometry(random, spatial(input), 'average pool');
  const pool = (float: string): string => graph.node('AveragePool', [float], attributes);
  return throughFloats(context, input, pool, { shape: [...leading, ...extents] });
}

/** [batch, channels, ...] to [batch, features], by Flatten or Reshape. */
export function flatten({ graph, random }: Context, input: Activation): Activation {
  const [batch = 1, ...rest] = input.shape;
  const shape = [batch, rest.reduce((product, extent) => product * extent, 1)];
  const name = chance(random, 2)
    ? graph.node('Flatten', [input.name])
    : graph.node('Reshape', [input.name, graph.constant('int64', [2], [batch, -1])]);
  return { ...input, shape, name };
}

/** Sum of two activations of the same shape, each with its own scale. */
export function add(
  { graph, random, scales, dequantize }: Context,
  left: Activation,
  right: Activation,
): Activation {
  const sum = graph.node('Add', [dequantize(left), dequantize(right)]);
  const scale = randomScale(random, scales, left.scale + right.scale);
  const { type, shape } = left;
  return graph.quantize(sum, { type, shape, scale, zeroPoint: randomZeroPoint(random, type) });
}

/** One after the other along the channels, in one scale: that of the first. */
export function concat(
  { graph, dequantize }: Context,
  parts: readonly [Activation, ...Activation[]],
): Activation {
  const [first] = parts;
  const channels = parts.reduce((sum, { shape }) => sum + (shape[1] ?? 0), 0);
  const shape = first.shape.map((extent, axis) => (axis === 1 ? channels : extent));
  const floats = parts.map(dequantize);
  return graph.quantize(graph.node('Concat', floats, { axis: { int: 1 } }), { ...first, shape });
}
