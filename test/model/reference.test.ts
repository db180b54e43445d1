/** What decides whether a run is right, what is said of the clear part, and what a runtime says beside it. */
import { describe, expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import type { ModelPlan } from '../../src/model/modelPlan.ts';
import { runModel } from '../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import type { TypedTensor } from '../../src/model/typedTensor.ts';
import { encodeModel, int, ints, node, scalar, tensor, value } from '../frontend/onnx/models.ts';
import type { Graph } from '../frontend/onnx/models.ts';
import { randomIntegers } from '../support/specs.ts';

const SHAPE = [1, 2, 4, 4] as const;
const COUNT = 32;

/** int8, signed and per channel: x -> Q -> conv a; conv b of Q; a + b, both quantized: Q(x) has two readers. */
function residual(
  changes: { readonly weight?: number; readonly between?: readonly Graph['nodes'][number][] } = {},
): Graph {
  const random = randomIntegers(11);
  const weights = (): number[] => Array.from({ length: 4 }, () => random(-127, 127));
  const [a, b] = [weights(), weights()];
  if (changes.weight !== undefined) b[0] = changes.weight;
  const conv = (name: string, out: string): Graph['nodes'] => [
    node('DequantizeLinear', ['q', 'sx', 'zx'], [`${name}_x`]),
    node('DequantizeLinear', [name, `${name}_s`, `${name}_z`], [`${name}_w`], [int('axis', 0)]),
    node('Conv', [`${name}_x`, `${name}_w`], [`${name}_y`]),
    node('QuantizeLinear', [`${name}_y`, 'sy', 'zy'], [`${name}_q`]),
    node('DequantizeLinear', [`${name}_q`, 'sy', 'zy'], [out]),
  ];
  return {
    nodes: [
      node('QuantizeLinear', ['x', 'sx', 'zx'], ['q']),
      ...conv('a', 'fa'),
      ...conv('b', 'fb'),
      node('Add', ['fa', 'fb'], ['sum']),
      ...(changes.between ?? [node('Relu', ['sum'], ['r'])]),
      node('QuantizeLinear', ['r', 'sy', 'zy'], ['y']),
    ],
    initializers: [
      scalar('sx', 'float32', 0.05),
      scalar('zx', 'int8', 3),
      scalar('sy', 'float32', 0.25),
      scalar('zy', 'int8', -5),
      tensor('a', 'int8', [2, 2, 1, 1], a),
      tensor('a_s', 'float32', [2], [0.03, 0.007]),
      tensor('a_z', 'int8', [2], [0, 0]),
      tensor('b', 'int8', [2, 2, 1, 1], b),
      tensor('b_s', 'float32', [2], [0.011, 0.02]),
      tensor('b_z', 'int8', [2], [0, 0]),
    ],
    inputs: [value('x', 'float32', SHAPE)],
    outputs: [value('y', 'int8', SHAPE)],
    opset: 17,
  };
}

const input = (seed: number): ReadonlyMap<string, TypedTensor> => {
  const random = randomIntegers(seed);
  const data = Array.from({ length: COUNT }, () => random(-8000, 8000) / 1000);
  return new Map([['x', typedTensor('float32', SHAPE, data, 'x')]]);
};

const compiled = (graph: Graph): ModelPlan => compileModel(importModel(encodeModel(graph)));

describe('match', () => {
  it('signed int8 with several readers: equal to our integers, whatever a runtime keeps in floats', async () => {
    const plan = compiled(residual());
    for (const seed of [1, 2, 3]) {
      const { report, outputs } = await runModel(plan, input(seed));
      expect(report).toMatchObject({ match: true, comparison: { outputs: COUNT, mismatches: 0 } });
      expect(new Set(toDoubles(outputs.get('y')!, 'y')).size).toBeGreaterThan(4);
      expect(report.statistic).toMatchObject({ runtime: 'onnxruntime-web', outputs: COUNT });
      expect(report.statistic!.largestDifference).toBeLessThanOrEqual(2);
    }
  });

  it.each<[string, Parameters<typeof residual>[0]]>([
    ['operator between the layers', { between: [node('Neg', ['sum'], ['r'])] }],
    ['weight of a layer', { weight: 90 }],
  ])('is false where the network has another %s: the comparison can fail', async (_, changes) => {
    const plan = compiled(residual());
    const { network } = compiled(residual(changes));
    const { report, outputs } = await runModel({ ...plan, network }, input(1));
    expect(report.match).toBe(false);
    expect(report.comparison!.mismatches).toBeGreaterThan(0);
    expect(report.layers.every(({ match }) => match)).toBe(true);
    expect(outputs.has('y')).toBe(true);
  });

  it('a node that the interpreter does not compute is run by onnxruntime, alone', async () => {
    const lrn = node('LRN', ['sum'], ['r'], [int('size', 1)]);
    const { report } = await runModel(compiled(residual({ between: [lrn] })), input(1));
    expect(report).toMatchObject({ match: true, comparison: { mismatches: 0 } });
  });

  it('a node that nothing computes is refused by its name', async () => {
    const unknown = node('Frobnicate', ['sum'], ['r'], [], { name: 'odd one' });
    const plan = compiled(residual({ between: [unknown] }));
    await expect(runModel(plan, input(1))).rejects.toMatchObject({
      code: 'unsupported',
      details: { where: 'odd one (Frobnicate)' },
    });
  });
});

/** One quantized convolution behind a float one. */
function mixed(): Graph {
  const { nodes, initializers = [], ...rest } = residual();
  return {
    ...rest,
    nodes: [
      node('Conv', ['x', 'float_w'], ['front'], [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])], {
        name: 'front conv',
      }),
      ...nodes.map((one) =>
        one.opType === 'QuantizeLinear' && one.input?.[0] === 'x'
          ? { ...one, input: ['front', 'sx', 'zx'] }
          : one,
      ),
    ],
    initializers: [
      ...initializers,
      tensor(
        'float_w',
        'float32',
        [2, 2, 3, 3],
        Array.from({ length: 36 }, (_, index) => Math.sin(index)),
      ),
    ],
  };
}

/** x - 1 in a float MatMul between integers of run time: nothing to encrypt. */
const ALL_CLEAR: Graph = {
  nodes: [
    node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
    node('DynamicQuantizeLinear', ['v'], ['p', 't', 'u']),
    node('MatMulInteger', ['q', 'p', 'z', 'u'], ['y'], [], { name: 'both run' }),
  ],
  inputs: [value('x', 'float32', [2, 3]), value('v', 'float32', [3, 2])],
  outputs: [value('y', 'int32', [2, 2])],
};

describe('what is encrypted', () => {
  it('is counted, and what is not is named', async () => {
    const plan = compiled(mixed());
    // 16 cells, 2 outputs: 9 taps of 2 channels in the clear, 1 tap of 2 channels twice encrypted.
    expect(plan.macs).toEqual({ encrypted: 2 * 16 * 2 * 2, total: 2 * 16 * 2 * 2 + 16 * 2 * 18 });
    const { report } = await runModel(plan, input(4));
    expect(report).toMatchObject({ match: true, macs: plan.macs });
    expect(report.clear).toEqual([
      { name: 'front conv', op: 'Conv', reason: expect.stringContaining('not quantized') as string },
    ]);
  });

  it('unknown operators are named too', () => {
    const unknown = node('Frobnicate', ['sum'], ['r'], [], { name: 'odd one' });
    expect(compiled(residual({ between: [unknown] })).clear).toEqual([
      { name: 'odd one', op: 'Frobnicate', reason: 'this operator is not known' },
    ]);
  });

  it('nothing: refused with its reason, unless that is accepted', async () => {
    const model = importModel(encodeModel(ALL_CLEAR));
    expect(() => compileModel(model)).toThrow(/nothing of this model can be encrypted/);
    expect(() => compileModel(model)).toThrow(/"both run" \(MatMulInteger\)/);
    const plan = compileModel(model, { allowClear: true });
    expect(plan.macs).toEqual({ encrypted: 0, total: 12 });
    const floats = (shape: readonly number[]): TypedTensor =>
      typedTensor('float32', shape, [1, -2, 3.5, 0.25, 5, -1], 'x');
    const { report, outputs } = await runModel(
      plan,
      new Map([
        ['x', floats([2, 3])],
        ['v', floats([3, 2])],
      ]),
    );
    expect(report).toMatchObject({ match: true, layers: [], rounds: 0, statistic: { differing: 0 } });
    expect(outputs.get('y')!.shape).toEqual([2, 2]);
  });
});
