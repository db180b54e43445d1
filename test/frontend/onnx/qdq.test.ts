import { describe, expect, it } from 'vitest';
import type { ImportedLayer, LayerOutput } from '../../../src/frontend/imported/types.ts';
import { imported, int, node, onlyLayer, reasonOf, scalar, tensor, value } from './models.ts';
import type { Graph } from './models.ts';

type Scaled = Extract<LayerOutput, { kind: 'scaled' }>;
const scaledOutput = ({ output }: ImportedLayer): Scaled => {
  expect(output.kind).toBe('scaled');
  return output as Scaled;
};

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
        requantization: { scale: [1, 1], outputZeroPoint: 0, clamp: { lo: 0, hi: 255 } },
      });
    }
  });

  it('takes a bias of another scale into the sum where it is whole there, and adds fractions in floats', () => {
    const after = [quantize('y')];
    const twice = onlyLayer(qdq({ after, bias: { values: [8, -16], scale: 0.25 } }));
    expect(scaledOutput(twice)).toMatchObject({ bias: null, requantized: { tensor: 'yq' } });
    const graph = qdq({ after });
    const nodes = graph.nodes.map((one) =>
      one.opType === 'Conv' ? node('Conv', ['xf', 'wf', 'fb'], ['y']) : one,
    );
    const bias = tensor('fb', 'float32', [2], [0.125 * 2.5, 0.125 * -3.25]);
    const layer = onlyLayer({ ...graph, nodes, initializers: [...(graph.initializers ?? []), bias] });
    expect(layer.spec.bias).toEqual([0, 0]);
    expect(scaledOutput(layer)).toMatchObject({ bias: [0.3125, -0.40625], requantized: null });
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

  it('float weights between QuantizeLinear and DequantizeLinear, per channel and with ties to even', () => {
    const graph = qdq({});
    const nodes = graph.nodes.flatMap((one) =>
      one.output?.[0] !== 'wf'
        ? [one]
        : [
            node('QuantizeLinear', ['v', 'sv', 'zv'], ['vq'], [int('axis', 0)]),
            node('DequantizeLinear', ['vq', 'sv', 'zv'], ['wf'], [int('axis', 0)]),
          ],
    );
    const initializers = [
      ...(graph.initializers ?? []),
      tensor('v', 'float32', [2, 1, 1, 1], [1.25, -50]),
      tensor('sv', 'float32', [2], [0.5, 0.25]),
      tensor('zv', 'int8', [2], [1, -3]),
    ];
    const layer = onlyLayer({ ...graph, nodes, initializers });
    // 1.25 / 0.5 = 2.5 -> 2, plus 1; -200 - 3 saturates.
    expect(layer.spec.weights).toMatchObject({
      values: [3, -128],
      zeroPoints: [1, -3],
      bits: 8,
      signed: true,
    });
    expect(layer.weightScales).toEqual([0.5, 0.25]);
  });

  it('says why a layer is none', () => {
    const { inputs, ...shapeless } = qdq({});
    expect(inputs).toHaveLength(1);
    expect(reasonOf({ ...shapeless, inputs: [value('x', 'float32', [1, 1, 'h', 'w'])] })).toContain(
      'say --extent h=SIZE --extent w=SIZE',
    );
  });

  it('takes 1 for a symbolic batch, or what it is told', () => {
    const graph = { ...qdq({}), inputs: [value('x', 'float32', ['N', 1, 2, 'w'])] };
    const model = imported(graph, { extents: new Map([['w', 5]]) });
    expect(model.layers[0]!.spec.input).toMatchObject({ batch: 1, width: 5 });
    expect(Object.fromEntries(model.assumed)).toEqual({ N: 1, w: 5 });
  });
});
