/** com.microsoft QGemm, encrypted, against onnxruntime. */
import { describe, expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { encodeModel, float, int, node, reasonOf, scalar, tensor, value } from '../frontend/onnx/models.ts';
import type { Attribute, Graph } from '../frontend/onnx/models.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { integers } from '../support/onnx/networks/dynamic.ts';

interface Gemm {
  readonly attributes?: readonly Attribute[];
  readonly left?: readonly number[];
  readonly right?: readonly number[];
  readonly scales?: readonly number[];
  readonly bias?: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly output?: 'uint8' | 'float32';
}

const SHAPE = { left: [3, 4], right: [4, 5] };

function gemm(change: Gemm): Graph {
  const {
    attributes = [],
    left = SHAPE.left,
    right = SHAPE.right,
    scales = [0.02],
    output = 'uint8',
  } = change;
  const list = scales.length === 1 ? [] : [scales.length];
  const { bias } = change;
  return {
    domains: ['com.microsoft'],
    nodes: [
      node(
        'QGemm',
        [
          'x',
          'sa',
          'za',
          'b',
          'sb',
          'zb',
          bias === undefined ? '' : 'c',
          ...(output === 'float32' ? [] : ['sy', 'zy']),
        ],
        ['y'],
        attributes,
        { domain: 'com.microsoft' },
      ),
    ],
    initializers: [
      scalar('sa', 'float32', 0.05),
      scalar('za', 'uint8', 120),
      tensor('b', 'int8', right, integers(20, -128, 127)),
      tensor('sb', 'float32', list, scales),
      tensor(
        'zb',
        'int8',
        list,
        scales.map((_, index) => index),
      ),
      ...(bias === undefined ? [] : [tensor('c', 'int32', bias.shape, bias.values)]),
      ...(output === 'float32' ? [] : [scalar('sy', 'float32', 0.3), scalar('zy', output, 7)]),
    ],
    inputs: [value('x', 'uint8', left)],
    outputs: [value('y', output, [3, 5])],
  };
}

const VALUES = [100, -2000, 3, 40_000, -7];
const PER_COLUMN = [0.02, 0.01, 0.5, 0.003, 0.07];

describe('QGemm', () => {
  it.each<[string, Gemm]>([
    ['plain', {}],
    ['per column, with C', { scales: PER_COLUMN, bias: { shape: [5], values: VALUES } }],
    ['C of one row', { bias: { shape: [1, 5], values: VALUES } }],
    ['alpha', { attributes: [float('alpha', 0.3)], bias: { shape: [5], values: VALUES } }],
    ['B transposed', { attributes: [int('transB', 1)], right: [5, 4] }],
    ['A transposed', { attributes: [int('transA', 1)], left: [4, 3] }],
    ['floats out', { output: 'float32', bias: { shape: [5], values: VALUES } }],
    ['floats out, alpha', { output: 'float32', attributes: [float('alpha', 0.3)], scales: PER_COLUMN }],
  ])('%s', async (_, change) => {
    const { left = SHAPE.left, output = 'uint8' } = change;
    const bytes = encodeModel(gemm(change));
    const data = integers(12, 0, 255, 3);
    const plan = compileModel(importModel(bytes));
    const result = await runModel(plan, new Map([['x', typedTensor('uint8', left, data, 'x')]]));
    expect(result.report).toMatchObject({ match: true, layers: [{ name: 'y' }] });
    const own = Array.from(result.outputs.get('y')?.data ?? [], Number);
    const runtime = await runInOnnxruntime(bytes, [{ name: 'x', type: 'uint8', shape: left, data }]);
    const expected = runtime.get('y')?.data ?? [];
    expect(own).toHaveLength(15);
    // Integers are equal; floats are rounded once more or less on the way.
    const largest = Math.max(...own.map((one, index) => Math.abs(one - expected[index]!)));
    expect(largest).toBeLessThanOrEqual(output === 'float32' ? 1e-4 : 0);
  });

  it('is left in the clear, for its reason, where C varies over rows or alpha is negative', () => {
    const rows = gemm({ bias: { shape: [3, 5], values: integers(15, 0, 9) } });
    expect(reasonOf(rows)).toContain('a bias that varies over rows');
    expect(reasonOf(gemm({ attributes: [float('alpha', -1)] }))).toContain('not positive and finite');
  });
});
