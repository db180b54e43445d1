/** Outside models: every one imports, or is refused for a stated reason; integers equal those recorded. Reads DATA_DIR. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { makeTensor } from '../../compiler/base/tensor.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { requantize } from '../../runtime/clear/requantize.ts';
import { parseVector } from '../../bench/vectorFile.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { decodeTensorFile } from '../../src/frontend/onnx/proto/tensorProto.ts';
import type { ImportedLayer } from '../../src/frontend/imported/types.ts';
import type { ImportedModel } from '../../src/frontend/imported/model.ts';
import type { InputQuantization, OnnxTensor } from '../../src/frontend/onnx/types.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds onnx/ and vectors/');
const models = join(dataFolder, 'onnx');
const at = (...path: string[]): string => join(models, ...path);

/** [batch, channels, height, width] of each layer's input, and OIHW of its filter. */
type Shapes = readonly (readonly [input: string, filter: string])[];

type Expected =
  | { readonly layers: Shapes; readonly open?: number; readonly unsupported?: readonly string[] }
  | { readonly refused: string };

const float = (name: string): Expected => ({ refused: name });
const nothing: Expected = { layers: [] };

const EXPECTED: Readonly<Record<string, Expected>> = {
  'nemo/eegnet_1d_8b_Hx1/eegnet_id_8b.onnx': {
    layers: [
      ['1,4,512,1', '4,4,3,1'],
      ['1,4,128,1', '4,4,3,1'],
      ['1,64,1,1', '32,64,1,1'],
      ['1,32,1,1', '1,32,1,1'],
    ],
    unsupported: ['Conv_0'],
  },
  'node/test_basic_conv_with_padding/model.onnx': float('Conv "y"'),
  'node/test_basic_conv_without_padding/model.onnx': float('Conv "y"'),
  'node/test_conv_with_strides_no_padding/model.onnx': float('Conv "y"'),
  'node/test_conv_with_strides_padding/model.onnx': float('Conv "y"'),
  'node/test_convinteger_without_padding/model.onnx': { layers: [], open: 1 },
  'node/test_dequantizelinear/model.onnx': nothing,
  'node/test_dequantizelinear_axis/model.onnx': nothing,
  'node/test_dequantizelinear_int4/model.onnx': nothing,
  'node/test_dynamicquantizelinear/model.onnx': nothing,
  'node/test_dynamicquantizelinear_expanded/model.onnx': nothing,
  'node/test_matmulinteger/model.onnx': { layers: [], open: 1 },
  'node/test_qlinearmatmul_2D_uint8_float32/model.onnx': { layers: [], open: 1 },
  'node/test_quantizelinear/model.onnx': nothing,
  'node/test_quantizelinear_axis/model.onnx': nothing,
  'node/test_quantizelinear_int4/model.onnx': nothing,
  'onnxruntime/conv_autopad.onnx': float('Conv "Convolution5"'),
  'onnxruntime/conv_default_attrs.onnx': float('Conv "Conv0"'),
  'onnxruntime/conv_qdq_u8u8.onnx': { layers: [['1,3,24,24', '32,3,3,3']] },
  'onnxruntime/transform/qdq_conv.onnx': { layers: [['1,1,5,5', '1,1,3,3']] },
  'pytorch-converted/test_Conv1d_pad1/model.onnx': float('Conv "3"'),
  'pytorch-converted/test_Conv2d/model.onnx': float('Conv "3"'),
  'pytorch-converted/test_Conv2d_depthwise/model.onnx': float('Conv "3"'),
  'pytorch-converted/test_Conv2d_padding/model.onnx': float('Conv "3"'),
  'qonnx/TFC_2W2A.onnx': {
    layers: [
      ['1,784,1,1', '64,784,1,1'],
      ['1,64,1,1', '64,64,1,1'],
      ['1,64,1,1', '64,64,1,1'],
      ['1,64,1,1', '10,64,1,1'],
    ],
  },
  'qonnx/espcn_subpixel_quant_model.onnx': {
    layers: [
      ['1,64,128,128', '64,64,3,3'],
      ['1,64,128,128', '32,64,3,3'],
      ['1,32,128,128', '12,32,3,3'],
    ],
    unsupported: ['Conv_5'],
  },
  'qonnx/mnist-conv-float/model.onnx': float('Conv "Convolution28"'),
  'quantlab/dory_quantlab_dvs_cnn.onnx': {
    layers: [
      ['1,32,32,32', '96,32,3,3'],
      ['1,96,16,16', '96,96,3,3'],
      ['1,96,8,8', '96,96,3,3'],
      ['1,96,4,4', '96,96,3,3'],
    ],
    unsupported: ['Conv_0'],
  },
  'zoo/zoo_kwsmlp_w3a3.onnx': {
    layers: [
      ['1,490,1,1', '256,490,1,1'],
      ['1,256,1,1', '256,256,1,1'],
      ['1,256,1,1', '256,256,1,1'],
      ['1,256,1,1', '12,256,1,1'],
    ],
  },
  'zoo/zoo_qkeras_jettagging.onnx': {
    layers: [
      ['1,64,1,1', '32,64,1,1'],
      ['1,32,1,1', '32,32,1,1'],
      ['1,32,1,1', '5,32,1,1'],
    ],
    unsupported: ['MatMul_0'],
  },
};

const found = readdirSync(models, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => name.replaceAll('\\', '/'))
  .sort();

it('knows every model', () => {
  expect(found).toEqual(Object.keys(EXPECTED).sort());
});

function shapesOf({ spec: { input, weights } }: ImportedLayer): readonly [string, string] {
  return [
    [input.batch, input.channels, input.height, input.width].join(),
    [weights.outChannels, weights.channelsPerGroup, weights.kernelHeight, weights.kernelWidth].join(),
  ];
}

it.each(found)('%s', async (name) => {
  const expected = EXPECTED[name]!;
  let model: ImportedModel;
  try {
    model = await importOnnx(at(name));
  } catch (error) {
    expect(error).toBeInstanceOf(CipherconvError);
    expect((error as CipherconvError).code).toBe('unsupported');
    expect((error as CipherconvError).message).toContain('the model is not quantized');
    expect((error as CipherconvError).message).toContain(
      'refused' in expected ? expected.refused : 'no refusal',
    );
    return;
  }
  if ('refused' in expected) throw new Error('it was not refused');
  expect(model.layers.map(shapesOf)).toEqual(expected.layers);
  expect(model.openLayers).toHaveLength(expected.open ?? 0);
  expect(model.unsupported.map((node) => node.name)).toEqual(expected.unsupported ?? []);
});

const readTensor = (...path: string[]): OnnxTensor =>
  decodeTensorFile(readFileSync(at(...path)), path.join('/'));

const inputTensor = ({ spec: { input } }: ImportedLayer, values: ArrayLike<number>) =>
  makeTensor([input.batch, input.channels, input.height, input.width], values);

describe('node tests with recorded outputs', () => {
  it.each([
    ['test_convinteger_without_padding', 1, 3],
    ['test_matmulinteger', 1, 4],
    ['test_qlinearmatmul_2D_uint8_float32', 1, 8],
  ])('%s', async (name, firstConstant, count) => {
    const folder = `node/${name}`;
    const { inputs } = await importOnnx(at(folder, 'model.onnx'));
    const recorded = inputs.map(
      (input, index) => [input.name, readTensor(folder, 'test_data_set_0', `input_${index}.pb`)] as const,
    );
    expect(recorded).toHaveLength(count);
    const model = await importOnnx(at(folder, 'model.onnx'), {
      bind: new Map(recorded.slice(firstConstant)),
    });
    const layer = model.layers[0]!;
    const accumulators = convolve(layer.spec, inputTensor(layer, recorded[0]![1].data));
    const { output } = layer;
    const result =
      output.kind === 'requantized' ? requantize(accumulators, output.requantization) : accumulators;
    const expected = readTensor(folder, 'test_data_set_0', 'output_0.pb');
    expect(Array.from(result.data)).toEqual(Array.from(expected.data));
    expect(output).toMatchObject({ shape: expected.shape, type: expected.type });
  });
});

describe('vectors that were taken from the same models', () => {
  const type = (bits: number): InputQuantization => ({ bits, signed: false, scale: 1, zeroPoint: 0 });
  it.each([
    ['onnxruntime/conv_qdq_u8u8.onnx', 'Conv_0', 'ort_conv_qdq_u8u8'],
    ['onnxruntime/transform/qdq_conv.onnx', 'conv_0', 'ort_qdq_conv'],
    ['qonnx/espcn_subpixel_quant_model.onnx', 'Conv_17', 'qonnx_espcn_subpixel_conv1'],
    ['qonnx/espcn_subpixel_quant_model.onnx', 'Conv_29', 'qonnx_espcn_subpixel_conv2'],
    ['qonnx/espcn_subpixel_quant_model.onnx', 'Conv_41', 'qonnx_espcn_subpixel_conv3'],
    ['nemo/eegnet_1d_8b_Hx1/eegnet_id_8b.onnx', 'Conv_12', 'dory_eegnet_1d_8b_Hx1_conv1'],
    ['nemo/eegnet_1d_8b_Hx1/eegnet_id_8b.onnx', 'Conv_25', 'dory_eegnet_1d_8b_Hx1_conv2'],
  ])('%s, %s', async (path, name, vector) => {
    const { layers } = await importOnnx(at(path));
    const layer = layers.find((candidate) => candidate.name === name)!;
    const file = join(dataFolder, 'vectors', `${vector}.json`);
    const { spec, input, expected } = parseVector(readFileSync(file, 'utf8'), file);
    expect(layer.spec.weights.values).toEqual(spec.weights.values);
    expect(layer.spec.weights.zeroPoints).toEqual(spec.weights.zeroPoints);
    expect(layer.spec.bias).toEqual(spec.bias);
    expect(layer.spec.input.zeroPoint).toBe(spec.input.zeroPoint);
    expect(layer.spec.input.range).toEqual(spec.input.range);
    const { batch, channels, height, width } = spec.input;
    const cut = { ...layer.spec, input: { ...layer.spec.input, batch, channels, height, width } };
    expect(convolve(cut, input).data).toEqual(expected.data);
  });

  it('eegnet, layer by layer, gives what its authors recorded', async () => {
    const folder = 'nemo/eegnet_1d_8b_Hx1';
    const model = await importOnnx(at(folder, 'eegnet_id_8b.onnx'), {
      inputQuantization: new Map([['0', type(8)]]),
    });
    expect(model.unsupported).toEqual([]);
    /** HWC, one number a line. */
    const recorded = (name: string, channels: number): Float64Array => {
      const lines = readFileSync(at(folder, name), 'utf8').split('\n').slice(1);
      const values = lines.filter((line) => line.trim() !== '').map((line) => Number.parseFloat(line));
      const cells = values.length / channels;
      return Float64Array.from(
        values,
        (_, index) => values[(index % cells) * channels + Math.floor(index / cells)]!,
      );
    };
    const constant = (name: string): ArrayLike<number> => model.constants.get(name)!.data;
    const steps: readonly [string, string, number, readonly [string, string, string] | null][] = [
      ['input.txt', 'out_layer0.txt', 100, ['conv0_BN', '37', '39']],
      ['out_layer0.txt', 'out_layer1.txt', 4, ['conv1_BN', '49', '51']],
      ['out_layer2.txt', 'out_layer3.txt', 4, ['sep_BN', '62', '64']],
      ['out_layer4.txt', 'out_layer5.txt', 4, ['FC0_BN', '77', '79']],
      ['out_layer5.txt', 'out_layer6.txt', 1, null],
    ];
    expect(model.layers).toHaveLength(steps.length);
    steps.forEach(([from, to, channels, activation], index) => {
      const layer = model.layers[index]!;
      const sums = convolve(layer.spec, inputTensor(layer, recorded(from, channels)));
      const { outChannels } = layer.spec.weights;
      const cells = sums.data.length / outChannels;
      const values = sums.data.map((sum, position) => {
        if (activation === null) return sum;
        const [norm, multiplier, divisor] = activation;
        const channel = Math.floor(position / cells);
        const scaled = sum * constant(`${norm}.kappa`)[channel]! + constant(`${norm}.lamda`)[channel]!;
        const shifted = Math.trunc((scaled * constant(multiplier)[0]!) / constant(divisor)[0]!);
        return Math.min(Math.max(shifted, 0), 255);
      });
      expect(Array.from(values)).toEqual(Array.from(recorded(to, outChannels)));
    });
  });
});
