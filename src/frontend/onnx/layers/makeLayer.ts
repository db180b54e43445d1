import { CipherconvError } from '../../../../compiler/base/errors.ts';
import { poolSums } from '../../../../compiler/convolution/averagePool.ts';
import type { OutputArrangement } from '../../../../compiler/convolution/arrangement.ts';
import { makeSpec } from '../../../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../../../compiler/convolution/spec.ts';
import { transposedSpec } from '../../../../compiler/convolution/transposed.ts';
import { outputDepth, volumeSpec } from '../../../../compiler/convolution/volume.ts';
import type { VolumeConvolution } from '../../../../compiler/convolution/volume.ts';
import type { Width } from '../../../../compiler/base/interval.ts';
import { spreadOver } from './bias.ts';
import { specName } from '../../imported/specName.ts';
import { NotALayer, widthFor } from './operands.ts';
import type { ConstantOperand, RunningOperand } from './operands.ts';
import type { LayerGeometry, PlaneForm } from './shapeLayer.ts';
import type { NumericArray } from '../../../interpreter/values.ts';
import type { LayerInput } from '../../imported/types.ts';

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
  { outputAxis, outputs, form }: LayerGeometry,
): readonly number[] {
  const first = list[0] ?? 0;
  if (list.every((value) => value === first)) return new Array<number>(outputs).fill(first);
  if (axis !== null && axis !== outputAxis)
    throw new NotALayer('not supported yet: weights with a scale or zero point per input channel');
  if (list.length === outputs) return list;
  // The weights of a transposed convolution count the outputs of one group: all groups share a list.
  if (form.kind === 'transposed' && list.length * form.group === outputs)
    return Array.from({ length: outputs }, (_, output) => list[output % list.length]!);
  throw new NotALayer(`${list.length} scales or zero points for ${outputs} output channels`);
}

/** `+ 0` turns -0 into 0. */
function plainNumbers(data: NumericArray): number[] {
  const values = new Array<number>(data.length);
  for (let index = 0; index < values.length; index++) values[index] = data[index]! + 0;
  return values;
}

/** A layer's convolution, and where its accumulators lie in the graph's output. */
export interface LayerConvolution {
  readonly spec: ConvSpec;
  readonly arrangement: OutputArrangement;
}

/**
 * The convolution.
 * @param bias integers, one per output channel or one for all
 * @throws NotALayer with what `makeSpec` and the rewrites refuse
 */
export function convolutionOf(parts: LayerParts, bias: readonly number[]): LayerConvolution {
  try {
    return rewritten(parts, bias);
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const { where, message, expected, found } = error.details;
    const place = where === undefined ? '' : `${where}: `;
    throw new NotALayer(`${place}${message}, expected ${expected ?? 'otherwise'}, found ${found ?? 'this'}`);
  }
}

function rewritten(
  { name, running, constant, geometry, accumulator }: LayerParts,
  bias: readonly number[],
): LayerConvolution {
  const { range, zeroPoint } = running;
  const integers = { ...widthFor(range, [zeroPoint]), zeroPoint, range };
  const weights = {
    ...widthFor(constant.range, constant.zeroPoints),
    zeroPoints: perOutput(constant.zeroPoints, constant, geometry),
    values: plainNumbers(geometry.ordered(constant.integers).data),
  };
  const common = { name: specName(name), bias: spreadOver(bias, geometry.outputs), accumulator };
  const { form } = geometry;
  switch (form.kind) {
    case 'plane': {
      const { input, filter, strides, pads, dilations, group } = form;
      const spec = makeSpec({
        ...common,
        input: { ...planeOf(input), ...integers },
        weights: {
          outChannels: filter[0],
          channelsPerGroup: filter[1],
          kernelHeight: filter[2],
          kernelWidth: filter[3],
          ...weights,
        },
        strides,
        pads,
        dilations,
        group,
      });
      return { spec, arrangement: { kind: 'same' } };
    }
    case 'volume': {
      const { input, filter, strides, pads, dilations, group } = form;
      const [batch, channels, depth, height, width] = input;
      const volume: VolumeConvolution = {
        ...common,
        input: { ...planeOf([batch, channels, height, width]), depth, ...integers },
        weights: {
          outChannels: filter[0],
          channelsPerGroup: filter[1],
          kernelDepth: filter[2],
          kernelHeight: filter[3],
          kernelWidth: filter[4],
          ...weights,
        },
        strides,
        pads,
        dilations,
        group,
      };
      return { spec: volumeSpec(volume), arrangement: { kind: 'slices', count: outputDepth(volume) } };
    }
    case 'pool': {
      const { input, kernel, strides, pads, dilations } = form;
      const spec = poolSums({
        name: specName(name),
        input: { ...planeOf(input), ...integers },
        kernel,
        strides,
        pads,
        dilations,
        accumulator,
      });
      return { spec, arrangement: { kind: 'same' } };
    }
    case 'transposed': {
      const { input, filter, strides, begins, dilations, group, output } = form;
      const { spec, map } = transposedSpec({
        ...common,
        input: { ...planeOf(input), ...integers },
        weights: { outputsPerGroup: filter[1], kernelHeight: filter[2], kernelWidth: filter[3], ...weights },
        strides,
        begins,
        dilations,
        group,
        output,
      });
      return { spec, arrangement: { kind: 'phases', map } };
    }
  }
}

function planeOf([batch, channels, height, width]: PlaneForm['input']): Pick<
  ConvSpec['input'],
  'batch' | 'channels' | 'height' | 'width'
> {
  return { batch, channels, height, width };
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
