/** The network over a batch of drawings: layers by whoever computes them, shift, clip and pool between them in the clear. */
import { makeSpec, makeTensor } from '../../../src/index.ts';
import type { ConvSpec, Tensor } from '../../../src/index.ts';
import { SIZE } from './drawings.ts';
import type { Drawing } from './drawings.ts';
import { ACCUMULATOR_BITS, ACTIVATION_BITS, activate, answer, LARGEST_ACTIVATION } from './network.ts';
import type { Layer } from './network.ts';

/** A layer as the convolution that is analysed and encrypted; the accumulator's width is declared, so it is held to it. */
export function layerSpec({ shape, weights, bias }: Layer, batch: number): ConvSpec {
  const { name, channels, size, kernel, outputs, weightBits } = shape;
  const range = { lo: 0, hi: LARGEST_ACTIVATION };
  const input = { batch, channels, height: size, width: size, bits: ACTIVATION_BITS, signed: false };
  return makeSpec({
    name,
    input: { ...input, zeroPoint: 0, range },
    weights: {
      outChannels: outputs,
      channelsPerGroup: channels,
      kernelHeight: kernel,
      kernelWidth: kernel,
      bits: weightBits,
      signed: true,
      zeroPoints: new Array<number>(outputs).fill(0),
      values: [...weights],
    },
    bias: [...bias],
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    group: 1,
    accumulator: { bits: ACCUMULATOR_BITS, signed: true },
  });
}

export function drawingsTensor(drawings: readonly Drawing[]): Tensor {
  return makeTensor(
    [drawings.length, 1, SIZE, SIZE],
    drawings.flatMap(({ pixels }) => [...pixels]),
  );
}

/**
 * Scores of a batch, [batch, digits, 1, 1].
 * @param accumulators computes the sums of one layer, NCHW in and out
 */
export async function infer(
  layers: readonly Layer[],
  drawings: Tensor,
  accumulators: (spec: ConvSpec, input: Tensor) => Tensor | Promise<Tensor>,
): Promise<Tensor> {
  let values = drawings;
  for (const layer of layers) {
    values = await accumulators(layerSpec(layer, drawings.shape[0] ?? 1), values);
    if (layer.shape.next !== null) values = activate(values, layer.shape.next);
  }
  return values;
}

/** The answer for each drawing of a batch. */
export function answers({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): number[] {
  const [batch = 0, digits = 0] = shape;
  const scores = Array.from(data);
  return Array.from({ length: batch }, (_, index) =>
    answer(scores.slice(index * digits, (index + 1) * digits)),
  );
}
