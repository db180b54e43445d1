/** Dynamic quantization end to end: scale and zero point are known at run time only. */
import { describe, expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import type { ModelRunResult } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { DynamicWriter, dynamicLeNet, integers } from '../support/onnx/networks/dynamic.ts';
import type { DynamicWeights } from '../support/onnx/networks/dynamic.ts';

/** Encrypted, and beside it the model as it was written, in onnxruntime. */
async function both(
  bytes: Uint8Array,
  shape: readonly number[],
  lo = -90,
): Promise<{ readonly result: ModelRunResult; readonly runtime: readonly number[] }> {
  const data = integers(
    shape.reduce((product, extent) => product * extent, 1),
    lo,
    200,
    7,
  ).map((value) => value / 32);
  const plan = compileModel(importModel(bytes));
  const result = await runModel(plan, new Map([['x', typedTensor('float32', shape, data, 'x')]]));
  const outputs = await runInOnnxruntime(bytes, [{ name: 'x', type: 'float32', shape, data }]);
  return { result, runtime: [...outputs.values()][0]!.data };
}

/** The largest difference, as a part of the largest value. */
function difference(result: ModelRunResult, runtime: readonly number[]): number {
  const own = Array.from([...result.outputs.values()][0]!.data, Number);
  expect(own).toHaveLength(runtime.length);
  const largest = Math.max(...runtime.map(Math.abs));
  return Math.max(...own.map((value, index) => Math.abs(value - runtime[index]!))) / largest;
}

const MATRIX: DynamicWeights = { type: 'int8', shape: [6, 5], zeroPoints: [0], scales: [0.5] };
const PER_COLUMN: DynamicWeights = {
  type: 'uint8',
  shape: [6, 5],
  zeroPoints: [128, 0, 255, 7, 130],
  scales: [0.5, 0.25, 1, 2, 0.125],
};

describe('dynamic quantization', () => {
  it('convolves what the client took the zero point off: nine signed bits, zero point 0', () => {
    const model = importModel(dynamicLeNet());
    expect(model.unsupported).toEqual([]);
    expect(model.layers.map(({ op }) => op)).toEqual([
      'ConvInteger',
      'ConvInteger',
      'MatMulInteger',
      'MatMulInteger',
    ]);
    for (const { spec, input } of model.layers) {
      expect(spec.input).toMatchObject({ bits: 9, signed: true, zeroPoint: 0, range: { lo: -255, hi: 255 } });
      expect([input.kind, input.type, input.scale]).toEqual(['integer', 'int32', null]);
    }
  });

  it('runs a LeNet whole, all layers encrypted, with outputs that are those of onnxruntime', async () => {
    const { result, runtime } = await both(dynamicLeNet(), [1, 1, 12, 12]);
    expect(result.report.match).toBe(true);
    expect(result.report.layers).toHaveLength(4);
    expect(difference(result, runtime)).toBe(0);
  });

  it('pads with the zero point, wherever it lies', async () => {
    const net = new DynamicWriter();
    const weights: DynamicWeights = {
      type: 'uint8',
      shape: [2, 1, 3, 3],
      zeroPoints: [9],
      scales: [1],
    };
    const y = net.layer('ConvInteger', 'x', weights, { pads: { ints: [2, 1, 2, 1] } });
    // From -90 the zero point is about 79; from 0 it is 0.
    for (const lo of [-90, 0]) {
      const { result, runtime } = await both(net.encode([1, 1, 5, 5], y), [1, 1, 5, 5], lo);
      expect(result.report.match).toBe(true);
      expect(difference(result, runtime)).toBe(0);
    }
  });

  it.each([
    ['int8, one scale', MATRIX],
    ['uint8, scales and zero points per column', PER_COLUMN],
  ])('writes DynamicQuantizeMatMul out (%s)', async (_, parts) => {
    const net = new DynamicWriter();
    const bias = net.constant('float32', [5], [1, -2, 3, 0.5, 100]);
    const [y = ''] = net.wide(
      'DynamicQuantizeMatMul',
      ['x', ...net.weights(parts), bias],
      1,
      'com.microsoft',
    );
    const { result, runtime } = await both(net.encode([3, 6], y), [3, 6]);
    expect(result.report).toMatchObject({ match: true, layers: [{ name: y }] });
    expect(difference(result, runtime)).toBeLessThan(1e-6);
  });

  it('writes MatMulIntegerToFloat out, without zero point of the weights and without bias', async () => {
    const net = new DynamicWriter();
    const [q = '', scale = '', zero = ''] = net.wide('DynamicQuantizeLinear', ['x'], 3);
    const [w, weightScale] = net.weights(MATRIX);
    const inputs = [q, w, scale, weightScale, zero];
    const [y = ''] = net.wide('MatMulIntegerToFloat', inputs, 1, 'com.microsoft');
    const { result, runtime } = await both(net.encode([2, 4, 6], y), [2, 4, 6]);
    expect(result.report).toMatchObject({ match: true, layers: [{ name: y }] });
    expect(difference(result, runtime)).toBeLessThan(1e-6);
  });

  it('takes the zero point off once for several products of one input', () => {
    const net = new DynamicWriter();
    const [q = '', , zero = ''] = net.wide('DynamicQuantizeLinear', ['x'], 3);
    const products = [0, 1].map(() => net.node('MatMulInteger', [q, net.weights(MATRIX)[0], zero]));
    const model = importModel(net.encode([2, 6], net.node('Add', products)));
    expect(new Set(model.layers.map(({ input }) => input.tensor)).size).toBe(1);
    expect(model.layers).toHaveLength(2);
  });

  it('takes a dynamic operand on the right too', async () => {
    const net = new DynamicWriter();
    const [q = '', , zero = ''] = net.wide('DynamicQuantizeLinear', ['x'], 3);
    const [w] = net.weights({ ...MATRIX, type: 'uint8', shape: [3, 6] });
    const y = net.node('Cast', [net.node('MatMulInteger', [w, q, '', zero])], { to: { int: 1 } });
    const { result, runtime } = await both(net.encode([2, 6, 4], y), [2, 6, 4]);
    expect(result.report).toMatchObject({ match: true });
    expect(difference(result, runtime)).toBe(0);
  });

  it('says so where a zero point of run time belongs to each row', () => {
    const net = new DynamicWriter();
    const [q = ''] = net.wide('DynamicQuantizeLinear', ['x'], 3);
    const zeros = net.node('Squeeze', [net.node('ReduceMin', [q], { axes: { ints: [1] } })]);
    const good = net.layer('MatMulInteger', 'x', MATRIX);
    const y = net.node('Cast', [net.node('MatMulInteger', [q, net.weights(MATRIX)[0], zeros])], {
      to: { int: 1 },
    });
    const model = importModel(net.encode([2, 6], net.node('Add', [good, y])));
    expect(model.layers).toHaveLength(1);
    expect(model.unsupported[0]?.reason).toContain('zero point is computed at run time');
  });
});
