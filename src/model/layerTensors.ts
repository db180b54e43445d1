import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { arrangeOutput } from '../../compiler/convolution/arrangement.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { requantize } from '../../runtime/clear/requantize.ts';
import { transpose } from '../interpreter/moves.ts';
import type { AccumulatorOutput } from '../frontend/imported/types.ts';
import type { ConvShape } from '../../compiler/convolution/shape.ts';
import type { LayerCut, ModelLayerOutput } from './modelFlow.ts';
import { isFloating, requireCrossing, toDoubles, typedTensor } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

/** From a tensor of the graph to a layer's integers, and from its accumulators back. What the client does at a cut. */

/** How far x / scale may lie from an integer: float32 rounds x and scale to 2^-24 of their size each. */
const GRID_TOLERANCE = 2 ** -6;

/**
 * The raw integers q of a layer, NCHW.
 * @param shape of the layer's convolution
 * @param tensor the graph tensor `layer.input.tensor`
 * @throws CipherconvError `shape-mismatch`, or `out-of-range` for values that are no whole multiple of the scale.
 */
export function layerInput(layer: LayerCut, shape: ConvShape, tensor: TypedTensor): Tensor {
  const { input } = layer;
  if (tensor.shape.join() !== input.shape.join()) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: layer.name,
      message: `the tensor ${JSON.stringify(input.tensor)} has another shape than the layer was compiled for`,
      expected: `[${input.shape.join(', ')}]`,
      found: `[${tensor.shape.join(', ')}]`,
    });
  }
  const values = toDoubles(tensor, input.tensor);
  const integers = input.kind === 'integer' ? values : onGrid(layer, values, shape.input.zeroPoint);
  const data = input.permutation === null ? integers : transposed(integers, input.shape, input.permutation);
  const { batch, channels, height, width } = shape.input;
  return { shape: [batch, channels, height, width], data };
}

/** q = round(x / scale) + zeroPoint. */
function onGrid({ name, input }: LayerCut, values: Float64Array, zeroPoint: number): Float64Array {
  const { scale } = input;
  if (scale === null) throw internalError(`no scale for ${input.tensor}`);
  return values.map((value, index) => {
    const steps = value / scale;
    const nearest = Math.round(steps);
    if (Math.abs(steps - nearest) > GRID_TOLERANCE) {
      throw new CipherconvError({
        code: 'out-of-range',
        where: `${name}: ${input.tensor}[${index}]`,
        message: 'a value that is no whole multiple of its scale',
        expected: `multiples of ${scale}`,
        found: String(value),
      });
    }
    return nearest + zeroPoint;
  });
}

/** Doubles with their axes in another order, as the interpreter's `transpose` has it. */
function transposed(
  values: Float64Array,
  shape: readonly number[],
  permutation: readonly number[],
): Float64Array {
  const { data } = transpose({ type: 'double', shape, data: values }, permutation);
  return data instanceof Float64Array ? data : Float64Array.from(data);
}

/**
 * What a layer puts into the graph.
 * @param bias of the layer's convolution: what outputs have that no tap reaches
 * @param accumulators NCHW, as decrypted
 * @throws CipherconvError `out-of-range` for an accumulator that the output type does not hold.
 */
export function layerOutput(layer: LayerCut, bias: readonly number[], accumulators: Tensor): TypedTensor {
  const { name, output } = layer;
  const type = requireCrossing(output.type, output.tensor);
  const where = `${name}: ${output.tensor}`;
  const arranged = arrangeOutput(layer.arrangement, accumulators, bias);
  return typedTensor(type, output.shape, outputValues(output, arranged, isFloating(type)), where);
}

function ordered(
  { permutation }: AccumulatorOutput,
  values: Float64Array,
  { shape }: Pick<Tensor, 'shape'>,
): Float64Array {
  return permutation === null ? values : transposed(values, shape, permutation);
}

function outputValues(output: ModelLayerOutput, accumulators: Tensor, floating: boolean): Float64Array {
  switch (output.kind) {
    case 'accumulator':
      return ordered(output, floating ? accumulators.data.map(Math.fround) : accumulators.data, accumulators);
    case 'requantized':
      return requantize(accumulators, output.requantization).data;
    case 'scaled': {
      const { scales, bias } = output;
      const [batch = 1, channels = 1] = accumulators.shape;
      const cellCount = accumulators.data.length / (batch * channels);
      return accumulators.data.map((accumulator, index) => {
        const channel = Math.floor(index / cellCount) % channels;
        const scaled = Math.fround(Math.fround(accumulator) * Math.fround(scales[channel]!));
        return bias === null ? scaled : Math.fround(scaled + Math.fround(bias[channel]!));
      });
    }
  }
}
