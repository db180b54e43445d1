import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { encodeNpyFloats } from '../../src/frontend/npy.ts';
import { quantizeModel } from '../../src/quantize/quantizeModel.ts';
import type { QuantizeModelOptions } from '../../src/quantize/quantizeModel.ts';
import { RangeCollector } from '../../src/quantize/calibrate.ts';
import { cipherconv, namesIn, temporaryFolder } from '../cli/spawnCli.ts';
import { floatModel, floatSamples } from './floatModel.ts';

const folder = temporaryFolder();
const path = (name: string): string => join(folder, name);
const SAMPLES = floatSamples(40);
const OPTIONS: QuantizeModelOptions = {
  file: 'float.onnx',
  folder: null,
  bits: { weights: 8, input: 8 },
  ranges: { kind: 'min-max' },
  accumulatorBits: null,
  onProgress: () => undefined,
};

async function refusal(work: Promise<unknown>): Promise<CipherconvError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof CipherconvError) return error;
  throw new Error(`not refused: ${String(error)}`);
}

describe('a float model', () => {
  it('in 8 bits gives nearly the same outputs, and every layer is one that can be encrypted', async () => {
    const { model, report } = await quantizeModel(floatModel(), SAMPLES, OPTIONS);
    expect(report.left).toEqual([]);
    expect(
      report.layers.map(({ name, op, weightBits, inputBits }) => [name, op, weightBits, inputBits]),
    ).toEqual([
      ['first', 'Conv', 8, 8],
      ['second', 'Gemm', 8, 8],
    ]);
    expect(report.accuracy.samples).toBe(40);
    expect(report.accuracy.sameTop1).toBeGreaterThanOrEqual(38);
    // A step of the input is 1/30 or so; nothing is far off.
    expect(report.accuracy.largestDifference).toBeLessThan(0.03 * report.accuracy.largestValue);
    expect(report.accuracy.largestDifference).toBeGreaterThan(0);
    const { layers } = await importOnnx(model);
    expect(layers.map(({ name }) => name)).toEqual(['first', 'second']);
  });

  it('in 4 bits: the integers have 4 bits, and it is further off', async () => {
    const eight = await quantizeModel(floatModel(), SAMPLES, OPTIONS);
    const { model, report } = await quantizeModel(floatModel(), SAMPLES, {
      ...OPTIONS,
      bits: { weights: 4, input: 4 },
    });
    expect(report.accuracy.largestDifference).toBeGreaterThan(2 * eight.report.accuracy.largestDifference);
    for (const { spec } of (await importOnnx(model)).layers) {
      expect(spec.input.range).toEqual({ lo: 0, hi: 15 });
      expect(Math.max(...spec.weights.values.map(Math.abs))).toBe(7);
    }
  });

  it('keeps every sum within the bits that are asked for, with no fewer than are needed', async () => {
    const free = await quantizeModel(floatModel(), SAMPLES, OPTIONS);
    const widths = free.report.layers.map(({ accumulatorBits }) => accumulatorBits);
    const wanted = Math.max(...widths) - 4;
    const { model, report } = await quantizeModel(floatModel(), SAMPLES, {
      ...OPTIONS,
      accumulatorBits: wanted,
    });
    report.layers.forEach(({ accumulatorBits, weightBits, inputBits }, index) => {
      expect(accumulatorBits).toBeLessThanOrEqual(wanted);
      if (widths[index]! <= wanted) expect([weightBits, inputBits]).toEqual([8, 8]);
      else expect(weightBits + inputBits).toBeLessThan(16);
    });
    expect((await importOnnx(model)).layers).toHaveLength(2);
    const never = await refusal(quantizeModel(floatModel(), SAMPLES, { ...OPTIONS, accumulatorBits: 4 }));
    expect([never.code, never.details.where]).toEqual(['overflow', expect.stringMatching(/first|second/)]);
  });

  it('takes samples for an open batch', async () => {
    const { report } = await quantizeModel(floatModel(13, 'n'), floatSamples(3), OPTIONS);
    expect(report.accuracy.samples).toBe(3);
  });

  it('raises older operator sets where no operator changed', async () => {
    const { report } = await quantizeModel(floatModel(8), SAMPLES, OPTIONS);
    const now = await quantizeModel(floatModel(), SAMPLES, OPTIONS);
    expect(report).toEqual(now.report);
  });

  it.each([
    ['an operator set that is too old', floatModel(6), SAMPLES, 'unsupported', 'convert_version(model, 13)'],
    ['a fixed batch', floatModel(13, 4), SAMPLES, 'shape-mismatch', 'for a batch of 4'],
    [
      'samples of another shape',
      floatModel(),
      { ...SAMPLES, shape: [40, 2, 4, 16] },
      'shape-mismatch',
      '[40, 2, 4, 16]',
    ],
    ['no model', Uint8Array.of(1, 2, 3), SAMPLES, 'malformed-model', 'float.onnx'],
  ])('refuses %s', async (_, model, samples, code, says) => {
    const error = await refusal(quantizeModel(model, samples, OPTIONS));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(says)]);
  });
});

describe('ranges', () => {
  const values = Float64Array.from({ length: 1000 }, (_, index) =>
    index === 7 ? 500 : index === 8 ? -400 : (index % 100) / 100,
  );
  it('min-max holds all, percentiles leave outliers out; both hold 0', () => {
    const all = new RangeCollector({ kind: 'min-max' });
    const most = new RangeCollector({ kind: 'percentile', percent: 99.5 });
    for (const collector of [all, most]) collector.add(values, 'x');
    expect(all.range()).toMatchObject({ lo: -400, hi: 500 });
    expect(most.range()).toMatchObject({ lo: 0, hi: 0.99 });
  });
});

it('quantize and run: from a float model to an encrypted run in two commands', () => {
  writeFileSync(path('float.onnx'), floatModel());
  writeFileSync(path('x.npy'), encodeNpyFloats(SAMPLES));
  writeFileSync(path('one.npy'), encodeNpyFloats({ shape: [1, 2, 8, 8], data: SAMPLES.data.slice(0, 128) }));
  const bad = cipherconv([
    'quantize',
    path('float.onnx'),
    '--calibration',
    path('x.npy'),
    '-o',
    path('x.npy'),
  ]);
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('are the same file')]);
  const done = cipherconv([
    'quantize',
    path('float.onnx'),
    '--calibration',
    path('x.npy'),
    '--bits',
    '6',
    '-o',
    path('q.onnx'),
  ]);
  expect([done.code, done.stdout]).toEqual([
    0,
    expect.stringMatching(/^first \(Conv\): weights of 6 bits, inputs of 6, sums of \d+ signed bits\nsecond/),
  ]);
  expect(namesIn(folder)).toEqual(['float.onnx', 'one.npy', 'q.onnx', 'x.npy']);
  expect(readFileSync(path('q.onnx')).length).toBeGreaterThan(1000);
  const run = cipherconv(['run', path('q.onnx'), '--input', path('one.npy')]);
  expect([run.code, run.stdout]).toEqual([0, expect.stringMatching(/first .*equal|equal: \d+ of \d+/s)]);
});
