import type { Call } from './call.ts';
import { malformed, unsupported } from './call.ts';
import type { FusedActivation, Pair, Padding } from './node.ts';

/** A window along one axis. */
export interface Axis {
  /** Extent of the input. */
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Positions before the first of the input. */
  readonly before: number;
  /** Extent of the output. */
  readonly outputs: number;
}

interface Windowed {
  readonly padding: Padding;
  readonly strides: Pair;
  readonly activation: FusedActivation;
  readonly dilations?: Pair;
}

/** Steps of windows beyond which no real model goes; a file of nonsense ends here. */
const LARGEST_STEP = 2 ** 20;
const MOST_TAPS = 2 ** 20;

/** Rows and columns of an operator with windows over [n, h, w, c]. */
export function windowAxes(
  call: Call,
  shape: readonly number[],
  kernel: Pair,
  options: Windowed,
): readonly [Axis, Axis] {
  const { strides, dilations = [1, 1], padding } = options;
  if (shape.length !== 4)
    throw malformed(call, 'shape', '[batch, height, width, channels]', `[${shape.join(', ')}]`);
  for (const step of [...strides, ...dilations, ...kernel]) {
    if (Number.isInteger(step) && step >= 1 && step <= LARGEST_STEP) continue;
    throw malformed(call, 'window, stride or dilation', `1 .. ${LARGEST_STEP}`, String(step));
  }
  if (kernel[0] * kernel[1] > MOST_TAPS)
    throw unsupported(
      call,
      'with a window of this size',
      `at most ${MOST_TAPS} positions`,
      kernel.join(' x '),
    );
  const along = (index: 0 | 1): Axis =>
    axis(call, padding, {
      size: shape[index + 1]!,
      kernel: kernel[index],
      stride: strides[index],
      dilation: dilations[index],
    });
  return [along(0), along(1)];
}

/** The odd position of SAME goes behind. */
function axis(call: Call, padding: Padding, given: Omit<Axis, 'before' | 'outputs'>): Axis {
  const { size, kernel, stride, dilation } = given;
  const effective = (kernel - 1) * dilation + 1;
  const outputs =
    padding === 'SAME' ? Math.ceil(size / stride) : Math.floor((size + stride - effective) / stride);
  if (outputs < 1)
    throw malformed(call, 'the window is larger than the input', `at most ${size}`, String(effective));
  const before = Math.floor(Math.max((outputs - 1) * stride + effective - size, 0) / 2);
  return { ...given, before, outputs };
}
