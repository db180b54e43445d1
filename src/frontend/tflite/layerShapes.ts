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

/** Shapes are those of the file: [batch, height, width, channels], filters [outputs, height, width, channels]. */
export function convolutionShape(
  { op, padding, strides, dilations = [1, 1] }: Windowed,
  input: readonly number[],
  filter: readonly number[],
  output: readonly number[],
): LayerShape {
  const [batch = 1, height = 1, width = 1, channels = 1] = input;
  const [first = 1, kernelHeight = 1, kernelWidth = 1, last = 1] = filter;
  const axes = (extents: readonly [number, number]): readonly [Axis, Axis] => [
    { extent: extents[0], kernel: kernelHeight, stride: strides[0], dilation: dilations[0] },
    { extent: extents[1], kernel: kernelWidth, stride: strides[1], dilation: dilations[1] },
  ];
  const plane = { batch, channels, height, width };
  const kernel = { height: kernelHeight, width: kernelWidth };
  if (op === 'TRANSPOSE_CONV') {
    const extents: readonly [number, number] = [output[1] ?? 1, output[2] ?? 1];
    // The pads of the convolution that leads from the output back to the input.
    const [rows, columns] = axes(extents).map((axis) => padsOf(axis, padding)[0]);
    return {
      kind: 'transposed',
      input: plane,
      filter: { outputs: first, channels: last, ...kernel },
      weightAt: (o, c, y, x) => ((o * kernelHeight + y) * kernelWidth + x) * last + c,
      strides,
      begins: [rows ?? 0, columns ?? 0],
      output: extents,
    };
  }
  const [rows, columns] = axes([height, width]).map((axis) => padsOf(axis, padding));
  const [top, bottom] = rows ?? [0, 0];
  const [left, right] = columns ?? [0, 0];
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
      weightAt: (o, c, y, x) => ((o * kernelHeight + y) * kernelWidth + x) * last + c,
      group: channels / last,
    };
  // [1, height, width, outputs]: outputs that follow each other read the same channel.
  return {
    ...geometry,
    filter: { outputs: last, channels: 1, ...kernel },
    weightAt: (o, _, y, x) => (y * kernelWidth + x) * last + o,
    group: channels,
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
