import { datatypeRange } from '../../../compiler/base/interval.ts';
import type { Width } from '../../../compiler/base/interval.ts';
import type { OutputArrangement } from '../../../compiler/convolution/arrangement.ts';
import { makeSpec } from '../../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import { transposedSpec } from '../../../compiler/convolution/transposed.ts';
import type { FixedPointTensor } from '../../interpreter/fixedPoint/node.ts';
import type { NumericArray } from '../../interpreter/values.ts';
import { specName } from '../imported/specName.ts';
import type { LayerShape } from './layerShapes.ts';

/** The convolution of a linear operator: its values in the compiler's order. */

/** What a convolution is made of, beside its geometry. */
export interface Contents {
  readonly input: FixedPointTensor;
  /** As it lies in the file. */
  readonly filter: NumericArray;
  /** One per output channel. */
  readonly bias: NumericArray | null;
  /** Whether an output channel depends on the input. */
  readonly isLive: (channel: number) => boolean;
  readonly accumulator: Width | null;
}

/** @throws CipherconvError as `makeSpec` and `transposedSpec` do */
export function convolutionOf(
  name: string,
  shape: LayerShape,
  { input, filter, bias, isLive, accumulator }: Contents,
): { readonly spec: ConvSpec; readonly arrangement: OutputArrangement } {
  const bits = input.type === 'int16' ? 16 : 8;
  const { outputs, channels, height, width } = shape.filter;
  const common = {
    name: specName(name),
    input: {
      ...shape.input,
      bits,
      signed: true,
      zeroPoint: input.zeroPoints[0] ?? 0,
      range: datatypeRange(bits, true),
    },
    bias: Array.from({ length: outputs }, (_, channel) => (isLive(channel) ? (bias?.[channel] ?? 0) : 0)),
    accumulator,
  };
  const byte = { bits: 8, signed: true, zeroPoints: new Array<number>(outputs).fill(0) };
  const kernel = { kernelHeight: height, kernelWidth: width };
  if (shape.kind === 'transposed') {
    const { strides, begins, output } = shape;
    const values = weightsOf(shape, filter, isLive, 'inputs first');
    const { spec, map } = transposedSpec({
      ...common,
      weights: { outputsPerGroup: outputs, ...kernel, ...byte, values },
      strides,
      begins,
      dilations: [1, 1],
      group: 1,
      output,
    });
    return { spec, arrangement: { kind: 'phases', map } };
  }
  const { strides, pads, dilations, group } = shape;
  const values = weightsOf(shape, filter, isLive, 'outputs first');
  const weights = { outChannels: outputs, channelsPerGroup: channels, ...kernel, ...byte, values };
  const spec = makeSpec({ ...common, weights, strides, pads, dilations, group });
  return { spec, arrangement: { kind: 'same' } };
}

/** OIHW or IOHW; 0 for channels that are not live. */
function weightsOf(
  { filter: { outputs, channels, height, width }, weightAt }: LayerShape,
  filter: NumericArray,
  isLive: (channel: number) => boolean,
  order: 'outputs first' | 'inputs first',
): number[] {
  const taps = height * width;
  const values = new Array<number>(outputs * channels * taps).fill(0);
  for (let o = 0; o < outputs; o++) {
    if (!isLive(o)) continue;
    for (let c = 0; c < channels; c++) {
      const plane = order === 'outputs first' ? o * channels + c : c * outputs + o;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) values[plane * taps + y * width + x] = filter[weightAt(o, c, y, x)]!;
    }
  }
  return values;
}
