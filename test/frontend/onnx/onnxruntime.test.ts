/** Where all of a QDQ layer is integers, onnxruntime under full optimization gives the same integers as our rewrite. */
import * as onnxruntime from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../../compiler/base/tensor.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import { requantize } from '../../../runtime/clear/requantize.ts';
import { importModel } from '../../../src/frontend/onnx/importOnnx.ts';
import { encodeModel, node, scalar, tensor, value } from './models.ts';

const [CHANNELS, OUTPUTS, SIZE] = [8, 4, 12];

/** A repeatable sequence. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

type Bias = 'none' | 'int32' | 'float' | 'int32 and a Relu';

/** QDQ convolutions whose output scale is about twice that of the accumulator: every second one lies on a tie, or near it. */
function model(bias: Bias, trial: number): Uint8Array {
  const next = generator(trial + 1);
  const [inputScale, weightScale] = [0.1 + 0.01 * trial, 0.3];
  const step = Math.fround(Math.fround(inputScale) * Math.fround(weightScale));
  const biases = Array.from({ length: OUTPUTS }, () => 2 * (next(100) - 50));
  const isInteger = bias.startsWith('int32');
  const relu = bias === 'int32 and a Relu';
  return encodeModel({
    nodes: [
      node('DequantizeLinear', ['x', 'sx', 'zx'], ['xf']),
      node('DequantizeLinear', ['w', 'sw', 'zw'], ['wf']),
      ...(isInteger ? [node('DequantizeLinear', ['b', 'sb', 'zb'], ['bf'])] : []),
      node('Conv', bias === 'none' ? ['xf', 'wf'] : ['xf', 'wf', 'bf'], ['yf']),
      ...(relu ? [node('Relu', ['yf'], ['rf'])] : []),
      node('QuantizeLinear', [relu ? 'rf' : 'yf', 'sy', 'zy'], ['y']),
    ],
    initializers: [
      scalar('sx', 'float32', inputScale),
      scalar('zx', 'uint8', 120),
      tensor(
        'w',
        'int8',
        [OUTPUTS, CHANNELS, 3, 3],
        Array.from({ length: OUTPUTS * CHANNELS * 9 }, () => next(7) - 3),
      ),
      scalar('sw', 'float32', weightScale),
      scalar('zw', 'int8', 0),
      scalar('sy', 'float32', 2 * inputScale * weightScale),
      scalar('zy', 'uint8', relu ? 0 : 100),
      ...(isInteger
        ? [tensor('b', 'int32', [OUTPUTS], biases), scalar('sb', 'float32', step), scalar('zb', 'int32', 0)]
        : [
            tensor(
              'bf',
              'float32',
              [OUTPUTS],
              biases.map((one) => one * step),
            ),
          ]),
    ],
    inputs: [value('x', 'uint8', [1, CHANNELS, SIZE, SIZE])],
    outputs: [value('y', 'uint8', [1, OUTPUTS, SIZE - 2, SIZE - 2])],
  });
}

/** Outputs that differ from onnxruntime's, of those of all trials. */
async function differences(bias: Bias): Promise<{ readonly differ: number; readonly of: number }> {
  let [differ, of] = [0, 0];
  for (let trial = 0; trial < 8; trial++) {
    const bytes = model(bias, trial);
    const next = generator(trial + 100);
    const x = Uint8Array.from({ length: CHANNELS * SIZE * SIZE }, () => 100 + next(40));
    const { spec, output } = importModel(bytes).layers[0]!;
    if (output.kind !== 'scaled' || output.requantized === null)
      throw new Error('no quantized tensor follows');
    const shape = [1, CHANNELS, SIZE, SIZE];
    const ours = requantize(convolve(spec, makeTensor(shape, x)), output.requantized.requantization).data;
    const session = await onnxruntime.InferenceSession.create(bytes, {
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
    const { y } = await session.run({ x: new onnxruntime.Tensor('uint8', x, shape) });
    await session.release();
    const theirs = y!.data as Uint8Array;
    differ += ours.filter((one, index) => one !== theirs[index]).length;
    of += ours.length;
  }
  return { differ, of };
}

describe('onnxruntime under full optimization', () => {
  it.each<Bias>(['none', 'int32', 'float', 'int32 and a Relu'])('bias %s: equal', async (bias) => {
    expect(await differences(bias)).toEqual({ differ: 0, of: 8 * OUTPUTS * (SIZE - 2) ** 2 });
  });
});
