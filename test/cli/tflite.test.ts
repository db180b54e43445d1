/** The commands on TFLite models. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeNpyNumbers, encodeNpyOf } from '../../src/frontend/npy.ts';
import { importTfliteModel } from '../../src/frontend/tflite/importTfliteModel.ts';
import type { FixedPointNode } from '../../src/interpreter/fixedPoint/node.ts';
import { graphOf } from '../../src/model/graphOf.ts';
import { openClearGraph } from '../../src/model/openClearGraph.ts';
import { servingProcess } from '../support/servingProcess.ts';
import { writeTflite } from '../support/tflite/writeModel.ts';
import type { WrittenTensor } from '../support/tflite/writeModel.ts';
import { cipherconv, namesIn, temporaryFolder } from './spawnCli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [MODEL, PLAN, INPUT] = [at('dense.tflite'), at('dense.plan'), at('x.npy')];

const tensor = (name: string, rest: Partial<WrittenTensor>): WrittenTensor => ({
  name,
  type: 'int8',
  shape: [1, 4],
  scales: [0.05],
  zeroPoints: [-3],
  axis: 0,
  data: null,
  ...rest,
});

const DENSE: FixedPointNode = {
  name: 'logits',
  operation: { op: 'FULLY_CONNECTED', activation: 'NONE', biasType: null },
  inputs: ['x', 'w', 'b'],
  outputs: ['logits'],
};

const BYTES = writeTflite({
  tensors: [
    tensor('x', {}),
    tensor('w', { shape: [3, 4], zeroPoints: [0], data: [1, -2, 3, -4, 50, 60, -70, 80, 9, 9, 9, 9] }),
    tensor('b', { type: 'int32', shape: [3], scales: [0.0025], zeroPoints: [0], data: [100, -50, 0] }),
    tensor('logits', { shape: [1, 3], scales: [0.013] }),
    tensor('y', { shape: [1, 3], scales: [1 / 256], zeroPoints: [-128] }),
  ],
  nodes: [DENSE, { name: 'y', operation: { op: 'SOFTMAX', beta: 1 }, inputs: ['logits'], outputs: ['y'] }],
  inputs: ['x'],
  outputs: ['y'],
});
const X = { shape: [1, 4], data: Float64Array.of(10, -20, 127, -128) };

/** What the interpreter makes of the whole network. */
async function expected(rounding: 'double' | 'single'): Promise<number[]> {
  const graph = openClearGraph(graphOf(importTfliteModel(BYTES, { rounding })).whole(), []);
  const made = await graph.run(new Map([['x', { type: 'int8', ...X }]]), ['y']);
  return [...made.get('y')!.data];
}

beforeAll(() => {
  writeFileSync(MODEL, BYTES);
  writeFileSync(INPUT, encodeNpyOf('int8', X));
});

describe('compile, run, explain and lint', () => {
  it("run of the plan equals run of the model, in the model's own type, without onnxruntime", async () => {
    const compiled = cipherconv(['compile', MODEL, '-o', PLAN]);
    expect(compiled).toMatchObject({ code: 0, stdout: '' });
    expect(compiled.stderr).toContain('1 encrypted layer in 1 round');
    const fromPlan = cipherconv(['run', PLAN, '-i', INPUT, '-o', at('a.npy'), '--json']);
    const fromModel = cipherconv(['run', MODEL, '-i', INPUT, '-o', at('b.npy'), '--json']);
    for (const { code, stdout, stderr } of [fromPlan, fromModel]) {
      expect(code).toBe(0);
      expect(stderr).not.toContain('onnxruntime');
      expect(JSON.parse(stdout)).toMatchObject({
        match: true,
        layers: [{ name: 'logits' }],
        comparison: { outputs: 3, mismatches: 0 },
        statistic: null,
      });
    }
    const file = readFileSync(at('a.npy'));
    expect(file).toEqual(readFileSync(at('b.npy')));
    expect(file.toString('latin1')).toContain("'descr': '|i1'");
    expect([...decodeNpyNumbers(file, 'a.npy').data]).toEqual(await expected('double'));
  });

  it('a model without a name that says so, with single rounding', async () => {
    writeFileSync(at('model.bin'), BYTES);
    const single = ['--tflite-rounding', 'single'];
    expect(cipherconv(['run', at('model.bin'), '-i', INPUT, '-o', at('s.npy'), ...single]).code).toBe(0);
    expect([...decodeNpyNumbers(readFileSync(at('s.npy')), 's').data]).toEqual(await expected('single'));
    expect(cipherconv(['lint', at('model.bin')]).code).toBe(0);
    const { stdout } = cipherconv(['explain', at('model.bin')]);
    expect(stdout).toContain('FULLY_CONNECTED');
  });
});

describe('a model of unsigned bytes outside', () => {
  it('run takes uint8 and writes uint8', () => {
    const bytes = (name: string, shape: readonly number[]): WrittenTensor =>
      tensor(name, { type: 'uint8', shape, zeroPoints: [125] });
    const between = (from: string, to: string): FixedPointNode => ({
      name: to,
      operation: { op: 'QUANTIZE' },
      inputs: [from],
      outputs: [to],
    });
    const weights = [1, -2, 3, -4, 50, 60, -70, 80, 9, 9, 9, 9];
    const model = writeTflite({
      tensors: [
        bytes('x', [1, 4]),
        tensor('signed', {}),
        tensor('w', { shape: [3, 4], zeroPoints: [0], data: weights }),
        tensor('b', { type: 'int32', shape: [1, 3], scales: [0.0025], zeroPoints: [0], data: [100, -50, 0] }),
        tensor('logits', { shape: [1, 3] }),
        bytes('y', [1, 3]),
      ],
      nodes: [between('x', 'signed'), { ...DENSE, inputs: ['signed', 'w', 'b'] }, between('logits', 'y')],
      inputs: ['x'],
      outputs: ['y'],
    });
    writeFileSync(at('bytes.tflite'), model);
    // With the zero point -3 of `signed`, these are 13, -17, 130 and -125 steps.
    writeFileSync(
      at('bytes.npy'),
      encodeNpyOf('uint8', { shape: [1, 4], data: Float64Array.of(138, 108, 255, 0) }),
    );
    const flags = ['-i', at('bytes.npy'), '-o', at('bytes-out.npy'), '--json'];
    const { code, stdout } = cipherconv(['run', at('bytes.tflite'), ...flags]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { match: true, layers: [{ name: 'logits' }] }]);
    const file = readFileSync(at('bytes-out.npy'));
    expect(file.toString('latin1')).toContain("'descr': '|u1'");
    // (13 + 34 + 390 + 500 + 100) 0.05 = 51.85; far below; 9 * 1 * 0.05 = 0.45.
    expect([...decodeNpyNumbers(file, 'out').data]).toEqual([177, 0, 125]);
  });
});

describe('the two files of a model', () => {
  it('run tells that outputs are not compared; infer against a server writes what run writes', async () => {
    const [server, client] = [at('server.plan'), at('client.plan')];
    expect(cipherconv(['-q', 'compile', MODEL, '-o', server, '--client-plan', client]).code).toBe(0);
    const run = cipherconv(['run', server, '-i', INPUT, '-o', at('run.npy')]);
    expect([run.code, run.stdout]).toEqual([
      0,
      expect.stringMatching(/^outputs +not compared: the two files/m),
    ]);
    expect(run.stdout).not.toContain('statistic');
    const serving = await servingProcess([server]);
    try {
      const flags = ['--plan', client, '--server', serving.url, '-i', INPUT, '-o', at('infer.npy')];
      expect(cipherconv(['-q', 'infer', ...flags])).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await serving.kill('SIGTERM');
    }
    expect(readFileSync(at('infer.npy'))).toEqual(readFileSync(at('run.npy')));
    expect([...decodeNpyNumbers(readFileSync(at('infer.npy')), 'y').data]).toEqual(await expected('double'));
  });
});

describe('refusals: exit 2, nothing written', () => {
  it.each([
    ['flags of ONNX models', ['compile', MODEL, '--extent', 'n=1'], /--extent has no effect here/],
    [
      'the rounding of a plan',
      ['run', PLAN, '-i', INPUT, '--tflite-rounding', 'single'],
      /has no effect here/,
    ],
    ['a rounding that is none', ['compile', MODEL, '--tflite-rounding', 'up'], /Allowed choices/],
    ['a file that is cut off', ['compile', at('cut.tflite')], /not a TFLite model, or cut off/],
    ['inputs of another shape', ['run', MODEL, '-i', at('wrong.npy')], /another shape/],
  ])('%s', (_, args, text) => {
    writeFileSync(at('cut.tflite'), BYTES.subarray(0, 200));
    writeFileSync(at('wrong.npy'), encodeNpyOf('int8', { shape: [1, 3], data: X.data.subarray(0, 3) }));
    const before = namesIn(folder);
    const { code, stderr } = cipherconv([...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(text);
    expect(namesIn(folder)).toEqual(before);
  });
});
