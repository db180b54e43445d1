/** Scales and zero points as exporters write them, and the true reasons where they cannot be used. */
import { describe, expect, it } from 'vitest';
import { float, imported, int, node, onlyLayer, reasonOf, scalar, tensor, value } from './models.ts';
import type { Attribute, Graph, TensorInit } from './models.ts';

interface Changes {
  /** Replaces initializers of the same name. */
  readonly initializers?: readonly TensorInit[];
  readonly domain?: string;
  /** Of the DequantizeLinear of the weights. */
  readonly weightAttributes?: readonly Attribute[];
  readonly biasAttributes?: readonly Attribute[];
  readonly between?: Graph['nodes'];
  readonly input?: string;
}

/** A QDQ convolution of two output channels with a bias, requantized. */
function graph({ initializers = [], domain = '', between = [], input = 'xf', ...more }: Changes): Graph {
  const own = [
    scalar('sx', 'float32', 0.5),
    scalar('zx', 'uint8', 2),
    tensor('w', 'int8', [2, 1, 1, 1], [3, -4]),
    tensor('sw', 'float32', [2], [0.25, 0.5]),
    tensor('zw', 'int8', [2], [0, 0]),
    tensor('b', 'int32', [2], [8, -8]),
    tensor('sb', 'float32', [2], [0.125, 0.25]),
    scalar('sy', 'float32', 1),
    scalar('zy', 'uint8', 0),
  ];
  const given = new Set(initializers.map(({ name }) => name));
  const rest = { domain };
  return {
    opset: 13,
    domains: domain === '' ? [] : [domain],
    nodes: [
      node('QuantizeLinear', ['x', 'sx', 'zx'], ['xq'], [], rest),
      node('DequantizeLinear', ['xq', 'sx', 'zx'], ['xf'], [], rest),
      ...between,
      node('DequantizeLinear', ['w', 'sw', 'zw'], ['wf'], more.weightAttributes ?? [int('axis', 0)], rest),
      node('DequantizeLinear', ['b', 'sb'], ['bf'], more.biasAttributes ?? [int('axis', 0)], rest),
      node('Conv', [input, 'wf', 'bf'], ['y']),
      node('QuantizeLinear', ['y', 'sy', 'zy'], ['yq'], [], rest),
    ],
    initializers: [...own.filter(({ name }) => !given.has(name)), ...initializers],
    inputs: [value('x', 'float32', [1, 1, 2, 2])],
    outputs: [value('yq', 'uint8', [1, 2, 2, 2])],
  };
}

const bias = (from: Graph): readonly number[] => onlyLayer(from).spec.bias;

describe('what exporters write', () => {
  it('a bias of one axis is quantized along it, whatever the axis attribute says or leaves to its default', () => {
    expect(bias(graph({ biasAttributes: [] }))).toEqual([8, -8]);
    expect(bias(graph({ biasAttributes: [int('axis', 3)] }))).toEqual([8, -8]);
  });

  it('an axis that a tensor of more does not have is still refused', () => {
    expect(() => imported(graph({ weightAttributes: [int('axis', 4)] }))).toThrow('an axis is out of range');
  });

  it('one scale or zero point of any rank is one for all', () => {
    for (const shape of [[], [1], [1, 1, 1, 1]]) {
      const { spec, weightScales } = onlyLayer(
        graph({
          initializers: [
            tensor('sx', 'float32', shape, [0.5]),
            tensor('zx', 'uint8', shape, [2]),
            tensor('sw', 'float32', shape, [0.25]),
            tensor('zw', 'int8', shape, [1]),
          ],
        }),
      );
      expect(spec.input.zeroPoint).toBe(2);
      expect([spec.weights.zeroPoints, weightScales]).toEqual([
        [1, 1],
        [0.25, 0.25],
      ]);
    }
  });

  it('QuantizeLinear and DequantizeLinear of com.microsoft', () => {
    const { output } = onlyLayer(graph({ domain: 'com.microsoft' }));
    expect(output).toMatchObject({ kind: 'scaled', requantized: { tensor: 'yq' } });
  });

  it('a pruned channel of scale 0 stands for zeros; the others are as they were', () => {
    const { spec, output, weightScales } = onlyLayer(
      graph({ initializers: [tensor('sw', 'float32', [2], [0.25, 0])] }),
    );
    expect(spec.weights.values).toEqual([3, -4]);
    expect(weightScales).toEqual([0.25, 0]);
    expect(output).toMatchObject({ kind: 'scaled', scales: [0.125, 0] });
  });

  it('float weights through a QuantizeLinear with such a channel: their integers are the zero point', () => {
    const base = graph({
      initializers: [tensor('sw', 'float32', [2], [0, 0.5]), tensor('zw', 'int8', [2], [5, 1])],
    });
    const { spec } = onlyLayer({
      ...base,
      nodes: base.nodes.flatMap((one) =>
        one.output?.[0] === 'wf'
          ? [
              node('QuantizeLinear', ['v', 'sw', 'zw'], ['w'], [int('axis', 0)]),
              node('DequantizeLinear', ['w', 'sw', 'zw'], ['wf'], [int('axis', 0)]),
            ]
          : [one],
      ),
      initializers: [
        ...(base.initializers ?? []).filter(({ name }) => name !== 'w'),
        tensor('v', 'float32', [2, 1, 1, 1], [7, 2]),
      ],
    });
    expect(spec.weights).toMatchObject({ values: [5, 5], zeroPoints: [5, 1] });
  });
});

describe('reasons name the node and what is wrong with it', () => {
  const scales = (values: readonly number[]): Graph =>
    graph({ initializers: [tensor('sw', 'float32', [2], values)] });

  it.each([
    ['a negative scale', scales([0.5, -0.25]), 'DequantizeLinear "wf": its scale[1] is -0.25'],
    ['a scale that is no number', scales([NaN, 1]), 'DequantizeLinear "wf": its scale[0] is NaN'],
    ['an infinite scale', scales([1, Infinity]), 'its scale[1] is Infinity'],
    ['scales that are all 0', scales([0, 0]), 'its scale[0] is 0'],
    [
      'a scale of 0 for what runs',
      graph({ initializers: [scalar('sx', 'float32', 0)] }),
      'DequantizeLinear "xf": its scale is 0',
    ],
    [
      'blocks',
      graph({ weightAttributes: [int('axis', 1), int('block_size', 32)] }),
      'DequantizeLinear "wf": not supported yet: quantization in blocks (block_size 32)',
    ],
    [
      'an operator between',
      graph({
        input: 'n2',
        between: [
          node('LeakyRelu', ['xf'], ['n'], [float('alpha', 0.1)]),
          node('MaxPool', ['n'], ['n2'], []),
        ],
      }),
      'its input "n2" is not quantized: LeakyRelu "n" leaves the grid of "xf"',
    ],
  ])('%s', (_, from, reason) => {
    expect(reasonOf(from)).toContain(reason);
  });

  it('a float product beside integer ones that cannot be encrypted does not make a model one of floats', () => {
    const { layers, unsupported } = imported({
      nodes: [
        node('Identity', ['b'], ['d']),
        node('MatMulInteger', ['a', 'd'], ['c']),
        node('Cast', ['c'], ['f'], [int('to', 1)]),
        node('MatMul', ['f', 'w'], ['y']),
      ],
      initializers: [tensor('w', 'float32', [2, 1], [0.3, 0.7])],
      inputs: [value('a', 'uint8', [2, 2]), value('b', 'uint8', [2, 2])],
      outputs: [value('y', 'float32', [2, 1])],
    });
    expect(layers).toEqual([]);
    expect(unsupported.map(({ op }) => op)).toEqual(['MatMulInteger', 'MatMul']);
  });
});

describe('operators that are not known', () => {
  it.each([
    ['LSTM', '', 'linear', 'recurrent layers'],
    ['QAttention', 'com.microsoft', 'linear', 'attention as one operator'],
    ['MatMulNBits', 'com.microsoft', 'linear', 'quantization in blocks'],
    ['RequantShift', 'PACTOps', 'operator', 'rounds down for some processors and half up for others'],
    ['Im2Col', 'finn.custom_op.general', 'operator', 'this operator is not known'],
  ])('%s is named, with what is known of it', (op, domain, kind, reason) => {
    const { unsupported } = imported({
      nodes: [node(op, ['x'], ['y'], [], { domain })],
      domains: domain === '' ? [] : [domain],
      inputs: [value('x', 'float32', [1, 1])],
    });
    const name = domain === '' ? op : `${domain}.${op}`;
    expect(unsupported).toMatchObject([{ name: 'y', op: name, kind }]);
    expect(unsupported[0]?.reason).toContain(reason);
  });
});
