import type { AttributeValue } from '../../../bench/models/write.ts';
import { chance, oneOf } from './randomWeights.ts';
import type { Random } from './randomWeights.ts';

/** Windows of a convolution or a pooling over one or two spatial axes, with the attributes that say so. */
export interface Geometry {
  readonly kernel: readonly number[];
  /** Extents of the output. */
  readonly extents: readonly number[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
}

/** A window that fits into the axis; pads stay below the kernel, as pooling requires. */
function randomAxis(random: Random, size: number, dilated: boolean): Axis {
  const kernel = Math.min(random(1, 4), size);
  const widest = Math.min(kernel - 1, 2);
  const [begin, end] = [random(0, widest), random(0, widest)];
  const fits = (kernel - 1) * 2 + 1 <= size + begin + end;
  const dilation = dilated && fits && chance(random, 4) ? 2 : 1;
  return { size, kernel, stride: random(1, 3), dilation, begin, end };
}

function extent({ size, kernel, stride, dilation, begin, end }: Axis): number {
  return Math.floor((size + begin + end - (dilation * (kernel - 1) + 1)) / stride) + 1;
}

/** Attributes that stand at their default are left out. */
function geometry(axes: readonly Axis[]): Geometry {
  const dilations = axes.map(({ dilation }) => dilation);
  const pads = [...axes.map(({ begin }) => begin), ...axes.map(({ end }) => end)];
  return {
    kernel: axes.map(({ kernel }) => kernel),
    extents: axes.map(extent),
    attributes: {
      kernel_shape: { ints: axes.map(({ kernel }) => kernel) },
      strides: { ints: axes.map(({ stride }) => stride) },
      ...(dilations.some((dilation) => dilation > 1) ? { dilations: { ints: dilations } } : {}),
      ...(pads.some((pad) => pad > 0) ? { pads: { ints: pads } } : {}),
    },
  };
}

/**
 * auto_pad in place of pads: SAME gives ceil(size / stride). onnxruntime refuses poolings whose stride then exceeds the
 * kernel.
 */
function autoPadded(random: Random, drawn: readonly Axis[], windows: Windows): Geometry {
  const axes = drawn.map((axis) => ({
    ...axis,
    stride: windows === 'convolution' ? axis.stride : Math.min(axis.stride, axis.kernel),
  }));
  const plain = geometry(axes.map((axis) => ({ ...axis, dilation: 1, begin: 0, end: 0 })));
  const mode = oneOf(random, ['SAME_UPPER', 'SAME_LOWER', 'VALID']);
  return {
    kernel: plain.kernel,
    extents: mode === 'VALID' ? plain.extents : axes.map(({ size, stride }) => Math.ceil(size / stride)),
    attributes: { ...plain.attributes, auto_pad: { text: mode } },
  };
}

/** What the windows are for: average pooling knows dilations only since opset 19. */
export type Windows = 'convolution' | 'max pool' | 'average pool';

export function randomGeometry(random: Random, sizes: readonly number[], windows: Windows): Geometry {
  const axes = sizes.map((size) => randomAxis(random, size, windows !== 'average pool'));
  return chance(random, 5) ? autoPadded(random, axes, windows) : geometry(axes);
}

/** Odd kernels of stride 1 whose pads keep the extents. */
export function keepingGeometry(random: Random, sizes: readonly number[]): Geometry {
  return geometry(
    sizes.map((size): Axis => {
      const half = random(0, 1);
      return { size, kernel: 2 * half + 1, stride: 1, dilation: 1, begin: half, end: half };
    }),
  );
}
