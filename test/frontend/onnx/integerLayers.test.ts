import { fc, runs } from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../../compiler/base/tensor.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import {
  expectRefusal,
  imported,
  int,
  ints,
  node,
  onlyLayer,
  reasonOf,
  scalar,
  tensor,
  text,
  value,
} from './models.ts';
import type { Graph } from './models.ts';

describe('integer operators', () => {
  it('ConvInteger: attributes, zero points, int32 accumulator', () => {
    const layer = onlyLayer({
      nodes: [
        node(
          'ConvInteger',
          ['x', 'w', 'zx', 'zw'],
          ['y'],
          [
            ints('strides', [2, 1]),
            ints('pads', [1, 2, 0, 3]),
            ints('dilations', [1, 2]),
            int('group', 2),
            ints('kernel_shape', [2, 2]),
          ],
        ),
      ],
      initializers: [
        tensor(
          'w',
          'uint8',
          [4, 1, 2, 2],
          Array.from({ length: 16 }, (_, index) => index),
        ),
        scalar('zx', 'uint8', 7),
        tensor('zw', 'uint8', [4], [1, 2, 3, 4]),
      ],
      inputs: [value('x', 'uint8', [1, 2, 5, 6])],
      outputs: [value('y', 'int32', [1, 4, 3, 9])],
    });
    expect(layer.spec).toMatchObject({
      name: 'y',
      input: {
        batch: 1,
        channels: 2,
        height: 5,
        width: 6,
        bits: 8,
        signed: false,
        zeroPoint: 7,
        range: { lo: 0, hi: 255 },
      },
      weights: { outChannels: 4, channelsPerGroup: 1, bits: 8, signed: false, zeroPoints: [1, 2, 3, 4] },
      strides: [2, 1],
      pads: [1, 2, 0, 3],
      dilations: [1, 2],
      group: 2,
      bias: [0, 0, 0, 0],
      accumulator: { bits: 32, signed: true },
    });
    expect(layer).toMatchObject({
      input: { tensor: 'x', kind: 'integer', type: 'uint8', scale: null, permutation: null },
      weightScales: null,
      output: { kind: 'accumulator', tensor: 'y', type: 'int32', shape: [1, 4, 3, 9], permutation: null },
    });
  });

  it.each([
    ['SAME_UPPER', [0, 0, 1, 1]],
    ['SAME_LOWER', [1, 1, 0, 0]],
    ['VALID', [0, 0, 0, 0]],
  ])('auto_pad %s', (autoPad, pads) => {
    const layer = onlyLayer({
      nodes: [node('ConvInteger', ['x', 'w'], ['y'], [text('auto_pad', autoPad)])],
      initializers: [tensor('w', 'int8', [1, 1, 2, 2], [1, 2, 3, 4])],
      inputs: [value('x', 'int8', [1, 1, 4, 4])],
    });
    expect(layer.spec.pads).toEqual(pads);
    expect(layer.spec.input).toMatchObject({ signed: true, range: { lo: -128, hi: 127 } });
  });

  it('1-D convolutions have height 1; 4-D ones are refused', () => {
    const graph = (rank: number): Graph => ({
      nodes: [node('ConvInteger', ['x', 'w'], ['y'], [ints('pads', new Array<number>(2 * rank).fill(1))])],
      initializers: [
        tensor('w', 'int8', [1, 1, ...new Array<number>(rank).fill(3)], new Array<number>(3 ** rank).fill(2)),
      ],
      inputs: [value('x', 'uint8', [2, 1, ...new Array<number>(rank).fill(6)])],
    });
    const { spec, output } = onlyLayer(graph(1));
    expect(spec).toMatchObject({
      input: { batch: 2, height: 1, width: 6 },
      weights: { kernelHeight: 1, kernelWidth: 3 },
      pads: [0, 1, 0, 1],
    });
    expect(output.shape).toEqual([2, 1, 6]);
    expect(reasonOf(graph(4))).toContain('4 spatial axes');
  });

  it('matrix products equal their convolutions, whichever operand is constant', () => {
    const extent = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(
        fc.record({ m: extent, k: extent, n: extent, b: extent, left: fc.boolean() }),
        ({ m, k, n, b, left }) => {
          const [constant, running] = left
            ? [
                [m, k],
                [b, k, n],
              ]
            : [
                [k, n],
                [b, m, k],
              ];
          const count = (shape: readonly number[]): number =>
            shape.reduce((product, size) => product * size, 1);
          const w = Array.from({ length: count(constant) }, (_, index) => ((index * 37 + 11) % 201) - 100);
          const x = Array.from({ length: count(running) }, (_, index) => (index * 53 + 7) % 256);
          const inputs = left ? ['w', 'x', '', 'z'] : ['x', 'w', 'z'];
          const layer = onlyLayer({
            nodes: [node('MatMulInteger', inputs, ['y'])],
            initializers: [tensor('w', 'int8', constant, w), scalar('z', 'uint8', 3)],
            inputs: [value('x', 'uint8', running)],
          });
          const { input } = layer.spec;
          const result = convolve(
            layer.spec,
            makeTensor([input.batch, input.channels, input.height, input.width], x),
          );
          const expected: number[] = [];
          for (let image = 0; image < b; image++)
            for (let row = 0; row < m; row++)
              for (let column = 0; column < n; column++) {
                let sum = 0;
                for (let inner = 0; inner < k; inner++) {
                  const [weight, pixel] = left
                    ? [w[row * k + inner]!, x[(image * k + inner) * n + column]!]
                    : [w[inner * n + column]!, x[(image * m + row) * k + inner]!];
                  sum += weight * (pixel - 3);
                }
                expected.push(sum);
              }
          expect(Array.from(result.data)).toEqual(expected);
          expect(layer.output.shape).toEqual([b, m, n]);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it('QLinearConv: requantization per channel, in float32', () => {
    const scales = [0.1, 0.2, 0.3].map(Math.fround);
    const layer = onlyLayer({
      nodes: [node('QLinearConv', ['x', 'sx', 'zx', 'w', 'sw', 'zw', 'sy', 'zy', 'b'], ['y'])],
      initializers: [
        scalar('sx', 'float32', 0.7),
        scalar('zx', 'uint8', 5),
        tensor('w', 'int8', [3, 1, 1, 1], [1, 2, 3]),
        tensor('sw', 'float32', [3], scales),
        tensor('zw', 'int8', [3], [0, 0, 0]),
        scalar('sy', 'float32', 0.9),
        scalar('zy', 'int8', -3),
        tensor('b', 'int32', [3], [100, -200, 300]),
      ],
      inputs: [value('x', 'uint8', [1, 1, 2, 2])],
    });
    expect(layer.spec.bias).toEqual([100, -200, 300]);
    expect(layer.input.scale).toBe(Math.fround(0.7));
    expect(layer.weightScales).toEqual(scales);
    const product = (scale: number): number => Math.fround(Math.fround(0.7) * scale);
    expect(layer.output).toMatchObject({
      kind: 'requantized',
      type: 'int8',
      requantization: {
        kind: 'qlinear',
        scale: scales.map((scale) => Math.fround(product(scale) / Math.fround(0.9))),
        outputZeroPoint: -3,
        clamp: { lo: -128, hi: 127 },
      },
    });
  });
});

describe('graph inputs', () => {
  const graph: Graph = {
    nodes: [node('ConvInteger', ['x', 'w', 'z'], ['y'])],
    inputs: [value('x', 'uint8', [1, 1, 3, 3]), value('w', 'int8', [2, 1, 2, 2]), value('z', 'uint8', [])],
  };
  const w = { type: 'int8', shape: [2, 1, 2, 2], data: Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8) } as const;
  const z = { type: 'uint8', shape: [], data: Uint8Array.of(1) } as const;

  it('an initializer wins over an input of the same name', () => {
    const initializers = [tensor('w', 'int8', [2, 1, 2, 2], Array.from(w.data)), scalar('z', 'uint8', 1)];
    const model = imported({ ...graph, initializers });
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(model.layers[0]!.spec.weights.values).toEqual(Array.from(w.data));
  });

  it('weights that are inputs are open, and bound they are constant', () => {
    expect(imported(graph).openLayers).toMatchObject([
      {
        open: ['w', 'z'],
        taps: 4,
        outputChannels: 2,
        inputRange: { lo: -255, hi: 255 },
        weightRange: { lo: -128, hi: 127 },
      },
    ]);
    const bound = imported(graph, {
      bind: new Map<string, typeof w | typeof z>([
        ['w', w],
        ['z', z],
      ]),
    });
    expect(bound.layers[0]!.spec).toMatchObject({
      weights: { values: Array.from(w.data) },
      input: { zeroPoint: 1 },
    });
    expect(bound.openLayers).toEqual([]);
  });

  it('refuses bindings that do not fit', () => {
    expectRefusal(() => imported(graph, { bind: new Map([['ww', w]]) }), 'usage', 'did you mean "w"?');
    expectRefusal(() => imported(graph, { bind: new Map([['z', w]]) }), 'shape-mismatch', 'uint8 []');
    const quantization = { bits: 8, signed: false, scale: 1, zeroPoint: 0 };
    expectRefusal(
      () => imported(graph, { inputQuantization: new Map([['x', quantization]]) }),
      'out-of-range',
      'integers already',
    );
  });
});
