import type { Pair, Padding } from '../../../src/interpreter/fixedPoint/node.ts';
import type { Growth, Value } from './growth.ts';

/** Linear operators of random graphs: each makes a value of another. */

/** Outputs of a window along an axis; 0 where it does not fit. */
function outputs(padding: Padding, size: number, kernel: number, [stride, dilation]: Pair): number {
  if (padding === 'SAME') return Math.ceil(size / stride);
  const effective = (kernel - 1) * dilation + 1;
  return effective > size ? 0 : Math.floor((size - effective) / stride) + 1;
}

type Shape = readonly [number, number, number, number];
const shapeOf = ({ shape }: Value): Shape => shape as Shape;

/** Kernel and dilation that fit. */
function kernelFor(growth: Growth, [, height, width]: Shape): { kernel: Pair; dilations: Pair } {
  const fitting = (size: number): Pair => {
    const kernel = growth.random(1, Math.min(3, size));
    return [kernel, kernel > 1 && (kernel - 1) * 2 + 1 <= size && growth.chance(3) ? 2 : 1];
  };
  const [rows, columns] = [fitting(height), fitting(width)];
  return { kernel: [rows[0], columns[0]], dilations: [rows[1], columns[1]] };
}

export function convolution(growth: Growth, input: Value): Value {
  const shape = shapeOf(input);
  const [batch, height, width, channels] = shape;
  const window = growth.window();
  const { kernel, dilations } = kernelFor(growth, shape);
  const groups = channels % 2 === 0 && growth.chance(3) ? 2 : 1;
  const made = groups * growth.random(1, 3);
  const depth = channels / groups;
  const { inputs, typicalScale } = growth.weights('CONV_2D', input, {
    shape: [made, ...kernel, depth],
    channels: made,
    taps: kernel[0] * kernel[1] * depth,
  });
  const output = growth.value(
    [
      batch,
      outputs(window.padding, height, kernel[0], [window.strides[0], dilations[0]]),
      outputs(window.padding, width, kernel[1], [window.strides[1], dilations[1]]),
      made,
    ],
    growth.scale(typicalScale),
  );
  const biasType = growth.type === 'int16' && inputs[1] === '' && growth.chance(2) ? 'int32' : null;
  growth.node({ op: 'CONV_2D', ...window, dilations, biasType }, [input.name, ...inputs], output);
  return output;
}

export function depthwise(growth: Growth, input: Value): Value {
  const shape = shapeOf(input);
  const [batch, height, width, channels] = shape;
  const window = growth.window();
  const { kernel, dilations } = kernelFor(growth, shape);
  const made = channels * growth.random(1, 2);
  const { inputs, typicalScale } = growth.weights('DEPTHWISE_CONV_2D', input, {
    shape: [1, ...kernel, made],
    channels: made,
    taps: kernel[0] * kernel[1],
  });
  const output = growth.value(
    [
      batch,
      outputs(window.padding, height, kernel[0], [window.strides[0], dilations[0]]),
      outputs(window.padding, width, kernel[1], [window.strides[1], dilations[1]]),
      made,
    ],
    growth.scale(typicalScale),
  );
  growth.node({ op: 'DEPTHWISE_CONV_2D', ...window, dilations }, [input.name, ...inputs], output);
  return output;
}

/** An output size from which the forward convolution comes back to the input. */
function grown(growth: Growth, padding: Padding, size: number, [kernel, stride]: Pair): number {
  const rest = growth.random(0, stride - 1);
  return padding === 'SAME' ? size * stride - rest : (size - 1) * stride + kernel + rest;
}

export function transposed(growth: Growth, input: Value): Value {
  const [batch, height, width, channels] = shapeOf(input);
  const window = growth.window();
  const kernel: Pair = [growth.random(1, 3), growth.random(1, 3)];
  const made = growth.random(1, 3);
  const { inputs, typicalScale } = growth.weights('TRANSPOSE_CONV', input, {
    shape: [made, ...kernel, channels],
    channels: made,
    taps: kernel[0] * kernel[1] * channels,
  });
  const shape = [
    batch,
    grown(growth, window.padding, height, [kernel[0], window.strides[0]]),
    grown(growth, window.padding, width, [kernel[1], window.strides[1]]),
    made,
  ];
  const output = growth.value(shape, growth.scale(typicalScale));
  const operands = [growth.list(shape).name, inputs[0], input.name, inputs[1]];
  growth.node({ op: 'TRANSPOSE_CONV', ...window }, operands, output);
  return output;
}

export function fullyConnected(growth: Growth, input: Value): Value {
  const [batch, height, width, channels] = shapeOf(input);
  const isFlat = growth.chance(2);
  const depth = isFlat ? height * width * channels : channels;
  const made = growth.random(1, 5);
  const { inputs, typicalScale } = growth.weights('FULLY_CONNECTED', input, {
    shape: [made, depth],
    channels: made,
    taps: depth,
  });
  const output = growth.value(
    isFlat ? [batch, 1, 1, made] : [batch, height, width, made],
    growth.scale(typicalScale),
  );
  const biasType = growth.type === 'int16' && inputs[1] === '' && growth.chance(2) ? 'int32' : null;
  growth.node(
    { op: 'FULLY_CONNECTED', activation: growth.activation(), biasType },
    [input.name, ...inputs],
    output,
  );
  return output;
}
