/** Symbolic extents: from the input, from what is given, or refused by name. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { parseModelOptions } from '../../src/frontend/onnx/modelOptions.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { extentsOf } from '../../src/model/inputExtents.ts';
import type { InputFile } from '../../src/model/modelInputs.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import { loadAnySource } from '../../src/model/modelSources.ts';
import { DynamicWriter } from '../support/onnx/networks/dynamic.ts';

/** One padded convolution of `shape`. */
function convolution(shape: readonly (number | string)[]): Uint8Array {
  const net = new DynamicWriter();
  const weights = { type: 'uint8', shape: [3, 2, 3, 3], zeroPoints: [7], scales: [1] } as const;
  return net.encode(shape, net.layer('ConvInteger', 'x', weights, { pads: { ints: [1, 1, 1, 1] } }));
}

const NO_FLAGS = { bind: [], inputType: [], extent: [] };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cipherconv-extents-'));
  await writeFile(join(folder, 'model.onnx'), convolution(['N', 2, 'H', 'W']));
  const data = new Array<number>(3 * 2 * 5 * 4).fill(0.5);
  await writeFile(join(folder, 'x.json'), JSON.stringify({ shape: [3, 2, 5, 4], data }));
});
afterAll(() => rm(folder, { recursive: true }));

const numbers = (...shape: number[]): InputFile => ({
  kind: 'numbers',
  numbers: { file: 'x', shape, data: [], type: null },
});

describe('symbolic extents', () => {
  it('are given by name', () => {
    const extents = new Map([
      ['H', 9],
      ['W', 8],
      ['N', 4],
    ]);
    const [layer] = importModel(convolution(['N', 2, 'H', 'W']), { extents }).layers;
    expect(layer?.spec.input).toMatchObject({ batch: 4, height: 9, width: 8 });
  });

  it('have a name of their own where the file has none: the tensor and the axis', () => {
    const model = importModel(convolution(['', 2, 6, '']));
    expect(model.openExtents).toEqual([{ symbol: 'x[3]', input: 'x', axis: 3 }]);
    const [layer] = importModel(convolution(['', 2, 6, '']), { extents: new Map([['x[3]', 5]]) }).layers;
    expect(layer?.spec.input).toMatchObject({ batch: 1, height: 6, width: 5 });
  });

  it('are named, with the flag, by what refuses to compile without them', () => {
    const model = importModel(convolution(['N', 2, 'H', 'W']));
    expect(model.layers).toEqual([]);
    expect(model.unsupported[0]?.reason).toContain('--extent H=SIZE --extent W=SIZE');
    expect(() => compileModel(model)).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        details: expect.objectContaining({
          found: 'H, W',
          hint: expect.stringContaining('--extent H=SIZE --extent W=SIZE'),
        }),
      }),
    );
  });

  it('are taken from the input of a run, the batch too', async () => {
    const source = await loadAnySource(join(folder, 'model.onnx'), NO_FLAGS, [join(folder, 'x.json')]);
    if (source.kind !== 'model') throw new Error('not a model');
    const [layer] = layersOf(compileModel(source.model));
    expect(layer?.stored.plan.spec.input).toMatchObject({ batch: 3, height: 5, width: 4 });
    expect([...(source.inputs?.keys() ?? [])]).toEqual(['x']);
  });

  it('are not what the model says they are not', () => {
    expect(() => importModel(convolution(['N', 2, 'H', 'W']), { extents: new Map([['h', 3]]) })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ hint: 'did you mean "H"?' }) }),
    );
    expect(() => importModel(convolution(['N', 2, 'H', 4]), { extents: new Map([['H', 2.5]]) })).toThrow(
      expect.objectContaining({ code: 'out-of-range' }),
    );
  });

  it('agree over the inputs, and with what is fixed', () => {
    const ports = [
      { name: 'a', shape: ['N', 2, 'L'] },
      { name: 'b', shape: ['N', 'L'] },
    ];
    const files = (a: InputFile, b: InputFile): Map<string, InputFile> =>
      new Map([
        ['a', a],
        ['b', b],
      ]);
    expect([...extentsOf(ports, files(numbers(3, 2, 7), numbers(3, 7)))]).toEqual([
      ['N', 3],
      ['L', 7],
    ]);
    for (const wrong of [
      files(numbers(3, 2, 7), numbers(4, 7)),
      files(numbers(3, 1, 7), numbers(3, 7)),
      files(numbers(3, 2), numbers(3, 7)),
    ]) {
      expect(() => extentsOf(ports, wrong)).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
    }
  });

  it('are read from flags, at the last sign of equality', async () => {
    const { extents } = await parseModelOptions({ ...NO_FLAGS, extent: ['a=b=3', 'x[2]=640'] });
    expect(Object.fromEntries(extents)).toEqual({ 'a=b': 3, 'x[2]': 640 });
    for (const wrong of ['H', 'H=', '=3', 'H=0', 'H=-1', 'H=1e3', 'H=3.5', 'H=99999999999']) {
      await expect(parseModelOptions({ ...NO_FLAGS, extent: [wrong] })).rejects.toThrow('--extent');
    }
    await expect(parseModelOptions({ ...NO_FLAGS, extent: ['H=1', 'H=2'] })).rejects.toThrow('twice');
  });
});
