import { CipherconvError } from '../../../../compiler/base/errors.ts';
import { makeSpec } from '../../../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../../../compiler/convolution/spec.ts';
import type { Width } from '../../../../compiler/base/interval.ts';
import { spreadOver } from './bias.ts';
import { NotALayer, widthFor } from './operands.ts';
import type { ConstantOperand, RunningOperand } from './operands.ts';
import type { LayerGeometry } from './shapeLayer.ts';
import type { NumericArray, LayerInput } from '../types.ts';

/** Everything that a layer's convolution is made of. */
export interface LayerParts {
  readonly name: string;
  readonly running: RunningOperand;
  readonly constant: ConstantOperand;
  readonly geometry: LayerGeometry;
  readonly accumulator: Width | null;
}

/** The width of an int32 accumulator. */
export const INT32: Width = { bits: 32, signed: true };

/** One entry per output channel. @throws NotALayer for scales along another axis. */
export function perOutput(
  list: readonly number[],
  { axis }: Pick<ConstantOperand, 'axis'>,
  { outputAxis, filter }: LayerGeometry,
): readonly number[] {
  const first = list[0] ?? 0;
  if (list.every((value) => value === first)) return new Array<number>(filter[0]).fill(first);
  if (axis !== null && axis !== outputAxis)
    throw new NotALayer('not supported yet: weights with a scale or zero point per input channel');
  if (list.length !== filter[0])
    throw new NotALayer(`${list.length} scales or zero points for ${filter[0]} output channels`);
  return list;
}

/** `+ 0` turns -0 into 0. */
function plainNumbers(data: NumericArray): number[] {
  const values = new Array<number>(data.length);
  for (let index = 0; index < values.length; index++) values[index] = data[index]! + 0;
  return values;
}

/**
 * The convolution.
 * @param bias integers, one per output channel or one for all
 * @throws NotALayer with what `makeSpec` refuses
 */
export function specOf(parts: LayerParts, bias: readonly number[]): ConvSpec {
  const { name, running, constant, geometry, accumulator } = parts;
  const [batch, channels, height, width] = geometry.input;
  const [outChannels, channelsPerGroup, kernelHeight, kernelWidth] = geometry.filter;
  const zeroPoints = perOutput(constant.zeroPoints, constant, geometry);
  try {
    return makeSpec({
      name,
      input: {
        batch,
        channels,
        height,
        width,
        ...widthFor(running.range, [running.zeroPoint]),
        zeroPoint: running.zeroPoint,
        range: running.range,
      },
      weights: {
        outChannels,
        channelsPerGroup,
        kernelHeight,
        kernelWidth,
        ...widthFor(constant.range, constant.zeroPoints),
        zeroPoints,
        values: plainNumbers(geometry.ordered(constant.integers).data),
      },
      bias: spreadOver(bias, outChannels),
      ...geometry.conv,
      accumulator,
    });
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const { where, message, expected, found } = error.details;
    const place = where === undefined ? '' : `${where}: `;
    throw new NotALayer(`${place}${message}, expected ${expected ?? 'otherwise'}, found ${found ?? 'this'}`);
  }
}

export function layerInputOf({ running, geometry }: LayerParts): LayerInput {
  const { tensor, type, shape, kind, scale } = running;
  return { tensor, type, shape, permutation: geometry.permutation, kind, scale };
}

/** fround(input scale * weight scale) of each output channel. */
export function productScales(parts: LayerParts): readonly number[] {
  const { running, constant, geometry } = parts;
  const scales = perOutput(constant.scales ?? [1], constant, geometry);
  return scales.map((scale) => Math.fround(Math.fround(running.scale ?? 1) * Math.fround(scale)));
}
