/**
 * The table of outside models in docs/onnx.md: what of each is encrypted, what is not, and why. Reads DATA_DIR/onnx, and
 * CASES_DIR (default: cases beside DATA_DIR), models that went wrong once. UPDATE_DOCS=1 writes the table.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { decodeTensorFile } from '../../src/frontend/onnx/proto/tensorProto.ts';
import type { ImportedModel } from '../../src/frontend/imported/model.ts';
import type { OnnxTensor } from '../../src/frontend/onnx/types.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { layersOf } from '../../src/model/modelFlow.ts';

const dataFolder = process.env['DATA_DIR'];
if (dataFolder === undefined) throw new Error('set DATA_DIR to the folder that holds onnx');
const folders = [
  { name: 'onnx', path: join(dataFolder, 'onnx') },
  { name: 'cases', path: process.env['CASES_DIR'] ?? join(dataFolder, '..', 'cases') },
];
const page = join(import.meta.dirname, '../../docs/onnx.md');

/** Sizes for whatever extents a model leaves open. */
const OPEN_EXTENT = 8;

const LINEAR = new Set(['Conv', 'ConvInteger', 'ConvTranspose', 'Gemm', 'MatMul', 'MatMulInteger']);
const isLinear = ({ op }: { readonly op: string }): boolean =>
  LINEAR.has(op) || op === 'QLinearConv' || op === 'QLinearMatMul' || op === 'QGemm';

/** Open extents and open weights are given: sizes, and the recorded inputs of the model's own test. */
async function imported(path: string): Promise<ImportedModel> {
  const model = await importOnnx(path);
  const { openExtents, openLayers, inputs } = model;
  if (openExtents.length === 0 && openLayers.length === 0) return model;
  const bind = new Map<string, OnnxTensor>();
  for (const [index, { name }] of inputs.entries()) {
    const file = join(dirname(path), 'test_data_set_0', `input_${index}.pb`);
    if (index > 0 && existsSync(file)) bind.set(name, decodeTensorFile(readFileSync(file), file));
  }
  const extents = new Map(openExtents.map(({ symbol }) => [symbol, OPEN_EXTENT]));
  return importOnnx(path, { bind, extents });
}

/** Reasons without what is the model's own: names and numbers. */
const general = (text: string): string =>
  text
    .replaceAll(/"[^"]*"/g, '"..."')
    .replace(/ \(say what.*$/, '')
    .replaceAll('|', '/');

async function row(path: string): Promise<string> {
  try {
    const model = await imported(path);
    const encrypted = layersOf(compileModel(model, { allowClear: true })).length;
    const clear = model.unsupported.filter(isLinear);
    const others = model.unsupported.filter((one) => !isLinear(one));
    const reasons = [...new Set([...clear, ...others].map(({ op, reason }) => `${op}: ${general(reason)}`))];
    const none = encrypted + clear.length + others.length === 0 ? 'no linear layer' : '';
    return `${encrypted} | ${clear.length} | ${none}${reasons.join('; ')}`;
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const { message } = error.details;
    return `refused | | ${error.code}: ${general(message)}`;
  }
}

it('docs/onnx.md has the table', { timeout: 300_000 }, async () => {
  const rows: string[] = [];
  for (const { name, path } of folders) {
    const models = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.onnx'))
      .map((file) => file.replaceAll('\\', '/'))
      .sort();
    expect(models.length).toBeGreaterThan(5);
    for (const model of models) rows.push(`| ${name}/${model} | ${await row(join(path, model))} |`);
  }
  const table = ['| model | encrypted | in the clear | why |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
  const text = readFileSync(page, 'utf8');
  const found = /<!-- models -->\n\n?([^]*?)\n?\n<!-- \/models -->/.exec(text);
  if (found === null) throw new Error('docs/onnx.md has no place for the table');
  if (process.env['UPDATE_DOCS'] === '1') {
    writeFileSync(page, text.replace(found[0], `<!-- models -->\n\n${table}\n\n<!-- /models -->`));
    return;
  }
  const plain = (lines: string): string[] =>
    lines.split('\n').map((line) => line.replaceAll(/\s+/g, ' ').replaceAll(/-{3,}/g, '---'));
  expect(plain(found[1] ?? '')).toEqual(plain(table));
});
