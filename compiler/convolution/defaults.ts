import { datatypeRange } from '../base/interval.ts';
import { makeSpec } from './spec.ts';
import type { InputSpec } from './shape.ts';
import type { ConvSpec, WeightSpec } from './spec.ts';

/** A convolution as it is written down: whatever has a default in ONNX may be left out. */
export interface SpecFields {
  /** Default `conv`. */
  readonly name?: string;
  /** Default: a batch of one, unsigned, zero point 0, all that the bits allow. */
  readonly input: Partial<InputSpec> & Pick<InputSpec, 'channels' | 'height' | 'width' | 'bits'>;
  /** Default: unsigned, zero points 0, input channels / group for I. `values` are flat OIHW. */
  readonly weights: Partial<WeightSpec> &
    Pick<WeightSpec, 'outChannels' | 'kernelHeight' | 'kernelWidth' | 'bits' | 'values'>;
  /** Default: zeros. */
  readonly bias?: readonly number[];
  /** Default [1, 1]. */
  readonly strides?: readonly [number, number];
  /** [top, left, bottom, right]. Default: zeros. */
  readonly pads?: readonly [number, number, number, number];
  /** Default [1, 1]. */
  readonly dilations?: readonly [number, number];
  /** Default 1. */
  readonly group?: number;
  /** Default null: held to no width. */
  readonly accumulator?: ConvSpec['accumulator'];
}

/**
 * `makeSpec` with the defaults of ONNX's Conv, and of filter configs, for what is left out.
 * @throws CipherconvError as `makeSpec` does.
 */
export function makeSpecWithDefaults(fields: SpecFields): ConvSpec {
  const { input, weights, group = 1 } = fields;
  const { outChannels } = weights;
  const signed = input.signed ?? false;
  return makeSpec({
    name: 'conv',
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    accumulator: null,
    ...fields,
    group,
    input: { batch: 1, zeroPoint: 0, range: datatypeRange(input.bits, signed), ...input, signed },
    weights: {
      channelsPerGroup: input.channels / group,
      signed: false,
      zeroPoints: zeros(outChannels),
      ...weights,
    },
    bias: fields.bias ?? zeros(outChannels),
  });
}

/** As many zeros as there are channels; makeSpec refuses a number of channels that is none, or too large. */
function zeros(count: number): number[] {
  return Array.from({ length: Math.min(count, 2 ** 24) }, () => 0);
}
