import type { FixedPointOperation, Pair } from '../../../src/interpreter/fixedPoint/node.ts';
import type { Growth, Value } from './growth.ts';

/** Operators of random graphs that run in the clear: each makes a value of another. */

type Shape = readonly [number, number, number, number];
const shapeOf = ({ shape }: Value): Shape => shape as Shape;
const scaleOf = ({ scales }: Value): number => scales[0]!;

export function arithmetic(growth: Growth, input: Value): Value {
  const op = growth.pick(['ADD', 'SUB', 'MUL'] as const);
  const [batch, , , channels] = shapeOf(input);
  const partner = growth.chance(3) ? channelConstant(growth, channels) : sameShape(growth, input);
  const [a, b] = [scaleOf(input), partner.scales[0]!];
  const largest = growth.type === 'int8' ? 127 : 32767;
  const typical = op === 'MUL' ? a * b * largest * 0.5 : Math.max(a, b) * 1.4;
  const output = growth.value([batch, ...input.shape.slice(1)], growth.scale(typical));
  const operands = [input.name, partner.name];
  growth.node(
    { op, activation: growth.activation() },
    growth.chance(2) ? operands : operands.toReversed(),
    output,
  );
  return output;
}

/** A value of that shape: one from before, or itself. */
function sameShape(growth: Growth, input: Value): Value {
  return growth.pick(growth.values.filter(({ shape }) => shape.join() === input.shape.join()));
}

function channelConstant(growth: Growth, channels: number) {
  const largest = growth.type === 'int8' ? 127 : 32767;
  const data = Array.from({ length: channels }, () => growth.random(-largest, largest));
  const scale = growth.scale(growth.type === 'int8' ? 0.05 : 0.0002);
  return growth.constant(growth.type, growth.chance(2) ? [channels] : [1, 1, 1, channels], data, {
    scales: [scale],
    axis: 0,
  });
}

export function pool(growth: Growth, input: Value): Value {
  const [batch, height, width, channels] = shapeOf(input);
  const op = growth.pick(['AVERAGE_POOL_2D', 'MAX_POOL_2D'] as const);
  const window: Pair = [growth.random(1, Math.min(3, height)), growth.random(1, Math.min(3, width))];
  const { padding, strides, activation } = growth.window();
  const outputs = (size: number, kernel: number, stride: number): number =>
    padding === 'SAME' ? Math.ceil(size / stride) : Math.floor((size - kernel) / stride) + 1;
  const output = growth.value(
    [batch, outputs(height, window[0], strides[0]), outputs(width, window[1], strides[1]), channels],
    scaleOf(input),
    input.zeroPoints[0],
  );
  growth.node({ op, window, padding, strides, activation }, [input.name], output);
  return output;
}

export function mean(growth: Growth, input: Value): Value {
  const [batch, height, width, channels] = shapeOf(input);
  const axes = growth.pick([[1, 2], [-2, 1, 1], [2], [3]]);
  const isReduced = (axis: number): boolean => axes.includes(axis) || axes.includes(axis - 4);
  const shape = [batch, height, width, channels].map((extent, axis) => (isReduced(axis) ? 1 : extent));
  const output = growth.value(shape, growth.scale(scaleOf(input) * 0.6));
  growth.node({ op: 'MEAN', keepDims: true }, [input.name, growth.list(axes).name], output);
  return output;
}

export function activation(growth: Growth, input: Value): Value {
  const plain = ['RELU', 'RELU6', 'RELU_N1_TO_1', 'RELU_0_TO_1', 'QUANTIZE', 'LEAKY_RELU'] as const;
  // LOGISTIC of scales from 8 on is refused.
  const hasShares = growth.type === 'int8' && scaleOf(input) < 8;
  const op = growth.pick(hasShares ? ([...plain, 'LOGISTIC', 'SOFTMAX'] as const) : plain);
  const operation: FixedPointOperation =
    op === 'LEAKY_RELU'
      ? { op, alpha: Math.fround(growth.random(0, 12) / 10) }
      : op === 'SOFTMAX'
        ? { op, beta: growth.pick([1, 0.5, 3]) }
        : { op };
  const isShare = op === 'LOGISTIC' || op === 'SOFTMAX';
  const output = isShare
    ? growth.value(input.shape, 2 ** -8, -128)
    : growth.value(input.shape, growth.scale(scaleOf(input)));
  growth.node(operation, [input.name], output);
  return output;
}

/** Integers as they are, in another place: scale and zero point stay. */
export function moved(growth: Growth, input: Value): Value {
  const kind = growth.pick(['pad', 'padv2', 'transpose', 'reshape', 'slice', 'concatenate'] as const);
  const like = (shape: readonly number[]): Value => growth.value(shape, scaleOf(input), input.zeroPoints[0]);
  const [batch, height, width, channels] = shapeOf(input);
  switch (kind) {
    case 'pad':
    case 'padv2': {
      const paddings = [
        0,
        0,
        growth.random(0, 2),
        growth.random(0, 2),
        growth.random(0, 2),
        0,
        0,
        growth.random(0, 1),
      ];
      const output = like(
        input.shape.map((extent, axis) => extent + paddings[2 * axis]! + paddings[2 * axis + 1]!),
      );
      const operands = [input.name, growth.list(paddings, [4, 2]).name];
      if (kind === 'padv2') operands.push(growth.constant(growth.type, [1], [growth.random(-128, 127)]).name);
      growth.node({ op: kind === 'pad' ? 'PAD' : 'PADV2' }, operands, output);
      return output;
    }
    case 'transpose': {
      const permutation = growth.pick([
        [0, 2, 1, 3],
        [0, 3, 1, 2],
        [0, 1, 3, 2],
      ]);
      const output = like(permutation.map((axis) => input.shape[axis]!));
      growth.node({ op: 'TRANSPOSE' }, [input.name, growth.list(permutation).name], output);
      return output;
    }
    case 'reshape': {
      const output = like(
        growth.pick([
          [batch, width, height, channels],
          [batch, 1, height * width, channels],
        ]),
      );
      const operands = growth.chance(2)
        ? [input.name]
        : [input.name, growth.list([batch, -1, 1, channels]).name];
      growth.node({ op: 'RESHAPE' }, operands, output);
      return output;
    }
    case 'slice':
      return sliced(growth, input);
    case 'concatenate': {
      const partner = sameShape(growth, input);
      const axis = growth.pick([1, 2, 3, -1]);
      const output = like(input.shape.map((extent, at) => (at === (axis + 4) % 4 ? 2 * extent : extent)));
      growth.node({ op: 'CONCATENATION', axis, activation: 'NONE' }, [input.name, partner.name], output);
      return output;
    }
  }
}

/** Rows from one on, columns backwards, or all of an axis by a mask. */
function sliced(growth: Growth, input: Value): Value {
  const [batch, height, width, channels] = shapeOf(input);
  const start = growth.random(0, height - 1);
  const isBackwards = growth.chance(2);
  const step = growth.random(1, 2);
  const begin = [0, growth.chance(2) ? start : start - height, isBackwards ? -1 : 0, 0];
  const strides = [1, step, isBackwards ? -1 : 1, 1];
  const end = [batch, height, isBackwards ? -1 - width : width, channels];
  const operation = {
    op: 'STRIDED_SLICE',
    beginMask: growth.pick([0, 1, 8, 4]),
    endMask: growth.pick([0, 9, 4]),
    ellipsisMask: 0,
    newAxisMask: 0,
    shrinkAxisMask: 0,
  } as const;
  const shape = [batch, Math.ceil((height - start) / step), width, channels];
  const output = growth.value(shape, input.scales[0]!, input.zeroPoints[0]);
  const lists = [begin, end, strides].map((list) => growth.list(list).name);
  growth.node(operation, [input.name, ...lists], output);
  return output;
}
