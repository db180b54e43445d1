import { makeSpec } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { AutoPad } from './schema.ts';

type Pads = [top: number, left: number, bottom: number, right: number];

export interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

/**
 * Pads of one axis as ONNX Conv defines auto_pad: SAME gives ceil(size / stride) outputs, and an odd pad goes to the end
 * for SAME_UPPER, to the beginning for SAME_LOWER.
 */
export function axisPads(autoPad: AutoPad, axis: Axis): [begin: number, end: number] {
  if (autoPad === 'VALID') return [0, 0];
  const outputs = Math.ceil(axis.size / axis.stride);
  const reach = axis.dilation * (axis.kernel - 1) + 1;
  const total = Math.max(0, (outputs - 1) * axis.stride + reach - axis.size);
  const half = Math.floor(total / 2);
  return autoPad === 'SAME_UPPER' ? [half, total - half] : [total - half, half];
}

/** [top, left, bottom, right] that `autoPad` stands for. */
export function resolveAutoPad(autoPad: AutoPad, rows: Axis, columns: Axis): Pads {
  const [top, bottom] = axisPads(autoPad, rows);
  const [left, right] = axisPads(autoPad, columns);
  return [top, left, bottom, right];
}

/**
 * The same convolution for an input of another height and width; pads that came from `autoPad` are worked out anew.
 * @throws CipherconvError as `makeSpec` does, for one when the kernel does not fit any more.
 */
export function resizeSpec(spec: ConvSpec, height: number, width: number, autoPad: AutoPad | null): ConvSpec {
  const { weights, strides, dilations } = spec;
  const rows = { size: height, kernel: weights.kernelHeight, stride: strides[0], dilation: dilations[0] };
  const columns = { size: width, kernel: weights.kernelWidth, stride: strides[1], dilation: dilations[1] };
  const pads: Pads = autoPad === null ? [...spec.pads] : resolveAutoPad(autoPad, rows, columns);
  return makeSpec({ ...spec, input: { ...spec.input, height, width }, pads });
}
