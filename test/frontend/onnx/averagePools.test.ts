/** Average pools as layers, in the clear, against onnxruntime's run of the node. */
import { describe, expect, it } from 'vitest';
import { convolve } from '../../../runtime/clear/loops.ts';
import { runInOnnxruntime } from '../../support/onnx/onnxruntime.ts';
import { encodeModel, imported, int, ints, node, scalar, tensor, value } from './models.ts';
import type { Attribute, Graph } from './models.ts';

describe('average pools as layers', () => {
  const pool = (op: string, attributes: readonly Attribute[]): Graph => ({
    nodes: [
      node('DequantizeLinear', ['x', 's', 'z'], ['fx']),
      node(op, ['fx'], ['fy'], attributes),
      node('Conv', ['fx', 'fw'], ['other']),
      node('DequantizeLinear', ['w', 's'], ['fw']),
    ],
    initializers: [
      scalar('s', 'float32', 0.5),
      scalar('z', 'uint8', 7),
      tensor('w', 'int8', [1, 2, 1, 1], [1, 1]),
    ],
    inputs: [value('x', 'uint8', [1, 2, 4, 4])],
    outputs: [value('fy', 'float32', [1, 2, 'h', 'w'])],
  });
  const window = [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])];
  const poolsOf = (op: string, attributes: readonly Attribute[] = []): ReturnType<typeof imported> =>
    imported(pool(op, attributes), { averagePools: 'encrypted' });

  it('only where that is asked for', () => {
    expect(imported(pool('AveragePool', window)).layers.map(({ op }) => op)).toEqual(['Conv']);
    expect(poolsOf('AveragePool', window).layers.map(({ op }) => op)).toEqual(['AveragePool', 'Conv']);
  });

  it.each([
    ['AveragePool', window],
    ['GlobalAveragePool', []],
    ['AveragePool', [ints('kernel_shape', [4, 4]), ints('pads', [1, 2, 1, 0]), int('count_include_pad', 1)]],
  ] as const)('%s is its sums, scaled: equal to onnxruntime', async (op, attributes) => {
    const { layers } = poolsOf(op, attributes);
    const { spec, output } = layers.find((layer) => layer.op === op)!;
    const data = Array.from({ length: 32 }, (_, index) => (index * 97) % 256);
    const sums = convolve(spec, { shape: [1, 2, 4, 4], data: Float64Array.from(data) });
    if (output.kind !== 'scaled') throw new Error(output.kind);
    const floats = Array.from(sums.data, (sum) => sum * output.scales[0]!);
    const feed = { name: 'x', type: 'uint8', shape: [1, 2, 4, 4], data } as const;
    const bytes = encodeModel(pool(op, attributes));
    expect(floats).toEqual((await runInOnnxruntime(bytes, [feed], 'disabled')).get('fy')!.data);
  });

  it.each([
    ['count fewer elements', [...window, ints('pads', [1, 1, 1, 1])]],
    ['reach past the padding', [ints('kernel_shape', [3, 3]), ints('strides', [2, 2]), int('ceil_mode', 1)]],
  ] as const)('not where windows %s', (reason, attributes) => {
    expect(poolsOf('AveragePool', attributes).unsupported[0]?.reason).toContain(reason);
  });
});
