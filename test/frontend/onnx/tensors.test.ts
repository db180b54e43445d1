import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { fc } from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { ELEMENTS } from '../../../src/frontend/onnx/proto/codes.ts';
import type { ElementType } from '../../../src/frontend/onnx/proto/codes.ts';
import { parseInputType } from '../../../src/frontend/onnx/modelOptions.ts';
import { TensorProtoSchema } from '../../../src/frontend/onnx/proto/onnx_pb.ts';
import { decodeTensorFile, encodeTensorFile } from '../../../src/frontend/onnx/proto/tensorProto.ts';
import { emptyArray } from '../../../src/interpreter/values.ts';
import { makeTensor } from '../../../compiler/base/tensor.ts';
import { writeOutput } from '../../../src/frontend/outputs.ts';
import { loadInput } from '../../../src/frontend/tensors.ts';
import { ROOT, temporaryFolder } from '../../cli/spawnCli.ts';
import { expectRefusal } from './models.ts';
import type { TensorInit } from './models.ts';

const decoded = (init: TensorInit): number[] =>
  Array.from(decodeTensorFile(toBinary(TensorProtoSchema, create(TensorProtoSchema, init)), 't.pb').data);

const WRITTEN = (Object.keys(ELEMENTS) as ElementType[]).filter(
  (type) => !['float16', 'bfloat16'].includes(type),
);

describe('tensor files', () => {
  it.each(WRITTEN)('%s there and back', (type) => {
    const { bits, kind } = ELEMENTS[type];
    const width = Math.min(bits, 53);
    const [lo, hi] = kind === 'signed' ? [-(2 ** (width - 1)), 2 ** (width - 1) - 1] : [0, 2 ** width - 1];
    const values =
      kind === 'float'
        ? fc.float({ noNaN: true })
        : fc.integer({ min: kind === 'bool' ? 0 : lo, max: kind === 'bool' ? 1 : hi });
    fc.assert(
      fc.property(fc.array(values, { maxLength: 9 }), (list) => {
        const data = emptyArray(type, list.length);
        data.set(list);
        const tensor = { type, shape: [list.length], data };
        expect(decodeTensorFile(encodeTensorFile(tensor, 'name'), 'file')).toEqual(tensor);
      }),
    );
  });

  it('typed data: packed, as bits, in wider fields', () => {
    expect(decoded({ dims: [3n], dataType: 22, int32Data: [0x7f, 0x08] })).toEqual([-1, 7, -8]);
    expect(decoded({ dims: [3n], dataType: 21, int32Data: [0x7f, 0x08] })).toEqual([15, 7, 8]);
    expect(decoded({ dims: [4n], dataType: 26, int32Data: [0b10_11_00_01] })).toEqual([1, 0, -1, -2]);
    expect(decoded({ dims: [2n], dataType: 10, int32Data: [0x3c00, 0xc500] })).toEqual([1, -5]);
    expect(decoded({ dims: [2n], dataType: 16, int32Data: [0x3f80, 0xc0a0] })).toEqual([1, -5]);
    expect(decoded({ dims: [1n], dataType: 12, uint64Data: [4_000_000_000n] })).toEqual([4_000_000_000]);
    expect(decoded({ dims: [], dataType: 7, int64Data: [-5n] })).toEqual([-5]);
    expect(decoded({ dims: [0n], dataType: 1 })).toEqual([]);
  });

  it('refuses what is none', () => {
    expectRefusal(
      () => decodeTensorFile(Uint8Array.of(1, 2, 3), 't.pb'),
      'malformed-model',
      't.pb',
      'TensorProto',
    );
    expectRefusal(
      () => decoded({ dims: [1n], dataType: 8, stringData: [Uint8Array.of(97)] }),
      'unsupported',
      'data type 8',
    );
    const external = {
      dims: [1n],
      dataType: 3,
      dataLocation: 1,
      externalData: [{ key: 'location', value: '/etc/passwd' }],
    };
    expectRefusal(() => decoded(external), 'unsupported', 'external data');
  });
});

it('the generated code is what onnx.proto gives', () => {
  const script = join(ROOT, 'tools', 'build-proto.ts');
  execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' });
});

describe('.pb as input and output of a run', () => {
  const folder = temporaryFolder();
  it('there and back, int32 or int64', async () => {
    for (const values of [
      [1, -2, 3, 4],
      [1, 2 ** 40, -3, 0],
    ]) {
      const path = join(folder, 'y.pb');
      await writeOutput(path, makeTensor([1, 1, 2, 2], values), 'NCHW', () => undefined);
      expect(await loadInput(path)).toMatchObject({
        kind: 'tensor',
        shape: [1, 1, 2, 2],
        data: Float64Array.from(values),
      });
    }
  });

  it('refuses fractions', async () => {
    const path = join(folder, 'x.pb');
    writeFileSync(
      path,
      encodeTensorFile({ type: 'float32', shape: [2], data: Float32Array.of(1, 0.5) }, 'x'),
    );
    await expect(loadInput(path)).rejects.toMatchObject({
      code: 'malformed-tensor',
      message: expect.stringContaining('element [1]'),
    });
  });
});

describe('--input-type', () => {
  it.each([
    ['uint8', { bits: 8, signed: false, scale: 1, zeroPoint: 0 }],
    ['int4,scale=0.5', { bits: 4, signed: true, scale: 0.5, zeroPoint: 0 }],
    ['uint8,scale=1/255,zero-point=3', { bits: 8, signed: false, scale: 1 / 255, zeroPoint: 3 }],
  ])('%s', (text, expected) => {
    expect(parseInputType(text)).toEqual(expected);
  });

  it.each([
    '',
    'float32',
    'uint0',
    'uint17',
    'uint8,scale=0',
    'uint8,scale=1/0',
    'uint8,scale=x',
    'uint8,zero-point=1.5',
  ])('refuses %s', (text) => {
    expectRefusal(() => parseInputType(text), 'usage', '--input-type');
  });
});
