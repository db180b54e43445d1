/** Where the operands of linear operators lie, and the geometry of the convolution that they are. */

/** A filter as the compiler counts it. */
interface FilterShape {
  readonly outputs: number;
  /** Of one group. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

interface Common {
  readonly input: {
    readonly batch: number;
    readonly channels: number;
    readonly height: number;
    readonly width: number;
  };
  readonly filter: FilterShape;
  /** Position of a weight in the file. */
  readonly weightAt: (output: number, channel: number, y: number, x: number) => number;
}

interface PlaneShape extends Common {
  readonly kind: 'plane' | 'dense';
  /** [vertical, horizontal] */
  readonly strides: readonly [number, number];
  /** [top, left, bottom, right] */
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
  readonly group: number;
}

interface TransposedShape extends Common {
  readonly kind: 'transposed';
  readonly strides: readonly [number, number];
  /** What is cut off the top and left side. */
  readonly begins: readonly [number, number];
  /** [height, width] */
  readonly output: readonly [number, number];
}

export type LayerShape = PlaneShape | TransposedShape;

/** An axis under a window. */
interface Axis {
  readonly extent: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

type Padding = 'SAME' | 'VALID';

/** Pads of an axis: before, after. SAME shares them out, the odd one after. */
function padsOf({ extent, kernel, stride, dilation }: Axis, padding: Padding): readonly [number, number] {
  if (padding === 'VALID') return [0, 0];
  const reach = (kernel - 1) * dilation + 1;
  const total = Math.max((Math.ceil(extent / stride) - 1) * stride + reach - extent, 0);
  const before = Math.floor(total / 2);
  return [before, total - before];
}

interface Windowed {
  readonly op: 'CONV_2D' | 'DEPTHWISE_CONV_2D' | 'TRANSPOSE_CONV';
  readonly padding: Padding;
  /** [vertical, horizontal] */
  readonly strides: readonly [number, number];
  readonly dilations?: readonly [number, number];
}

/** Extents of a tensor of four axes; the check of the file has seen that it has them. */
function four(shape: readonly number[]): readonly [number, number, number, number] {
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  return [first, second, third, fourth];
}

/** Shapes are those of the file: [batch, height, width, channels], filters [outputs, height, width, channels]. */
export function convolutionShape(
  operation: Windowed,
  input: readonly number[],
  filter: readonly number[],
  output: readonly number[],
): LayerShape {
  const [, height, width] = four(output);
  if (operation.op === 'TRANSPOSE_CONV') return transposedShape(operation, input, filter, [height, width]);
  const { op, padding, strides, dilations = [1, 1] } = operation;
  const plane = planeOf(input);
  const [first, kernelHeight, kernelWidth, last] = four(filter);
  const kernel = { height: kernelHeight, width: kernelWidth };
  const [stridesDown, stridesAcross] = strides;
  const rows = { extent: plane.height, kernel: kernelHeight, stride: stridesDown, dilation: dilations[0] };
  const columns = { extent: plane.width, kernel: kernelWidth, stride: stridesAcross, dilation: dilations[1] };
  const [[top, bottom], [left, right]] = [padsOf(rows, padding), padsOf(columns, padding)];
  const geometry = {
    kind: 'plane',
    input: plane,
    strides,
    pads: [top, left, bottom, right],
    dilations,
  } as const;
  if (op === 'CONV_2D')
    return {
      ...geometry,
      filter: { outputs: first, channels: last, ...kernel },
      weightAt: outputsFirst(filter),
      group: plane.channels / last,
    };
  // [1, height, width, outputs]: outputs that follow each other read the same channel.
  return {
    ...geometry,
    filter: { outputs: last, channels: 1, ...kernel },
    weightAt: (o, _, y, x) => (y * kernelWidth + x) * last + o,
    group: plane.channels,
  };
}

function planeOf(input: readonly number[]): Common['input'] {
  const [batch, height, width, channels] = four(input);
  return { batch, channels, height, width };
}

/** Of filters [outputs, height, width, channels]. */
function outputsFirst(filter: readonly number[]): Common['weightAt'] {
  const [, height, width, channels] = four(filter);
  return (o, c, y, x) => ((o * height + y) * width + x) * channels + c;
}

/** Its pads are those of the convolution that leads from the output back to the input. */
function transposedShape(
  { padding, strides }: Windowed,
  input: readonly number[],
  filter: readonly number[],
  output: readonly [number, number],
): LayerShape {
  const [outputs, height, width, channels] = four(filter);
  const before = (axis: 0 | 1, kernel: number): number =>
    padsOf({ extent: output[axis], kernel, stride: strides[axis], dilation: 1 }, padding)[0];
  return {
    kind: 'transposed',
    input: planeOf(input),
    filter: { outputs, channels, height, width },
    weightAt: outputsFirst(filter),
    strides,
    begins: [before(0, height), before(1, width)],
    output,
  };
}

/** Rows of inputs become the batch of pictures of one pixel; the filter is [outputs, inputs]. */
export function denseShape(input: readonly number[], filter: readonly number[]): LayerShape {
  const [outputs = 1, inner = 1] = filter;
  const batch = input.reduce((product, extent) => product * extent, 1) / inner;
  return {
    kind: 'dense',
    input: { batch, channels: inner, height: 1, width: 1 },
    filter: { outputs, channels: inner, height: 1, width: 1 },
    weightAt: (o, c) => o * inner + c,
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    group: 1,
  };
}
