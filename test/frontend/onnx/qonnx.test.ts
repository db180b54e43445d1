import { fc, runs } from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import { importModel } from '../../../src/frontend/onnx/importOnnx.ts';
import type { ImportedLayer } from '../../../src/frontend/imported/types.ts';
import { encodeModel, imported, int, ints, node, scalar, tensor, text, value } from './models.ts';
import type { Attribute, Graph } from './models.ts';

const DOMAINS = ['onnx.brevitas', 'qonnx.custom_op.general', 'finn.custom_op.general', ''] as const;

interface Change {
  readonly domain?: string;
  readonly attributes?: readonly Attribute[];
  readonly bits?: number;
  readonly scale?: number;
  readonly zero?: number;
  readonly weights?: readonly number[];
  readonly between?: Graph['nodes'];
  /** Name of the tensor that the convolution reads. */
  readonly reads?: string;
  readonly extra?: Graph['initializers'];
}

/** x -> Quant (4 bits, unsigned) -> between -> Conv with Quant weights -> y. */
function qonnx(change: Change = {}): Graph {
  const {
    domain = 'onnx.brevitas',
    attributes = [int('signed', 1), int('narrow', 1)],
    weights = [0.3, -0.7],
  } = change;
  return {
    nodes: [
      node('Quant', ['x', 'sx', 'zero', 'b4'], ['xq'], [int('signed', 0), int('narrow', 0)], { domain }),
      node('Quant', ['w', 'sw', 'zw', 'bw'], ['wq'], attributes, { domain }),
      ...(change.between ?? []),
      node('Conv', [change.reads ?? 'xq', 'wq'], ['y']),
    ],
    initializers: [
      scalar('sx', 'float32', 0.25),
      scalar('zero', 'float32', 0),
      scalar('b4', 'float32', 4),
      tensor('w', 'float32', [weights.length, 1, 1, 1], weights),
      scalar('sw', 'float32', change.scale ?? 0.1),
      scalar('zw', 'float32', change.zero ?? 0),
      scalar('bw', 'float32', change.bits ?? 3),
      ...(change.extra ?? []),
    ],
    inputs: [value('x', 'float32', [1, 1, 4, 4])],
    domains: [...new Set([domain])].filter((name) => name !== ''),
  };
}

function layerOf(change?: Change): ImportedLayer {
  const { layers, unsupported } = imported(qonnx(change));
  expect(unsupported).toEqual([]);
  return layers[0]!;
}

describe('QONNX', () => {
  it.each(DOMAINS)('Quant in domain "%s"', (domain) => {
    const { spec, input, weightScales, output } = layerOf({ domain });
    expect(spec.input).toMatchObject({ bits: 4, signed: false, zeroPoint: 0, range: { lo: 0, hi: 15 } });
    expect(spec.weights).toMatchObject({ bits: 3, signed: true, values: [3, -3] });
    expect(input).toMatchObject({ tensor: 'xq', kind: 'scaled', scale: 0.25 });
    expect(weightScales).toEqual([Math.fround(0.1), Math.fround(0.1)]);
    const scale = Math.fround(0.25 * Math.fround(0.1));
    expect(output).toMatchObject({ kind: 'scaled', scales: [scale, scale], bias: null, requantized: null });
    expect(spec.accumulator).toBeNull();
  });

  it.each<[string, Change, readonly number[], number]>([
    ['signed', { attributes: [int('signed', 1), int('narrow', 0)], weights: [-1, 1] }, [-4, 3], 3],
    ['signed, narrow', { weights: [-1, 1] }, [-3, 3], 3],
    ['unsigned', { attributes: [int('signed', 0), int('narrow', 0)], weights: [-1, 1] }, [0, 7], 3],
    ['unsigned, narrow', { attributes: [int('signed', 0), int('narrow', 1)], weights: [-1, 1] }, [0, 6], 3],
    ['half to even', { scale: 1, weights: [0.5, 1.5, 2.5, -0.5] }, [0, 2, 2, 0], 3],
    ['two bits', { bits: 2, weights: [-1, 0, 1] }, [-1, 0, 1], 2],
    ['eight bits', { bits: 8, weights: [-20, 12.7] }, [-127, 127], 8],
  ])('%s', (_, change, values, bits) => {
    expect(layerOf(change).spec.weights).toMatchObject({ values, bits });
  });

  it.each([
    ['CEIL', [2, -1]],
    ['FLOOR', [1, -2]],
    ['UP', [2, -2]],
    ['DOWN', [1, -1]],
    ['HALF_UP', [2, -2]],
    ['HALF_DOWN', [1, -1]],
    ['round', [2, -2]],
  ])('rounding mode %s', (mode, values) => {
    const attributes = [int('signed', 1), int('narrow', 0), text('rounding_mode', mode)];
    expect(layerOf({ attributes, scale: 1, weights: [1.5, -1.5] }).spec.weights.values).toEqual(values);
  });

  it('zero points of weights, and scales per output channel of any shape', () => {
    expect(
      layerOf({ attributes: [int('signed', 0), int('narrow', 0)], zero: 2, weights: [0.1, -0.1] }).spec
        .weights,
    ).toMatchObject({
      values: [3, 1],
      zeroPoints: [2, 2],
      signed: false,
    });
    const graph = qonnx();
    const initializers = graph.initializers?.filter(({ name }) => name !== 'sw') ?? [];
    const scales = tensor('sw', 'float32', [2, 1, 1, 1], [0.1, 0.5]);
    const layer = imported({ ...graph, initializers: [...initializers, scales] }).layers[0]!;
    expect(layer.spec.weights.values).toEqual([3, -1]);
    expect(layer.weightScales).toEqual([Math.fround(0.1), 0.5]);
  });

  it.each(DOMAINS)('BipolarQuant in domain "%s"', (domain) => {
    const graph = qonnx({ domain });
    const nodes = graph.nodes.map((one) =>
      one.output?.[0] === 'wq' ? node('BipolarQuant', ['w', 'sw'], ['wq'], [], { domain }) : one,
    );
    expect(imported({ ...graph, nodes }).layers[0]!.spec.weights).toMatchObject({
      values: [1, -1],
      bits: 2,
      signed: true,
    });
  });

  it('Quant, Transpose and MatMul', () => {
    const graph = qonnx();
    const nodes = [
      ...graph.nodes.slice(0, 2),
      node('Transpose', ['wq'], ['wt'], [ints('perm', [1, 0])]),
      node('MatMul', ['xq', 'wt'], ['y']),
    ];
    const weights = tensor('w', 'float32', [2, 3], [0.1, 0.2, 0.3, -0.1, -0.2, -0.3]);
    const initializers = [
      ...(graph.initializers ?? []).filter(({ name }) => !['w', 'sw'].includes(name ?? '')),
      weights,
    ];
    const scales = tensor('sw', 'float32', [2, 1], [0.1, 0.1001]);
    const { layers, unsupported } = imported({
      ...graph,
      nodes,
      initializers: [...initializers, scales],
      inputs: [value('x', 'float32', [5, 3])],
    });
    expect(unsupported).toEqual([]);
    expect(layers[0]!.spec).toMatchObject({
      input: { batch: 5, channels: 3 },
      weights: { outChannels: 2, values: [1, 2, 3, -1, -2, -3] },
    });
    expect(layers[0]!.weightScales).toEqual([0.1, 0.1001].map(Math.fround));
  });

  it.each<[string, Graph['nodes'], { lo: number; hi: number }]>([
    ['MaxPool', [node('MaxPool', ['xq'], ['p'], [ints('kernel_shape', [2, 2])])], { lo: 0, hi: 15 }],
    ['Relu', [node('Relu', ['xq'], ['p'])], { lo: 0, hi: 15 }],
    ['Transpose', [node('Transpose', ['xq'], ['p'], [ints('perm', [0, 1, 3, 2])])], { lo: 0, hi: 15 }],
    ['Pad', [node('Pad', ['xq', 'pads'], ['p'])], { lo: 0, hi: 15 }],
    ['Clip on the grid', [node('Clip', ['xq', 'c0', 'c1'], ['p'])], { lo: 1, hi: 4 }],
    ['Clip at a value that is rounded', [node('Clip', ['xq', 'c0', 'c3'], ['p'])], { lo: 1, hi: 12 }],
    ['Clip that cuts nothing off', [node('Clip', ['xq', 'far', 'further'], ['p'])], { lo: 0, hi: 15 }],
    [
      'DepthToSpace',
      [
        node('SpaceToDepth', ['xq'], ['d'], [int('blocksize', 2)]),
        node('DepthToSpace', ['d'], ['p'], [int('blocksize', 2)]),
      ],
      { lo: 0, hi: 15 },
    ],
  ])('%s keeps the grid', (_, between, range) => {
    const extra = [
      tensor('pads', 'int64', [8], [0, 0, 1, 1, 0, 0, 1, 1]),
      scalar('c0', 'float32', 0.25),
      scalar('c1', 'float32', 1),
      scalar('c3', 'float32', 3),
      scalar('far', 'float32', -0.1),
      scalar('further', 'float32', 7.77),
    ];
    expect(layerOf({ between, reads: 'p', extra }).spec.input).toMatchObject({ range });
  });

  it.each<[string, Graph['nodes']]>([
    ['Sigmoid', [node('Sigmoid', ['xq'], ['p'])]],
    ['AveragePool', [node('AveragePool', ['xq'], ['p'], [ints('kernel_shape', [2, 2])])]],
    ['Clip between two values', [node('Clip', ['xq', 'c0'], ['p'])]],
    ['Add of another grid', [node('Add', ['xq', 'c0'], ['p'])]],
  ])('%s leaves the grid', (_, between) => {
    const graph = qonnx({
      between: [...between, node('Conv', ['xq', 'wq'], ['good'])],
      reads: 'p',
      extra: [scalar('c0', 'float32', 0.3)],
    });
    const { layers, unsupported } = imported(graph);
    expect(layers.map(({ name }) => name)).toEqual(['good']);
    expect(unsupported).toMatchObject([
      { kind: 'linear', op: 'Conv', reason: expect.stringContaining('"p" is not quantized') },
    ]);
  });

  it('a float input that is said to stand for integers', () => {
    const graph = { ...qonnx({ reads: 'x' }), outputs: [] };
    const inputQuantization = new Map([['x', { bits: 8, signed: false, scale: 1 / 255, zeroPoint: 0 }]]);
    const { layers } = imported(graph, { inputQuantization });
    expect(layers[0]).toMatchObject({
      input: { tensor: 'x', kind: 'scaled', scale: Math.fround(1 / 255) },
      spec: { input: { bits: 8 } },
    });
  });
});

it('never fails in another way, whatever the bytes', () => {
  const bytes = encodeModel(
    qonnx({ between: [node('MaxPool', ['xq'], ['p'], [ints('kernel_shape', [2, 2])])], reads: 'p' }),
  );
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const mutant = bytes.slice();
      for (const [position, byte] of changes) mutant[position] = byte;
      try {
        importModel(mutant);
      } catch (error) {
        if (!(error instanceof CipherconvError)) throw error;
        expect(error.code).not.toBe('internal');
      }
    }),
    { numRuns: runs(3000) },
  );
});
