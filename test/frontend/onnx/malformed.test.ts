import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { fc, runs } from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { importModel, importOnnx } from '../../../src/frontend/onnx/importOnnx.ts';
import { ModelProtoSchema } from '../../../src/frontend/onnx/proto/onnx_pb.ts';
import { temporaryFolder } from '../../cli/spawnCli.ts';
import { encodeModel, expectRefusal, imported, int, node, scalar, tensor, value } from './models.ts';
import type { Graph, TensorInit } from './models.ts';

const INPUT = value('x', 'uint8', [1, 1, 4, 4]);
const OUTPUT = value('y', 'int32', [1, 1, 3, 3]);
const WEIGHTS = tensor('w', 'int8', [1, 1, 2, 2], [1, -2, 3, -4]);
const GOOD: Graph = {
  nodes: [node('ConvInteger', ['x', 'w'], ['y'])],
  initializers: [WEIGHTS],
  inputs: [INPUT],
  outputs: [OUTPUT],
};

const withWeights = (init: TensorInit): Graph => ({ ...GOOD, initializers: [{ ...init, name: 'w' }] });
const INT8_2x2 = { dims: [1n, 1n, 2n, 2n], dataType: 3 };

describe('malformed models', () => {
  it('imports the good one', () => {
    expect(imported(GOOD).layers).toMatchObject([
      { op: 'ConvInteger', spec: { weights: { values: [1, -2, 3, -4] } } },
    ]);
  });

  it('refuses every truncation', () => {
    const bytes = encodeModel(GOOD);
    for (let length = 0; length < bytes.length; length++) {
      try {
        importModel(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(CipherconvError);
        expect((error as CipherconvError).code).not.toBe('internal');
        continue;
      }
      throw new Error(`${length} of ${bytes.length} bytes were taken for a model`);
    }
  });

  it('never fails in another way, whatever the bytes', () => {
    const bytes = encodeModel(GOOD);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const mutant = bytes.slice();
        for (const [position, byte] of changes) mutant[position] = byte;
        try {
          importModel(mutant);
        } catch (error) {
          expect(error).toBeInstanceOf(CipherconvError);
          expect((error as CipherconvError).code).not.toBe('internal');
        }
      }),
      { numRuns: runs(3000) },
    );
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'empty'],
    ['text', new TextEncoder().encode('<!DOCTYPE html><html></html>'), 'not an ONNX model'],
    ['a zip archive', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0), 'not an ONNX model'],
    ['zeros', new Uint8Array(64), 'not an ONNX model'],
    ['groups in groups', new Uint8Array(100_000).fill(0x0b), 'wire type'],
    ['a message of other fields', Uint8Array.of(0x08, 0x08), 'a graph'],
  ])('refuses %s', (_, bytes, part) => {
    expectRefusal(() => importModel(bytes), 'malformed-model', part);
  });

  it('refuses millions of empty nodes by their count, before they are made', () => {
    const nodes = new Uint8Array(2 * 4_000_000);
    for (let index = 0; index < nodes.length; index += 2) nodes[index] = 0x0a;
    const length = [...varint(nodes.length)];
    const bytes = new Uint8Array([0x08, 0x08, 0x3a, ...length].length + nodes.length);
    bytes.set([0x08, 0x08, 0x3a, ...length]);
    bytes.set(nodes, bytes.length - nodes.length);
    const before = process.memoryUsage().rss;
    expectRefusal(() => importModel(bytes), 'unsupported', 'too many nodes');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it.each<[string, TensorInit, string]>([
    ['huge extents', { dims: [2n ** 40n], dataType: 3, rawData: new Uint8Array(4) }, 'tensors of this size'],
    ['extents past 2^53', { dims: [2n ** 62n], dataType: 3, rawData: new Uint8Array(4) }, 'out of range'],
    ['negative extents', { dims: [-1n, 4n], dataType: 3, rawData: new Uint8Array(4) }, 'out of range'],
    [
      'extents whose product overflows',
      { dims: new Array<bigint>(40).fill(2n ** 50n), dataType: 3 },
      'tensors of this size',
    ],
    ['fewer bytes than the shape', { ...INT8_2x2, rawData: new Uint8Array(3) }, 'do not fill the shape'],
    ['more bytes than the shape', { ...INT8_2x2, rawData: new Uint8Array(5) }, 'do not fill the shape'],
    ['no values', INT8_2x2, 'do not fill the shape'],
    [
      'raw and typed values',
      { ...INT8_2x2, rawData: new Uint8Array(4), int32Data: [1, 2, 3, 4] },
      'both as raw',
    ],
    ['typed values out of range', { ...INT8_2x2, int32Data: [1, 2, 3, 128] }, 'out of range'],
    ['too few typed values', { ...INT8_2x2, int32Data: [1, 2, 3] }, 'do not fill the shape'],
  ])('refuses an initializer with %s', (_, init, part) => {
    const act = (): unknown => imported(withWeights(init));
    expectRefusal(act, part === 'tensors of this size' ? 'unsupported' : 'malformed-model', part, '"w"');
  });

  it.each<[string, Partial<Graph>, string]>([
    ['a missing initializer', { initializers: [] }, 'tensor "w" is missing'],
    ['a missing output', { outputs: [value('z', 'int32', [1])] }, 'tensor "z" is missing'],
    ['an initializer twice', { initializers: [WEIGHTS, WEIGHTS] }, 'initializer "w" is there twice'],
    ['an input twice', { inputs: [INPUT, INPUT] }, 'graph input "x" is there twice'],
    [
      'an output of two nodes',
      { nodes: [...GOOD.nodes, node('Relu', ['x'], ['y'])] },
      'tensor "y" is made twice',
    ],
    [
      'a node that makes an input',
      { nodes: [...GOOD.nodes, node('Relu', ['y'], ['x'])] },
      'tensor "x" is made twice',
    ],
    [
      'a cycle',
      { nodes: [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), ...GOOD.nodes] },
      'the graph has a cycle',
    ],
    ['a node that feeds itself', { nodes: [node('Relu', ['a'], ['a']), ...GOOD.nodes] }, 'cycle'],
    [
      'an attribute twice',
      { nodes: [node('ConvInteger', ['x', 'w'], ['y'], [int('group', 1), int('group', 1)])] },
      'twice',
    ],
    [
      'an attribute of another type',
      { nodes: [node('ConvInteger', ['x', 'w'], ['y'], [{ name: 'group', type: 1 }])] },
      'another type',
    ],
    [
      'channels that do not match',
      { inputs: [value('x', 'uint8', [1, 3, 4, 4])] },
      'input channels do not match',
    ],
    ['a kernel larger than the image', { inputs: [value('x', 'uint8', [1, 1, 1, 1])] }, 'does not fit'],
  ])('refuses %s', (_, change, part) => {
    expectRefusal(() => imported({ ...GOOD, ...change }), 'malformed-model', part);
  });

  it('refuses opsets that are not known, and two versions of one domain', () => {
    const twice = (version: bigint): Uint8Array =>
      Buffer.concat([
        encodeModel(GOOD),
        toBinary(
          ModelProtoSchema,
          create(ModelProtoSchema, { opsetImport: [{ domain: 'ai.onnx', version }] }),
        ),
      ]);
    expect(importModel(twice(13n)).layers).toHaveLength(1);
    expectRefusal(() => importModel(twice(14n)), 'malformed-model', 'with two versions', '13 and 14');
    for (const opset of [5, 99]) {
      expectRefusal(() => imported({ ...GOOD, opset }), 'unsupported', `opset ${opset}`);
    }
  });

  it('does not fold a small shape into a large tensor', () => {
    const model = imported({
      ...GOOD,
      nodes: [...GOOD.nodes, node('ConstantOfShape', ['s'], ['huge']), node('Relu', ['huge'], ['r'])],
      initializers: [WEIGHTS, tensor('s', 'int64', [3], [100_000, 100_000, 100_000])],
    });
    expect(model.constants.has('huge')).toBe(false);
    expect(model.values.get('r')?.shape).toEqual([100_000, 100_000, 100_000]);
  });

  it('names all that it cannot compile', () => {
    const nodes = [
      ...GOOD.nodes,
      node('LSTM', ['x'], ['h']),
      node('Fancy', ['x'], ['f'], [], { domain: 'my.own' }),
    ];
    expect(imported({ ...GOOD, nodes, domains: ['my.own'] }).unsupported).toEqual([
      { name: 'h', op: 'LSTM', kind: 'linear', reason: 'not supported yet: recurrent layers' },
      { name: 'f', op: 'my.own.Fancy', kind: 'operator', reason: 'this operator is not known' },
    ]);
  });

  it('refuses models of floats, and says which layer is the first', () => {
    const act = (): unknown =>
      imported({
        nodes: [node('Conv', ['x', 'w'], ['y'], [], { name: 'first' }), node('Conv', ['y', 'w'], ['z'])],
        initializers: [tensor('w', 'float32', [1, 1, 2, 2], [0.5, 1, 1, 1])],
        inputs: [value('x', 'float32', [1, 1, 4, 4])],
        outputs: [value('z', 'float32', [1, 1, 2, 2])],
      });
    expectRefusal(act, 'unsupported', 'not quantized', 'Conv "first"', 'quantize_static');
  });
});

describe('external data', () => {
  const folder = temporaryFolder();
  const inside = join(folder, 'model');
  mkdirSync(join(inside, 'data'), { recursive: true });
  writeFileSync(join(folder, 'secret.bin'), Uint8Array.of(9, 9, 9, 9));
  writeFileSync(join(inside, 'data', 'w.bin'), Uint8Array.of(0, 0, 1, 254, 3, 252));
  symlinkSync(join(folder, 'secret.bin'), join(inside, 'link.bin'));
  symlinkSync(folder, join(inside, 'up'));

  const external = (entries: Readonly<Record<string, string>>): Graph =>
    withWeights({
      ...INT8_2x2,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, text]) => ({ key, value: text })),
    });

  it('reads what lies below the folder of the model', async () => {
    const path = join(inside, 'model.onnx');
    writeFileSync(path, encodeModel(external({ location: 'data/w.bin', offset: '2', length: '4' })));
    const model = await importOnnx(path);
    expect(model.layers[0]?.spec.weights.values).toEqual([1, -2, 3, -4]);
  });

  it.each([
    ['an absolute path', { location: join(folder, 'secret.bin') }, 'outside the model'],
    ['a path that climbs out', { location: '../secret.bin' }, 'outside the model'],
    ['a path that climbs out further on', { location: 'data/../../secret.bin' }, 'outside the model'],
    ['a Windows path', { location: 'C:\\secret.bin' }, 'outside the model'],
    ['a backslash that climbs out', { location: '..\\secret.bin' }, 'outside the model'],
    ['a link that leads out', { location: 'link.bin' }, 'leads out of it'],
    ['a linked folder that leads out', { location: 'up/secret.bin' }, 'leads out of it'],
    ['no location', {}, 'outside the model'],
    ['the folder itself', { location: '.' }, 'leads out of it'],
    ['an offset past the end', { location: 'data/w.bin', offset: '3' }, 'cut off'],
    ['a huge offset', { location: 'data/w.bin', offset: '999999999999999' }, 'cut off'],
    ['an offset that is no number', { location: 'data/w.bin', offset: '-1' }, 'not a number of bytes'],
    ['another length', { location: 'data/w.bin', length: '5' }, 'does not fill the shape'],
  ])('refuses %s', (_, entries, part) => {
    expectRefusal(() => imported(external(entries), { folder: inside }), 'malformed-model', part, '"w"');
  });

  it('refuses a folder, and names the tensor', () => {
    const act = (): unknown => imported(external({ location: 'data' }), { folder: inside });
    expectRefusal(act, 'unreadable', 'it is a folder', '"w"');
  });

  it('refuses a file that is not there, and models that come without a folder', () => {
    expectRefusal(
      () => imported(external({ location: 'none.bin' }), { folder: inside }),
      'unreadable',
      'none.bin',
    );
    expectRefusal(
      () => imported(external({ location: 'data' }), { folder: inside }),
      'unreadable',
      'it is a folder',
      '"w"',
    );
    expectRefusal(
      () => imported(external({ location: 'data/w.bin' })),
      'unsupported',
      'not read from a folder',
    );
  });

  it('compares a huge shape with the file before it allocates', () => {
    const huge = withWeights({
      dims: [2n ** 29n],
      dataType: 3,
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'data/w.bin' }],
    });
    const before = process.memoryUsage().rss;
    expectRefusal(() => imported(huge, { folder: inside }), 'malformed-model', 'cut off');
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });
});

it('ignores initializers that no layer could read', () => {
  const strings: TensorInit = { name: 's', dims: [1n], dataType: 8, stringData: [Uint8Array.of(97)] };
  expect(
    imported({ ...GOOD, initializers: [WEIGHTS, strings, scalar('f', 'float32', 1)] }).layers,
  ).toHaveLength(1);
});

function* varint(number: number): Generator<number> {
  for (let rest = number; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      yield rest;
      return;
    }
    yield (rest % 128) | 128;
  }
}
