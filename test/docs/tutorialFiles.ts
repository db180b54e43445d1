/**
 * What the tutorials take as given: files that Python writes there, and that are written here in the same form, so that
 * every command after them runs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeNpyFloats, encodeNpyOf } from '../../src/frontend/npy.ts';
import { makeRandom } from '../../src/fit/random.ts';
import { quantizeModel } from '../../src/quantize/quantizeModel.ts';
import { encodeModel, int, ints, node, scalar, tensor, text, value } from '../frontend/onnx/models.ts';
import { floatModel, floatSamples } from '../quantize/floatModel.ts';
import { writeTflite } from '../support/tflite/writeModel.ts';
import type { WrittenTensor } from '../support/tflite/writeModel.ts';

const SAMPLES = floatSamples(40);
const FIRST = { ...SAMPLES, shape: [1, 2, 8, 8], data: SAMPLES.data.slice(0, 128) };

/** QDQ with weights in int8, one scale an output channel, and activations in uint8: what ONNX Runtime's quantizer writes. */
async function qdqModel(): Promise<Uint8Array> {
  const { model } = await quantizeModel(floatModel(), SAMPLES, {
    file: 'float.onnx',
    folder: null,
    bits: { weights: 8, input: 8 },
    ranges: { kind: 'min-max' },
    accumulatorBits: null,
    onProgress: () => undefined,
  });
  return model;
}

/** QONNX: Quant nodes of 4 bits before a convolution and a dense layer, as `export_qonnx` of Brevitas writes them. */
function brevitasModel(): Uint8Array {
  const random = makeRandom(5);
  const floats = (count: number): number[] => Array.from({ length: count }, () => 0.4 * random.normal());
  const domain = 'qonnx.custom_op.general';
  const quant = (input: string, scale: string, output: string, signed: 0 | 1): ReturnType<typeof node> =>
    node(
      'Quant',
      [input, scale, 'zero', 'bits'],
      [output],
      [int('signed', signed), int('narrow', signed), text('rounding_mode', 'ROUND')],
      { domain },
    );
  return encodeModel({
    opset: 13,
    domains: [domain],
    nodes: [
      quant('x', 'xs', 'xq', 0),
      quant('w1', 'ws', 'w1q', 1),
      node('Conv', ['xq', 'w1q'], ['c'], [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])], {
        name: 'conv',
      }),
      node('Relu', ['c'], ['r']),
      quant('r', 'rs', 'rq', 0),
      node('Flatten', ['rq'], ['f']),
      quant('w2', 'ws', 'w2q', 1),
      node('MatMul', ['f', 'w2q'], ['y'], [], { name: 'dense' }),
    ],
    initializers: [
      scalar('zero', 'float32', 0),
      scalar('bits', 'float32', 4),
      scalar('xs', 'float32', 1 / 15),
      scalar('ws', 'float32', 0.125),
      scalar('rs', 'float32', 0.25),
      tensor('w1', 'float32', [4, 1, 3, 3], floats(36)),
      tensor('w2', 'float32', [256, 10], floats(2560)),
    ],
    inputs: [value('x', 'float32', [1, 1, 8, 8])],
    outputs: [value('y', 'float32', [1, 10])],
  });
}

/** int8 from end to end: a convolution, a dense layer and the shares, as TensorFlow's converter writes them. */
function tfliteModel(): Uint8Array {
  const random = makeRandom(6);
  const integers = (count: number, size: number): number[] =>
    Array.from({ length: count }, () => Math.round(size * Math.tanh(random.normal())));
  const int8 = (name: string, shape: readonly number[], rest: Partial<WrittenTensor>): WrittenTensor => ({
    name,
    type: 'int8',
    shape,
    scales: [0.02],
    zeroPoints: [-128],
    axis: 0,
    data: null,
    ...rest,
  });
  const constant = { scales: [0.01], zeroPoints: [0] };
  const bias = { type: 'int32', scales: [0.0002], zeroPoints: [0] } as const;
  return writeTflite({
    tensors: [
      int8('x', [1, 8, 8, 1], { scales: [1 / 255] }),
      int8('w1', [4, 3, 3, 1], { ...constant, data: integers(36, 127) }),
      int8('b1', [4], { ...bias, scales: [0.01 / 255], data: [10, -20, 30, 0] }),
      int8('c', [1, 8, 8, 4], {}),
      int8('w2', [10, 256], { ...constant, data: integers(2560, 127) }),
      int8('b2', [10], { ...bias, data: integers(10, 50) }),
      int8('logits', [1, 10], { scales: [0.1], zeroPoints: [0] }),
      int8('y', [1, 10], { scales: [1 / 256] }),
    ],
    nodes: [
      {
        name: 'c',
        operation: {
          op: 'CONV_2D',
          padding: 'SAME',
          strides: [1, 1],
          dilations: [1, 1],
          activation: 'RELU',
          biasType: null,
        },
        inputs: ['x', 'w1', 'b1'],
        outputs: ['c'],
      },
      {
        name: 'logits',
        operation: { op: 'FULLY_CONNECTED', activation: 'NONE', biasType: null },
        inputs: ['c', 'w2', 'b2'],
        outputs: ['logits'],
      },
      { name: 'y', operation: { op: 'SOFTMAX', beta: 1 }, inputs: ['logits'], outputs: ['y'] },
    ],
    inputs: ['x'],
    outputs: ['y'],
  });
}

/** Pixels from 0 to 1, and the same in int8. */
const PIXELS = Float64Array.from({ length: 64 }, (_, index) => Math.fround(((index * 37) % 256) / 255));
const CODES = PIXELS.map((pixel) => Math.round(pixel * 255) - 128);

type Files = Readonly<Record<string, Uint8Array>>;

const GIVEN: Readonly<Record<string, () => Files | Promise<Files>>> = {
  'docs/tutorials/pytorch.md': async () => ({
    'network.onnx': await qdqModel(),
    'x.npy': encodeNpyFloats(FIRST),
  }),
  'docs/tutorials/quantize.md': () => ({
    'float.onnx': floatModel(),
    'samples.npy': encodeNpyFloats(SAMPLES),
    'x.npy': encodeNpyFloats(FIRST),
  }),
  'docs/tutorials/brevitas.md': () => ({
    'network.onnx': brevitasModel(),
    'x.npy': encodeNpyFloats({ shape: [1, 1, 8, 8], data: PIXELS }),
  }),
  'docs/tutorials/keras.md': () => ({
    'network.tflite': tfliteModel(),
    'x.npy': encodeNpyOf('int8', { shape: [1, 8, 8, 1], data: CODES }),
  }),
};

/** Writes what a page takes as given. */
export async function prepareTutorial(folder: string, page: string): Promise<void> {
  const files = await GIVEN[page]?.();
  for (const [name, bytes] of Object.entries(files ?? {})) writeFileSync(join(folder, name), bytes);
}
