import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { config, png } from '../frontend/fixtures.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';
import type { Ended } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

function put(name: string, content: unknown): string {
  const isRaw = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(at(name), isRaw ? content : JSON.stringify(content));
  return at(name);
}

const GOOD = put('good.conv.json', config({ pads: [1, 1, 1, 1] }));
const INPUT = put('input.json', {
  shape: [1, 1, 4, 4],
  data: Array.from({ length: 16 }, (_, index) => index % 4),
});

/** Refused: the message on stderr with all its parts, nothing on stdout, no stack trace. */
function expectRefusal(ended: Ended, code: number, ...parts: string[]): void {
  expect(ended.stdout).toBe('');
  expect(ended.stderr).toMatch(/^error: /m);
  for (const part of parts) expect(ended.stderr).toContain(part);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.code).toBe(code);
}

describe('refusals: exit 2, one clear message, no stack trace, nothing written', () => {
  it.each<[string, () => readonly string[], readonly string[]]>([
    [
      'malformed JSON',
      () => ['compile', put('a.conv.json', '{\n  "version": 1,\n  "name" 3\n}')],
      ['a.conv.json:3:10: not valid JSON'],
    ],
    [
      'an unknown key',
      () => ['compile', put('a.conv.json', { ...config(), stride: [1, 1] })],
      ['a.conv.json:1:', 'unknown key "stride"', 'did you mean "strides"?'],
    ],
    [
      'a wrong count of weights',
      () => [
        'compile',
        put('a.conv.json', config({ weights: { shape: [1, 1, 2, 2], bits: 2, values: [1] } })),
      ],
      ['a.conv.json:1:', 'wrong number of weights', '4 weights', '1 weight'],
    ],
    [
      'a weight outside its bits',
      () => [
        'compile',
        put('a.conv.json', config({ weights: { shape: [1, 1, 1, 2], bits: 2, values: [1, 4] } })),
      ],
      ['a.conv.json:1:', 'weights.values[1]', 'from 0 to 3', 'found:    4'],
    ],
    [
      'an input outside its bits',
      () => ['run', GOOD, '--input', put('x.json', { shape: [1, 1, 4, 4], data: new Array(16).fill(4) })],
      ['x.json:1:', 'data[0]', 'from 0 to 3', 'found:    4'],
    ],
    [
      'a shape mismatch',
      () => ['run', GOOD, '--input', put('x.json', { shape: [1, 1, 2, 2], data: [0, 1, 2, 3] })],
      ['x.json', '[1, 1, 4, 4] (NCHW)', '[1, 1, 2, 2]'],
    ],
    [
      'an unreadable PNG',
      () => ['run', GOOD, '--input', put('x.png', 'this is no picture')],
      ['x.png: not a PNG picture'],
    ],
    [
      'a damaged PNG',
      () => {
        const whole = png({
          width: 4,
          height: 4,
          depth: 8,
          colourType: 0,
          rows: new Array<number>(20).fill(0),
        });
        return ['run', GOOD, '--input', put('x.png', whole.subarray(0, 50))];
      },
      ['x.png: the PNG cannot be read'],
    ],
    [
      'a missing config',
      () => ['compile', at('nowhere.conv.json')],
      ['nowhere.conv.json: cannot be read: no such file'],
    ],
    [
      'a missing input',
      () => ['run', GOOD, '--input', at('nowhere.npy')],
      ['nowhere.npy: cannot be read: no such file'],
    ],
    ['a folder for a config', () => ['compile', folder], ['cannot be read: it is a folder']],
    [
      'a float .npy',
      () => ['run', GOOD, '--input', put('x.npy', floatNpy())],
      ['x.npy: floating point values'],
    ],
    ['a kind of input to come', () => ['run', GOOD, '--input', 'x.csv'], ['not supported yet: .csv inputs']],
    [
      'a kind of output to come',
      () => ['run', GOOD, '-i', INPUT, '-o', 'y.csv'],
      ['not supported yet: .csv outputs'],
    ],
    ['a model that is not there', () => ['compile', 'model.onnx'], ['model.onnx: cannot be read']],
    [
      'an output folder that is missing',
      () => ['compile', GOOD, '-o', at('no/plan.json')],
      ['cannot be written'],
    ],
    [
      'a plan that is none',
      () => ['explain', put('p.json', '{"format": "cipherconv-plan"}')],
      ['missing key'],
    ],
    ['two inputs on stdin', () => ['run', '-', '--input', '-'], ['cannot both come from stdin']],
    [
      'two outputs on stdout',
      () => ['run', GOOD, '-i', INPUT, '-o', '-', '--json'],
      ['cannot both go to stdout'],
    ],
  ])('%s', (_, args, parts) => {
    const line = args();
    const before = namesIn(folder);
    expectRefusal(cipherconv(line), 2, ...parts);
    expect(namesIn(folder)).toEqual(before);
  });

  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['compile', '--frob', 'x'], "unknown option '--frob'"],
    [['compile'], "missing required argument 'config'"],
    [['compile', 'x', 'y'], 'too many arguments'],
    [['run', 'x'], "required option '-i, --input <file>' not specified"],
    [['compile', 'x', '--degree', '1000'], 'Allowed choices are 1024'],
    [['compile', 'x', '--objective', 'speed'], 'Allowed choices are latency, bandwidth, total'],
  ])('bad usage: %j', (args, message) => {
    expectRefusal(cipherconv(args), 2, message);
  });

  it('no command at all shows the help and is an error', () => {
    expect(cipherconv([])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: cipherconv'),
    });
  });
});

describe('findings: exit 1', () => {
  const overflowing = config({
    input: { shape: [1, 1, 6, 6], bits: 2 },
    weights: { shape: [1, 1, 3, 5], bits: 2, values: new Array<number>(15).fill(3) },
    pads: [1, 2, 1, 2],
    accumulator: { bits: 7 },
  });

  it('an accumulator that overflows is not compiled, run or written', () => {
    const path = put('over.conv.json', overflowing);
    const before = namesIn(folder);
    for (const args of [
      ['compile', path, '-o', at('plan.json')],
      ['explain', path],
      ['run', path, '-i', INPUT],
    ]) {
      expectRefusal(
        cipherconv([...args, '--quiet']),
        1,
        'over.conv.json:1:',
        'overflows',
        '[0, 127]',
        '[0, 135]',
        '8',
      );
    }
    expect(namesIn(folder)).toEqual(before);
  });

  it('what no plan can carry', () => {
    const wide = config({
      input: { shape: [1, 2 ** 21, 1, 1], bits: 16 },
      weights: { shape: [1, 2 ** 21, 1, 1], bits: 16, values: new Array<number>(2 ** 21).fill(1) },
    });
    expectRefusal(cipherconv(['compile', put('wide.conv.json', wide)]), 1, 'too wide', 'fewer bits');
  });
});

describe('the process', () => {
  it('prints a stack trace with --debug only', () => {
    const { stderr, code } = cipherconv(['compile', at('nowhere.conv.json'), '--debug']);
    expect(stderr).toMatch(/CipherconvError: .*nowhere/);
    expect(stderr).toMatch(/^\s+at /m);
    expect(stderr).toContain('caused by Error: ENOENT');
    expect(code).toBe(2);
  });

  it('refuses an old Node before anything else', () => {
    const ended = cipherconv(['--version'], { nodeOptions: ['--no-experimental-wasm-exnref'] });
    expectRefusal(ended, 2, 'needs Node 22.19 or a newer 22', `this is Node ${process.versions.node}`);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('leaves an existing file as it was when it refuses', () => {
    const plan = put('kept.json', 'precious');
    expectRefusal(cipherconv(['compile', put('bad.conv.json', '{'), '-o', plan]), 2, 'bad.conv.json');
    expect(readFileSync(plan, 'utf8')).toBe('precious');
    mkdirSync(at('sub'));
    expectRefusal(cipherconv(['compile', GOOD, '-o', at('sub')]), 2, 'it is a folder');
    expect(namesIn(at('sub'))).toEqual([]);
  });
});

function floatNpy(): Uint8Array {
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 4, 4), }";
  const bytes = new Uint8Array(10 + header.length + 128);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  bytes.set(new TextEncoder().encode(header), 10);
  return bytes;
}
