import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTensor } from '../../../compiler/tensor.ts';
import { convolve } from '../../../runtime/clear/loops.ts';
import type { ImportedLayer, LayerOutput } from '../../../src/frontend/onnx/types.ts';
import { expectRefusal, imported, int, ints, node, scalar, tensor, text, value } from './models.ts';
import type { Graph } from './models.ts';

function onlyLayer(graph: Graph): ImportedLayer {
  const { layers, unsupported, openLayers } = imported(graph);
  expect([unsupported, openLayers]).toEqual([[], []]);
  expect(layers).toHaveLength(1);
  return layers[0]!;
}

function reasonOf(graph: Graph): string {
  const { layers, unsupported } = imported({
    ...graph,
    // A layer beside it, so that the model is not refused as a whole.
    nodes: [...graph.nodes, node('MatMulInteger', ['good_x', 'good_w'], ['good_y'])],
    inputs: [...(graph.inputs ?? []), value('good_x', 'uint8', [1, 1])],
    initializers: [...(graph.initializers ?? []), tensor('good_w', 'int8', [1, 1], [1])],
  });
  expect(layers.map(({ name }) => name)).toEqual(['good_y']);
  return unsupported.map(({ reason }) => reason).join();
}

type Scaled = Extract<LayerOutput, { kind: 'scaled' }>;
const scaledOutput = ({ output }: ImportedLayer): Scaled => {
  expect(output.kind).toBe('scaled');
  return output as Scaled;
};

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
      output: { kind: 'accumulator', tensor: 'y', type: 'int32', shape: [1, 4, 3, 9] },
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

  it('1-D convolutions have height 1; 3-D ones are refused', () => {
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
    expect(reasonOf(graph(3))).toContain('3 spatial axes');
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
      { numRuns: 100 },
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
      fused: true,
      requantization: {
        kind: 'qlinear',
        scale: scales.map((scale) => Math.fround(product(scale) / Math.fround(0.9))),
        outputZeroPoint: -3,
        clamp: { lo: -128, hi: 127 },
      },
    });
  });
});

/** QuantizeLinear(x) -> DequantizeLinear -> op(., DequantizeLinear(w)[, DequantizeLinear(b)]) -> y. */
function qdq(change: {
  readonly op?: string;
  readonly attributes?: Parameters<typeof node>[3];
  readonly x?: readonly number[];
  readonly w?: Parameters<typeof tensor>;
  readonly scales?: readonly number[];
  readonly axis?: number;
  readonly bias?: { readonly values: readonly number[]; readonly scale: number };
  readonly after?: Graph['nodes'];
  readonly outputs?: Graph['outputs'];
  readonly input?: 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint4' | 'int4';
}): Graph {
  const { scales = [0.25], input = 'uint8', bias } = change;
  const w = change.w ?? ['w', 'int8', [2, 1, 1, 1], [3, -4]];
  const shape = scales.length === 1 ? [] : [scales.length];
  return {
    opset: 21,
    nodes: [
      node('QuantizeLinear', ['x', 'sx', 'zx'], ['xq']),
      node('DequantizeLinear', ['xq', 'sx', 'zx'], ['xf']),
      node('DequantizeLinear', ['w', 'sw'], ['wf'], [int('axis', change.axis ?? 0)]),
      ...(bias === undefined ? [] : [node('DequantizeLinear', ['b', 'sb'], ['bf'])]),
      node(
        change.op ?? 'Conv',
        ['xf', 'wf', ...(bias === undefined ? [] : ['bf'])],
        ['y'],
        change.attributes ?? [],
      ),
      ...(change.after ?? []),
    ],
    initializers: [
      scalar('sx', 'float32', 0.5),
      scalar('zx', input, 2),
      tensor(...w),
      tensor('sw', 'float32', shape, scales),
      scalar('sy', 'float32', 0.125),
      scalar('zy', 'uint8', 0),
      scalar('z9', 'uint8', 9),
      ...(bias === undefined
        ? []
        : [tensor('b', 'int32', [bias.values.length], bias.values), scalar('sb', 'float32', bias.scale)]),
    ],
    inputs: [value('x', 'float32', change.x ?? [1, 1, 2, 2])],
    outputs: change.outputs ?? [],
  };
}

describe('QDQ', () => {
  it.each(['uint8', 'int8', 'uint16', 'int16', 'uint4', 'int4'] as const)('%s inputs', (input) => {
    const { spec, input: from, output } = onlyLayer(qdq({ input }));
    const bits = Number(/\d+/.exec(input)?.[0]);
    expect(spec.input).toMatchObject({ bits, signed: input.startsWith('int'), zeroPoint: 2 });
    expect(from).toMatchObject({ tensor: 'xq', kind: 'integer', type: input, scale: 0.5 });
    expect(output).toMatchObject({
      kind: 'scaled',
      tensor: 'y',
      scales: [0.125, 0.125],
      bias: null,
      requantized: null,
    });
    expect(spec.accumulator).toEqual(bits === 8 ? { bits: 32, signed: true } : null);
  });

  it.each([
    ['uint8', [200, 255]],
    ['int8', [-128, 127]],
    ['uint16', [65535, 1]],
    ['int16', [-32768, 32767]],
    ['uint4', [15, 0]],
    ['int4', [-8, 7]],
    ['uint2', [3, 0]],
    ['int2', [-2, 1]],
  ] as const)('%s weights', (type, values) => {
    const { weights } = onlyLayer(qdq({ w: ['w', type, [2, 1, 1, 1], values] })).spec;
    expect(weights).toMatchObject({
      values,
      bits: Number(/\d+/.exec(type)?.[0]),
      signed: type.startsWith('int'),
    });
  });

  it('scales per output channel; along other axes only where they are all the same', () => {
    expect(scaledOutput(onlyLayer(qdq({ scales: [0.25, 0.5] }))).scales).toEqual([0.125, 0.25]);
    const w: Parameters<typeof tensor> = ['w', 'int8', [1, 2, 1, 1], [3, -4]];
    const x = [1, 2, 2, 2];
    expect(reasonOf(qdq({ w, x, scales: [0.25, 0.5], axis: 1 }))).toContain('per input channel');
    expect(scaledOutput(onlyLayer(qdq({ w, x, scales: [0.25, 0.25], axis: 1 }))).scales).toEqual([0.125]);
  });

  it('Gemm in all four layouts', () => {
    for (const transA of [0, 1])
      for (const transB of [0, 1]) {
        const w: Parameters<typeof tensor> = [
          'w',
          'int8',
          transB === 1 ? [3, 2] : [2, 3],
          [1, 2, 3, 4, 5, 6],
        ];
        const { spec, input, output } = onlyLayer(
          qdq({
            op: 'Gemm',
            w,
            x: transA === 1 ? [2, 4] : [4, 2],
            attributes: [int('transA', transA), int('transB', transB)],
          }),
        );
        expect(spec.input).toMatchObject({ batch: 4, channels: 2, height: 1, width: 1 });
        expect(spec.weights.values).toEqual(transB === 1 ? [1, 2, 3, 4, 5, 6] : [1, 4, 2, 5, 3, 6]);
        expect(input.permutation).toEqual(transA === 1 ? [1, 0] : null);
        expect(output.shape).toEqual([4, 3]);
      }
  });

  it.each([
    ['of the accumulator', 0.125, [8, -16], null],
    ['twice as large: rescaled', 0.25, [16, -32], null],
    ['one unit in the last place off', 0.125 * (1 + 2 ** -23), [8, -16], null],
    ['half as large, and even: rescaled', 0.0625, [4, -8], null],
    [
      'a third: added in the clear',
      0.125 / 3,
      [0, 0],
      [Math.fround(8 * Math.fround(0.125 / 3)), Math.fround(-16 * Math.fround(0.125 / 3))],
    ],
  ])('a bias whose scale is %s', (_, scale, integers, remainder) => {
    const layer = onlyLayer(qdq({ bias: { values: [8, -16], scale } }));
    expect(layer.spec.bias).toEqual(integers);
    expect(scaledOutput(layer).bias).toEqual(remainder);
  });

  const quantize = (from: string, zero = 'zy'): Graph['nodes'][number] =>
    node('QuantizeLinear', [from, 'sy', zero], ['yq']);

  it('offers the quantized tensor that follows, past a Relu that changes nothing', () => {
    for (const after of [[quantize('y')], [node('Relu', ['y'], ['r']), quantize('r')]]) {
      expect(scaledOutput(onlyLayer(qdq({ after }))).requantized).toMatchObject({
        tensor: 'yq',
        type: 'uint8',
        fused: true,
        requantization: { scale: [1, 1], outputZeroPoint: 0, clamp: { lo: 0, hi: 255 } },
      });
    }
  });

  it.each<[string, Parameters<typeof qdq>[0]]>([
    ['a Relu matters', { after: [node('Relu', ['y'], ['r']), quantize('r', 'z9')] }],
    ['something else reads the floats', { after: [quantize('y'), node('Relu', ['y'], ['r'])] }],
    ['the floats are an output', { after: [quantize('y')], outputs: [value('y', 'float32', [1, 2, 2, 2])] }],
    ['the bias is a remainder', { after: [quantize('y')], bias: { values: [1, 1], scale: 0.01 } }],
    ['another operator stands between', { after: [node('Sigmoid', ['y'], ['r']), quantize('r')] }],
  ])('offers none where %s', (_, change) => {
    expect(scaledOutput(onlyLayer(qdq(change))).requantized).toBeNull();
  });

  it('fewer bits by a Clip between QuantizeLinear and DequantizeLinear', () => {
    const graph = qdq({});
    const nodes = [
      node('QuantizeLinear', ['x', 'sx', 'zx'], ['x8']),
      node('Clip', ['x8', 'lo', 'hi'], ['xq']),
      node('Clip', ['w', 'wlo', 'whi'], ['wc']),
      node('DequantizeLinear', ['wc', 'sw'], ['wf']),
      ...graph.nodes.filter(({ output }) => !['xq', 'wf'].includes(output?.[0] ?? '')),
    ];
    const initializers = [
      ...(graph.initializers ?? []),
      scalar('lo', 'uint8', 0),
      scalar('hi', 'uint8', 15),
      scalar('wlo', 'int8', -4),
      scalar('whi', 'int8', 3),
    ];
    const { spec } = onlyLayer({ ...graph, nodes, initializers });
    expect(spec.input).toMatchObject({ bits: 4, signed: false, range: { lo: 0, hi: 15 } });
    expect(spec.weights).toMatchObject({ bits: 3, signed: true, values: [3, -4] });
  });

  it('says why a layer is none', () => {
    const dynamic: Graph = {
      nodes: [
        node('DynamicQuantizeLinear', ['x'], ['xq', 'xs', 'xz']),
        node('ConvInteger', ['xq', 'w', 'xz'], ['y']),
      ],
      initializers: [tensor('w', 'int8', [1, 1, 1, 1], [1])],
      inputs: [value('x', 'float32', [1, 1, 2, 2])],
    };
    expect(reasonOf(dynamic)).toContain('computed at run time: quantize statically');
    const { inputs, ...shapeless } = qdq({});
    expect(inputs).toHaveLength(1);
    expect(reasonOf({ ...shapeless, inputs: [value('x', 'float32', [1, 1, 'h', 'w'])] })).toContain(
      'fixed shapes',
    );
    expect(
      reasonOf(
        qdq({
          op: 'Gemm',
          x: [1, 1],
          w: ['w', 'int8', [1, 1], [1]],
          attributes: [{ name: 'alpha', type: 1, f: 2 }],
        }),
      ),
    ).toContain('alpha 2');
  });

  it('takes 1 for a symbolic batch, or what it is told', () => {
    const graph = { ...qdq({}), inputs: [value('x', 'float32', ['N', 1, 2, 'w'])] };
    const model = imported(graph, { extents: new Map([['w', 5]]) });
    expect(model.layers[0]!.spec.input).toMatchObject({ batch: 1, width: 5 });
    expect(Object.fromEntries(model.assumed)).toEqual({ N: 1, w: 5 });
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
