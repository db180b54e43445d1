import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeNpy, decodeNpyNumbers } from '../../src/frontend/npy.ts';
import { namedTensorsJsonLine, tensorJsonLine } from '../../src/frontend/tensorJson.ts';
import { writeWhole } from '../../src/frontend/files.ts';
import { config, refusal } from '../frontend/fixtures.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

function put(name: string, content: unknown): string {
  writeFileSync(at(name), JSON.stringify(content));
  return at(name);
}

function npyOf(descr: string): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }`;
  const bytes = new Uint8Array(10 + header.length + 16);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  bytes.set(new TextEncoder().encode(header), 10);
  return bytes;
}

describe('hints about .npy files keep every value', () => {
  it.each([
    ['<f2', "x.astype('<f4')"],
    ['>f4', "x.astype('<f4')"],
    ['>f8', "x.astype('<f8')"],
    ['<f16', "x.astype('<f8')"],
    ['>i8', "x.astype('<i8')"],
    ['>u2', "x.astype('<u2')"],
    ['|b1', "x.astype('u1')"],
  ])('%s where floats are taken', (descr, hint) => {
    const error = refusal(() => decodeNpyNumbers(npyOf(descr), 'x.npy'), 'malformed-tensor', hint);
    expect(error.details.expected).toContain('or floats');
  });

  it.each([
    ['<f4', "x.astype('<i8') in NumPy, if they are whole"],
    ['>i8', "x.astype('<i8')"],
    ['>u4', "x.astype('<u4')"],
  ])('%s where integers are', (descr, hint) => {
    refusal(() => decodeNpy(npyOf(descr), 'x.npy'), 'malformed-tensor', hint);
  });

  it('nothing is suggested for what is no number', () => {
    expect(refusal(() => decodeNpy(npyOf('<U4'), 'x.npy'), 'malformed-tensor').details.hint).toBeUndefined();
  });
});

describe('one document in place of another is called what it is', () => {
  const conv = put('c.conv.json', config());
  const tensor = put('x.json', { shape: [1, 1, 4, 4], data: new Array(16).fill(1) });
  const settings = put('cipherconv.config.json', { rules: {} });
  const [plan, client] = [at('p.json'), at('client.json')];
  it('has plans', () => {
    expect(cipherconv(['compile', conv, '-o', plan, '--client-plan', client]).code).toBe(0);
  });

  it.each<[string, readonly string[], string, string | null]>([
    ['a config to serve', ['serve', conv], 'this is a filter config, not a plan', 'compile CONFIG -o'],
    ['a model to serve', ['serve', 'm.onnx'], 'this is a model, not a plan', 'compile MODEL -o'],
    ['a client plan to serve', ['serve', client], 'this is a client plan, not a plan', 'compile CONFIG -o'],
    [
      'a config to keygen',
      ['keygen', '--plan', conv, '--secret-key', at('k')],
      'this is a filter config, not a client plan',
      '--client-plan FILE',
    ],
    [
      'a plan to compile',
      ['compile', plan],
      'this is a plan, not a filter config',
      'explain, run and serve take it',
    ],
    ['a tensor to compile', ['compile', tensor], 'this is a tensor, not a filter config', null],
    ['a config as an input', ['run', conv, '-i', conv], 'this is a filter config, not a tensor', null],
    [
      'settings to compile',
      ['compile', settings],
      'this is cipherconv.config.json, not a filter config',
      null,
    ],
    [
      'a config as settings',
      ['lint', conv, '--config', conv],
      'this is a filter config, not cipherconv',
      null,
    ],
  ])('%s', (_, args, message, hint) => {
    const { code, stderr } = cipherconv(args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('remove the key');
    if (hint !== null) expect(stderr).toContain(hint);
    expect(code).toBe(2);
  });

  it('a misspelt key is still called one', () => {
    const { stderr } = cipherconv(['compile', put('bad.conv.json', { ...config(), stride: 1 })]);
    expect(stderr).toContain('did you mean "strides"?');
  });
});

describe('compile --client-plan', () => {
  it('says what to do about a picture too large for clients, before it compiles', () => {
    const large = config({ input: { shape: [1, 1, 4096, 4096], bits: 2 } });
    const before = namesIn(folder);
    const args = [
      'compile',
      put('large.conv.json', large),
      '-o',
      at('l.json'),
      '--client-plan',
      at('lc.json'),
    ];
    const { code, stderr } = cipherconv(args);
    expect(code).toBe(2);
    expect(stderr).toContain('not supported yet: a client plan so large');
    expect(stderr).toContain('at most 4194304 elements');
    expect(stderr).toContain('found:    16777216');
    expect(stderr).not.toContain('again');
    expect(namesIn(folder)).toEqual([...before, 'large.conv.json'].sort());
  });
});

describe('JSON of tensors comes in pieces, so that none is longer than a string may be', () => {
  it('whatever the length', () => {
    for (const length of [0, 1, 2 ** 15 - 1, 2 ** 15, 2 ** 15 + 1, 2 ** 17 + 5]) {
      const data = Float64Array.from({ length }, (_, index) => index * 3 - 7);
      const pieces = [...tensorJsonLine({ shape: [length], data })];
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(2 ** 20);
      expect(pieces.join('')).toBe(`${JSON.stringify({ shape: [length], data: [...data] })}\n`);
    }
  });

  it('one tensor as it is, several by name', () => {
    const tensor = { shape: [2], data: [1, 2] };
    const line = (names: readonly string[]): unknown =>
      JSON.parse([...namedTensorsJsonLine(new Map(names.map((name) => [name, tensor])))].join(''));
    expect(line([])).toEqual({});
    expect(line(['y'])).toEqual(tensor);
    expect(line(['y', '__proto__'])).toEqual(
      JSON.parse('{"y":{"shape":[2],"data":[1,2]},"__proto__":{"shape":[2],"data":[1,2]}}'),
    );
  });

  it('is written whole or not at all', async () => {
    function* failing(): Generator<string> {
      yield 'half';
      throw new Error('a mistake');
    }
    const before = namesIn(folder);
    await expect(writeWhole(at('half.json'), failing())).rejects.toThrow('a mistake');
    expect(namesIn(folder)).toEqual(before);
  });

  it('goes to a pipe whole, faster than it is read', () => {
    const size = 300;
    const conv = put('wide.conv.json', config({ input: { shape: [1, 1, size, size], bits: 2 } }));
    const input = put('wide.json', { shape: [1, 1, size, size], data: new Array(size * size).fill(3) });
    const { stdout, code } = cipherconv(['run', conv, '-i', input, '-o', '-', '-q']);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { data: number[] }).data.length).toBeGreaterThan(80_000);
  });
});
