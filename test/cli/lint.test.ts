import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { config } from '../frontend/fixtures.ts';
import type { FilterConfigInput } from '../../src/frontend/schema.ts';
import { encodeTensorFile, toTensorProto } from '../../src/frontend/onnx/proto/tensorProto.ts';
import { encodeModel, node, value } from '../frontend/onnx/models.ts';
import { cipherconv, ROOT, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder, ...path);

function put(path: string, content: unknown): string {
  mkdirSync(join(at(path), '..'), { recursive: true });
  const raw = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(at(path), raw ? content : JSON.stringify(content));
  return at(path);
}

const OVERFLOW = join('examples', '3-overflow');
/** Two of four output channels are all zero: one warning. */
const warns = (name = 'test'): FilterConfigInput =>
  config({ name, weights: { shape: [3, 1, 1, 1], bits: 1, values: [0, 1, 0] } });

const WEIGHTS = { type: 'int8', shape: [1, 1, 2, 2], data: Int8Array.of(1, -1, 3, -3) } as const;

/** One ConvInteger; its weights are an initializer, or a graph input. */
function convIntegerModel(weights: 'int8' | null): Uint8Array {
  const x = value('x', 'uint8', [1, 1, 3, 3]);
  return encodeModel({
    nodes: [node('ConvInteger', ['x', 'w'], ['y'])],
    initializers: weights === null ? [] : [toTensorProto(WEIGHTS, 'w')],
    inputs: weights === null ? [x, value('w', 'int8', [1, 1, 2, 2])] : [x],
  });
}

describe('lint', () => {
  it('passes what holds and refuses what overflows', () => {
    expect(cipherconv(['lint', join('examples', '1-gaussian')])).toMatchObject({ code: 0, stderr: '' });
    const { stdout, code } = cipherconv(['lint', 'examples']);
    for (const part of ['12:28', '[0, 135]', 'at most 14 taps', '3 convolutions analysed: 1 error'])
      expect(stdout).toContain(part);
    expect(code).toBe(1);
  });

  it('prints every field as JSON', () => {
    const { stdout, code } = cipherconv(['lint', join(OVERFLOW, '*.conv.json'), '--format', 'json']);
    const threes = [
      [3, 3, 3, 3, 3],
      [3, 3, 3, 3, 3],
      [3, 3, 3, 3, 3],
    ];
    const zeros = threes.map((row) => row.map(() => 0));
    const interval = [0, 135];
    expect(JSON.parse(stdout)).toEqual({
      findings: [
        {
          rule: 'accumulator-overflow',
          level: 'error',
          file: join(OVERFLOW, 'overflow.conv.json'),
          line: 12,
          column: 28,
          layer: 'fifteen-threes',
          message: expect.stringContaining('[0, 135]'),
          interval,
          requiredBits: 8,
          declaredBits: 7,
          headroom: -1,
          witness: { output: [0, 1, 2], low: [zeros], high: [threes] },
          hint: expect.stringContaining('declare 8 unsigned bits'),
        },
      ],
      layers: [
        {
          name: 'fifteen-threes',
          op: 'ConvInteger',
          taps: 15,
          interval,
          requiredBits: 8,
          declaredBits: 7,
          tiers: {
            datatype: { kind: 'proof', interval, requiredBits: 8, channels: [interval], largestTaps: 14 },
            l1: {
              kind: 'proof',
              interval: [-135, 135],
              requiredBits: 9,
              channels: [[-135, 135]],
              norm: 45,
              a2qBits: 9,
            },
            exact: { kind: 'proof', interval, requiredBits: 8, channels: [interval], decodeWidth: 136 },
            calibrated: null,
            probabilistic: {
              kind: 'estimate',
              inputs: 'uniform',
              // 136 of the 4^15 inputs lack at most 2 of the 45 that would make 135.
              overflowProbability: 136 / 4 ** 15,
              minusLog2: -Math.log2(136 / 4 ** 15),
              channels: [136 / 4 ** 15],
            },
          },
        },
      ],
    });
    expect(code).toBe(1);
  });

  it.each(['sarif', 'github'])('prints %s', (format) => {
    const { stdout, code } = cipherconv(['lint', OVERFLOW, '--format', format]);
    expect(stdout).toContain('accumulator-overflow');
    expect(code).toBe(1);
  });

  it('goes on after an unreadable file, and 2 wins over 1', () => {
    put('broken/a.conv.json', '{\n "version": }');
    put('broken/b.conv.json', config());
    const args = [OVERFLOW, at('broken'), at('gone.conv.json'), '--format', 'json'];
    const { stdout, code } = cipherconv(['lint', ...args]);
    const { findings, layers } = JSON.parse(stdout) as {
      findings: { rule: string; line: number | null }[];
      layers: { name: string }[];
    };
    expect(findings.map(({ rule, line }) => [rule, line])).toEqual([
      ['accumulator-overflow', 12],
      ['unreadable', 2],
      ['unreadable', null],
    ]);
    expect(layers.map(({ name }) => name)).toEqual(['fifteen-threes', 'test']);
    expect(code).toBe(2);
  });

  it('counts warnings against --max-warnings', () => {
    const file = put('warns.conv.json', warns());
    expect(cipherconv(['lint', file]).code).toBe(0);
    expect(cipherconv(['lint', file, '--max-warnings', '1']).code).toBe(0);
    expect(cipherconv(['lint', file, '--max-warnings', '0']).code).toBe(1);
    expect(cipherconv(['lint', file, '--max-warnings', 'few'])).toMatchObject({ code: 2, stdout: '' });
    expect(cipherconv(['lint', file, '--rule', 'dead-channel=error']).code).toBe(1);
    expect(cipherconv(['lint', file, '--max-warnings', '0', '--rule', 'dead-channel=off']).code).toBe(0);
  });

  it('asks for headroom', () => {
    const file = put('room.conv.json', config({ accumulator: { bits: 5 } }));
    expect(cipherconv(['lint', file, '--max-warnings', '0']).code).toBe(0);
    const { stdout, code } = cipherconv(['lint', file, '--headroom', '1', '--max-warnings', '0']);
    expect(stdout).toContain('0 bits of headroom, 1 wanted');
    expect(code).toBe(1);
  });

  it('cannot silence an overflow for compile', () => {
    const file = put('silent/over.conv.json', config({ accumulator: { bits: 3 } }));
    put('silent/cipherconv.config.json', { rules: { 'accumulator-overflow': 'off' } });
    expect(cipherconv(['lint', file]).code).toBe(0);
    expect(cipherconv(['compile', file], { cwd: at('silent') })).toMatchObject({ code: 1, stdout: '' });
  });

  it('refuses a broken settings file that it was given, and reports one that it found', () => {
    const bad = put('bad/cipherconv.config.json', '{ "rules": 1 }');
    const file = put('bad/x.conv.json', config());
    expect(cipherconv(['lint', file, '--config', bad])).toMatchObject({ code: 2, stdout: '' });
    expect(cipherconv(['lint', file, '--config', at('none.json')])).toMatchObject({ code: 2, stdout: '' });
    const { stdout, code } = cipherconv(['lint', file]);
    expect(stdout).toContain('1 convolution analysed: 1 error');
    expect(code).toBe(2);
    expect(cipherconv(['lint', file, '--rule', 'x=off']).stderr).toContain('no such rule');
  });

  it('reports sums beyond BFV with place, interval as strings, hint and witness: 1', () => {
    const file = put('wide.conv.json', config({ bias: [Number.MAX_SAFE_INTEGER] }));
    const { stdout, code } = cipherconv(['lint', file, '--format', 'json']);
    const [finding] = JSON.parse(stdout).findings;
    expect(finding).toMatchObject({
      rule: 'beyond-bfv',
      level: 'error',
      line: 1,
      interval: [Number.MAX_SAFE_INTEGER, '9007199254741009'],
      requiredBits: 54,
      hint: expect.any(String),
      witness: {
        output: [0, 0, 0],
        low: [
          [
            [0, 0],
            [0, 0],
          ],
        ],
      },
    });
    expect(code).toBe(1);
  });

  it('lints models, in folders too, and refuses what is none', () => {
    put('models/b.conv.json', config());
    put('models/a.onnx', convIntegerModel('int8'));
    const report = cipherconv(['lint', at('models'), '--format', 'json']);
    expect(report.code).toBe(0);
    expect(JSON.parse(report.stdout)).toMatchObject({
      findings: [{ rule: 'wider-than-needed', line: null, layer: 'y' }, { rule: 'unused-weight-bits' }],
      layers: [
        {
          name: 'y',
          op: 'ConvInteger',
          taps: 4,
          interval: [-1020, 1020],
          requiredBits: 11,
          declaredBits: 32,
        },
        { name: 'test' },
      ],
    });
    put('models/broken.onnx', Uint8Array.of(8, 7));
    const mixed = cipherconv(['lint', at('models'), '--format', 'json']);
    const findings: { rule: string }[] = JSON.parse(mixed.stdout).findings;
    expect(findings.filter(({ rule }) => rule === 'unreadable')).toMatchObject([
      {
        rule: 'unreadable',
        file: at('models/broken.onnx'),
        line: null,
        message: expect.stringContaining('not an ONNX model'),
      },
    ]);
    expect(mixed.code).toBe(2);
  });

  it('judges weights from outside by their type, and binds them', () => {
    const path = put('open/m.onnx', convIntegerModel(null));
    const open = JSON.parse(cipherconv(['lint', path, '--format', 'json']).stdout);
    expect(open.layers).toMatchObject([
      { interval: [-130560, 129540], tiers: { datatype: { kind: 'proof' }, l1: null, exact: null } },
    ]);
    const pretty = cipherconv(['lint', path]).stdout;
    expect(pretty).toMatch(/y {2,}4 {2,}18 {2,}- {2,}- {2,}32s/);
    const weights = put('open/w.pb', encodeTensorFile(WEIGHTS, 'w'));
    const bound = JSON.parse(cipherconv(['lint', path, '--bind', `w=${weights}`, '--format', 'json']).stdout);
    expect(bound.layers).toMatchObject([{ interval: [-1020, 1020] }]);
    for (const [flags, part] of [
      [['--bind', 'w'], 'not name=file.pb'],
      [['--input-type', 'x=float'], 'not a type for inputs'],
      [['--bind', `v=${weights}`], 'no graph input'],
    ] as const) {
      const refused = cipherconv(['lint', path, ...flags]);
      expect(refused.code).toBe(2);
      expect(refused.stdout + refused.stderr).toContain(part);
    }
  });

  it('finds nothing in an empty folder: 2', () => {
    mkdirSync(at('empty/node_modules'), { recursive: true });
    put('empty/node_modules/x.conv.json', config());
    const empty = cipherconv(['lint'], { cwd: at('empty') });
    expect(empty).toMatchObject({ code: 2, stdout: '' });
    expect(empty.stderr).toContain('nothing to lint');
    expect(cipherconv(['lint', at('nothing*.conv.json')]).code).toBe(2);
  });

  it('reads a config from stdin', () => {
    const input = JSON.stringify(config({ accumulator: { bits: 3 } }));
    const { stdout, code } = cipherconv(['lint', '-'], { input });
    expect(stdout).toMatch(/^stdin\n/);
    expect(code).toBe(1);
  });

  it('loads no SEAL', () => {
    const watch =
      'data:text/javascript,import { registerHooks } from "node:module";' +
      'registerHooks({ load: (url, context, next) => {' +
      ' if (url.includes("node-seal")) throw new Error("SEAL was loaded"); return next(url, context); } });';
    const options = { nodeOptions: ['--import', watch] };
    expect(cipherconv(['lint', 'examples'], options).code).toBe(1);
    const picture = join(ROOT, 'examples', 'picture-28.png');
    const gaussian = join('examples', '1-gaussian', 'gaussian.conv.json');
    const run = cipherconv(['run', gaussian, '-i', picture], options);
    expect(run.stderr).toContain('SEAL was loaded');
  });
});
