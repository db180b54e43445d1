/** FINN's networks: thresholds in place of scales, weights that are whole numbers. */
import { expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { encodeModel, float, imported, node, tensor, text, value } from '../frontend/onnx/models.ts';
import type { Attribute, Graph } from '../frontend/onnx/models.ts';

const domain = 'qonnx.custom_op.general';

/** x to thresholds, to a dense layer of weights 1, -2, 3. */
function graph(attributes: readonly Attribute[], rows: 1 | 3 = 3): Graph {
  const thresholds = [-0.5, 0.5, 1.5, 0, 1, 2, 10, 20, 30];
  return {
    domains: [domain],
    nodes: [
      node('MultiThreshold', ['x', 't'], ['q'], [text('out_dtype', 'INT3'), ...attributes], { domain }),
      node('MatMul', ['q', 'w'], ['y']),
    ],
    initializers: [
      tensor('t', 'float32', [rows, 3], thresholds.slice(0, rows * 3)),
      tensor('w', 'float32', [3, 1], [1, -2, 3]),
    ],
    inputs: [value('x', 'float32', [2, 3])],
    outputs: [value('y', 'float32', [2, 1])],
  };
}

async function run(from: Graph): Promise<readonly number[]> {
  const data = [0.5, -1, 25, 9, 1, 9.5];
  const plan = compileModel(importModel(encodeModel(from)));
  const result = await runModel(plan, new Map([['x', typedTensor('float32', [2, 3], data, 'x')]]));
  expect(result.report).toMatchObject({ match: true, layers: [{ name: 'y' }] });
  return Array.from(result.outputs.get('y')?.data ?? [], Number);
}

it('counts the thresholds that a value reaches, each channel its own', async () => {
  // Counts 2, 0, 2 and 3, 2, 0.
  expect(await run(graph([]))).toEqual([2 + 6, 3 - 4]);
});

it('one row for all channels', async () => {
  // Counts 2, 0, 3 and 3, 2, 3.
  expect(await run(graph([], 1))).toEqual([2 + 9, 3 - 4 + 9]);
});

it('a whole scale and bias make whole numbers: bipolar ones, for instance', async () => {
  const bipolar = graph([float('out_scale', 2), float('out_bias', -3)]);
  expect(imported(bipolar).layers[0]?.spec.input.range).toEqual({ lo: -3, hi: 3 });
  expect(await run(bipolar)).toEqual([1 * 1 - 2 * -3 + 3 * 1, 3 - 2 - 9]);
});

it('a scale of a fraction is one of the layer', async () => {
  const scaled = graph([float('out_scale', 0.25), float('out_bias', -0.5)]);
  const [layer] = imported(scaled).layers;
  expect(layer?.spec.input).toMatchObject({ range: { lo: 0, hi: 3 }, zeroPoint: 2 });
  expect(layer?.input).toMatchObject({ kind: 'scaled', scale: 0.25 });
  expect(await run(scaled)).toEqual([0 - 2 * -0.5 + 0, 0.25 - 0 - 1.5]);
});

it('a bias between two steps leaves the layer in the clear', () => {
  const { unsupported } = imported({
    ...graph([float('out_scale', 0.25), float('out_bias', 0.1)]),
    nodes: [
      ...graph([float('out_scale', 0.25), float('out_bias', 0.1)]).nodes,
      node('MatMulInteger', ['a', 'b'], ['c']),
    ],
    inputs: [value('x', 'float32', [2, 3]), value('a', 'uint8', [1, 1]), value('b', 'uint8', [1, 1])],
  });
  expect(unsupported[0]?.reason).toContain('"q" is not quantized');
});
