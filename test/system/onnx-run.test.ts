/** Outside models, run encrypted: equal to their recorded outputs, and to onnxruntime. Reads DATA_DIR/onnx. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { decodeTensorFile } from '../../src/frontend/onnx/proto/tensorProto.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import type { ImportOptions, OnnxTensor } from '../../src/frontend/onnx/types.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { encodeModelPlan, parseModelPlan } from '../../src/model/modelPlanFile.ts';
import { ModelRunner } from '../../src/model/runModel.ts';
import type { ModelRunResult } from '../../src/model/runModel.ts';
import { requireCrossing, toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import type { TypedTensor } from '../../src/model/typedTensor.ts';
import { cipherconv, temporaryFolder } from '../cli/spawnCli.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds onnx');
const at = (...names: string[]): string => join(dataFolder, 'onnx', ...names);
const folder = temporaryFolder();

function typed({ type, shape, data }: OnnxTensor, name: string): TypedTensor {
  return typedTensor(requireCrossing(type, name), shape, data, name);
}

async function runEncrypted(
  path: string,
  inputs: ReadonlyMap<string, TypedTensor>,
  options: ImportOptions = {},
): Promise<ModelRunResult> {
  const compiled = compileModel(await importOnnx(path, options));
  // By way of the file, as `run model.plan` goes.
  const runner = await ModelRunner.open(parseModelPlan(encodeModelPlan(compiled), 'model.plan'));
  try {
    return await runner.run(inputs);
  } finally {
    await runner.dispose();
  }
}

const values = (tensor: TypedTensor | undefined): number[] =>
  tensor === undefined ? [] : Array.from(toDoubles(tensor, 'output'));

const NODE_TESTS = [
  { test: 'test_convinteger_without_padding', inputs: ['x', 'w', 'x_zero_point'], output: 'y' },
  {
    test: 'test_matmulinteger',
    inputs: ['A', 'B', 'a_zero_point', 'b_zero_point'],
    output: 'Y',
  },
  {
    test: 'test_qlinearmatmul_2D_uint8_float32',
    inputs: ['a', 'a_scale', 'a_zero_point', 'b', 'b_scale', 'b_zero_point', 'y_scale', 'y_zero_point'],
    output: 'y',
  },
];

it.each(NODE_TESTS)('$test equals its recorded output', async ({ test, inputs, output }) => {
  const read = (file: string): OnnxTensor => {
    const path = at('node', test, 'test_data_set_0', file);
    return decodeTensorFile(readFileSync(path), path);
  };
  const tensors = inputs.map((name, index) => [name, read(`input_${index}.pb`)] as const);
  const [[first, input], ...bound] = tensors as [(typeof tensors)[0], ...typeof tensors];
  const { outputs, report } = await runEncrypted(
    at('node', test, 'model.onnx'),
    new Map([[first, typed(input, first)]]),
    { bind: new Map(bound) },
  );
  const expected = read('output_0.pb');
  expect(report.match).toBe(true);
  expect(outputs.get(output)?.type).toBe(expected.type);
  expect(outputs.get(output)?.shape).toEqual(expected.shape);
  expect(values(outputs.get(output))).toEqual(Array.from(expected.data));
});

it.each([
  {
    file: 'conv_qdq_u8u8.onnx',
    name: 'input',
    type: 'float32' as const,
    shape: [1, 3, 24, 24],
    value: (index: number) => Math.sin(index) * 2.6,
    distinct: 5,
  },
  {
    file: 'transform/qdq_conv.onnx',
    name: 'X_0',
    type: 'uint8' as const,
    shape: [1, 1, 5, 5],
    // Every window that sees a 1 saturates.
    value: (index: number) => (index === 24 ? 1 : 0),
    distinct: 2,
  },
])('$file equals onnxruntime', async ({ file, name, type, shape, value, distinct }) => {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const data = Array.from({ length: count }, (_, index) => value(index));
  const path = at('onnxruntime', file);
  const { outputs, report } = await runEncrypted(
    path,
    new Map([[name, typedTensor(type, shape, data, name)]]),
  );
  expect(report.match).toBe(true);
  for (const [output, { data: expected }] of await runInOnnxruntime(readFileSync(path), [
    { name, type, shape, data },
  ])) {
    expect(new Set(expected).size).toBeGreaterThanOrEqual(distinct);
    expect(values(outputs.get(output))).toEqual(expected);
  }
});

it('TFC_2W2A: four dense layers of 2 bits, equal to its standard operators in onnxruntime', async () => {
  const data = Array.from({ length: 784 }, (_, index) => ((index * 7919) % 997) / 996);
  const input = typedTensor('float32', [1, 1, 28, 28], data, 'input');
  const { outputs, report } = await runEncrypted(at('qonnx', 'TFC_2W2A.onnx'), new Map([['0', input]]));
  expect(report.match).toBe(true);
  expect(report.rounds).toBe(4);
  expect(report.layers.map(({ outputs: count }) => count)).toEqual([64, 64, 64, 10]);
  expect(report.comparison).toMatchObject({ mismatches: 0 });
  expect(report.statistic).toMatchObject({ differing: 0, sameTop1: true });
  expect(new Set(values(outputs.get('90'))).size).toBeGreaterThan(1);
});

it('espcn_subpixel: every convolution encrypted, the upscaled picture written', () => {
  const picture = join(folder, 'upscaled.png');
  const ended = cipherconv([
    'run',
    at('qonnx', 'espcn_subpixel_quant_model.onnx'),
    ...['--input-type', 'x.7=uint8,scale=1/255'],
    ...['--input', at('qonnx', 'espcn_input_0.pb')],
    ...['--output', picture, '--json'],
  ]);
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain('the server sees ciphertexts only');
  const report = JSON.parse(ended.stdout) as ModelRunResult['report'];
  expect(report.match).toBe(true);
  expect(report.rounds).toBe(4);
  expect(report.layers.map(({ name, mismatches }) => [name, mismatches])).toEqual([
    ['Conv_5', 0],
    ['Conv_17', 0],
    ['Conv_29', 0],
    ['Conv_41', 0],
  ]);
  const { width, height, channels, data } = decode(readFileSync(picture));
  expect([width, height, channels]).toEqual([256, 256, 3]);
  // Twice the size: every pixel of the input is near the mean of the four that it became.
  const small = decodeTensorFile(readFileSync(at('qonnx', 'espcn_input_0.pb')), 'input').data;
  let difference = 0;
  for (let plane = 0; plane < 3; plane++) {
    for (let row = 0; row < 128; row++) {
      for (let column = 0; column < 128; column++) {
        const corner = ((2 * row * 256 + 2 * column) * 3 + plane) | 0;
        const four = [corner, corner + 3, corner + 256 * 3, corner + 257 * 3];
        const mean = four.reduce((sum, index) => sum + data[index]!, 0) / 4;
        difference += Math.abs(mean - 255 * small[(plane * 128 + row) * 128 + column]!);
      }
    }
  }
  expect(difference / (3 * 128 * 128)).toBeLessThan(8);
});

/** Channel-last integers as NEMO writes them, one a line, in NCHW order. */
function nemoVector(file: string, channels: number): number[] {
  const lines = readFileSync(at('nemo', 'eegnet_1d_8b_Hx1', file), 'utf8').split('\n');
  const list = lines.filter((line) => /^-?\d/.test(line)).map((line) => Number(line.split(',')[0]));
  const cells = list.length / channels;
  return Array.from({ length: list.length }, (_, index) => {
    const [channel, cell] = [Math.floor(index / cells), index % cells];
    return list[cell * channels + channel]!;
  });
}

it('eegnet of NEMO: the recorded outputs of its layers', async () => {
  const data = nemoVector('input.txt', 100);
  const { activations, outputs, report } = await runEncrypted(
    at('nemo', 'eegnet_1d_8b_Hx1', 'eegnet_id_8b.onnx'),
    new Map([['0', typedTensor('float32', [1, 100, 512, 1], data, 'input')]]),
    { inputQuantization: new Map([['0', { bits: 8, signed: false, scale: 1, zeroPoint: 0 }]]) },
  );
  expect(report.match).toBe(true);
  expect(report.rounds).toBe(5);
  const recorded = [
    { tensor: '44', file: 'out_layer0.txt', channels: 4 },
    { tensor: '57', file: 'out_layer2.txt', channels: 4 },
    { tensor: '71', file: 'out_layer4.txt', channels: 4 },
    { tensor: '84', file: 'out_layer5.txt', channels: 32 },
  ];
  for (const { tensor, file, channels } of recorded)
    expect(values(activations.get(tensor))).toEqual(nemoVector(file, channels));
  expect(values(outputs.get('86'))).toEqual(nemoVector('out_layer6.txt', 1));
});

it.each([
  [
    'another element type',
    at('node', 'test_quantizelinear', 'test_data_set_0', 'input_0.pb'),
    'element type',
  ],
  ['another shape', at('node', 'test_matmulinteger', 'test_data_set_0', 'input_0.pb'), 'another shape'],
  ['no tensor', at('onnxruntime', 'conv_qdq_u8u8.onnx'), 'not supported yet: .onnx inputs'],
])('an input with %s is refused', (_, path, message) => {
  const model = at('onnxruntime', 'transform', 'qdq_conv.onnx');
  const ended = cipherconv(['-q', 'run', model, '--input', path]);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

it('a tensor file that is cut off is refused', () => {
  const cut = join(folder, 'cut.pb');
  writeFileSync(cut, readFileSync(at('qonnx', 'espcn_input_0.pb')).subarray(0, 1000));
  const model = at('qonnx', 'espcn_subpixel_quant_model.onnx');
  const ended = cipherconv(['-q', 'run', model, '--input', cut]);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain('cut.pb');
});
