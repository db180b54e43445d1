import { copyFileSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { toTensorProto, encodeTensorFile } from '../../src/frontend/onnx/proto/tensorProto.ts';
import { config } from '../frontend/fixtures.ts';
import { encodeModel, node, value } from '../frontend/onnx/models.ts';
import { npyBytes } from '../lint/samples.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const WEIGHTS = { type: 'int8', shape: [1, 1, 2, 2], data: Int8Array.of(1, -1, 3, -3) } as const;

beforeEach(() => {
  writeFileSync(at('c.conv.json'), JSON.stringify(config()));
  writeFileSync(at('x.npy'), npyBytes([1, 1, 4, 4], new Array<number>(16).fill(1)));
  writeFileSync(at('w.npy'), npyBytes([1, 1, 1, 1], [1]));
  const weights = { shape: [1, 1, 1, 1] as [1, 1, 1, 1], bits: 2, values: { npy: 'w.npy' } };
  writeFileSync(at('named.conv.json'), JSON.stringify(config({ weights })));
  const model = encodeModel({
    nodes: [node('ConvInteger', ['x', 'w'], ['y'])],
    initializers: [toTensorProto(WEIGHTS, 'w')],
    inputs: [value('x', 'uint8', [1, 1, 3, 3])],
  });
  writeFileSync(at('m.onnx'), model);
  const open = encodeModel({
    nodes: [node('ConvInteger', ['x', 'w'], ['y'])],
    inputs: [value('x', 'uint8', [1, 1, 3, 3]), value('w', 'int8', [1, 1, 2, 2])],
  });
  writeFileSync(at('open.onnx'), open);
  writeFileSync(at('w.pb'), encodeTensorFile(WEIGHTS, 'w'));
});

mkdirSync(at('sub'));
copyFileSync(import.meta.filename, at('sub/other'));

describe('no output replaces an input, whatever it is called', () => {
  it.each<[string, readonly string[], string]>([
    ['compile over its config', ['compile', 'c.conv.json', '-o', 'c.conv.json'], 'c.conv.json'],
    ['by another path', ['compile', 'c.conv.json', '-o', 'sub/../c.conv.json'], 'c.conv.json'],
    ['through a symbolic link', ['compile', 'c.conv.json', '-o', 'symbolic'], 'c.conv.json'],
    ['through a hard link', ['compile', 'c.conv.json', '-o', 'hard'], 'c.conv.json'],
    [
      'the client plan',
      ['compile', 'c.conv.json', '-o', 'p.json', '--client-plan', 'c.conv.json'],
      'c.conv.json',
    ],
    ['compile over its model', ['compile', 'm.onnx', '-o', 'm.onnx'], 'm.onnx'],
    ['over bound values', ['compile', 'open.onnx', '--bind', 'w=w.pb', '-o', 'w.pb'], 'w.pb'],
    ['over weights that only the config names', ['compile', 'named.conv.json', '-o', 'w.npy'], 'w.npy'],
    [
      'the client plan over them, before the plan is written',
      ['compile', 'named.conv.json', '-o', 'p.json', '--client-plan', 'w.npy'],
      'w.npy',
    ],
    ['run over its input', ['run', 'c.conv.json', '-i', 'x.npy', '-o', 'x.npy'], 'x.npy'],
    ['run over its config', ['run', 'c.conv.json', '-i', 'x.npy', '-o', './link.json'], 'c.conv.json'],
    ['run of a model', ['run', 'm.onnx', '-i', 'x=x.npy', '-o', 'x.npy'], 'x.npy'],
  ])('%s', (_, args, victim) => {
    const names = namesIn(folder);
    if (!names.includes('symbolic')) {
      symlinkSync('c.conv.json', at('symbolic'));
      symlinkSync('c.conv.json', at('link.json'));
      linkSync(at('c.conv.json'), at('hard'));
    }
    const before = readFileSync(at(victim));
    const listed = namesIn(folder);
    const { code, stdout, stderr } = cipherconv([...args, '-q'], { cwd: folder });
    expect(stderr).toMatch(/^error: .*same file\n {2}try: {6}give each its own file\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(readFileSync(at(victim))).toEqual(before);
    expect(namesIn(folder)).toEqual(listed);
  });

  it('one file may be read twice, and an old output replaced', () => {
    writeFileSync(at('y.npy'), 'an old one');
    const args = ['run', 'c.conv.json', '-i', 'x.npy', '-o', 'y.npy', '-q'];
    expect(cipherconv(args, { cwd: folder }).code).toBe(0);
    expect(readFileSync(at('y.npy')).subarray(1, 6).toString()).toBe('NUMPY');
  });
});
