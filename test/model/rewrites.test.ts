/** Models with ConvTranspose and convolutions over three axes: compiled, stored, read back, run encrypted. */
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { layersOf } from '../../src/model/modelFlow.ts';
import type { ModelPlan } from '../../src/model/modelPlan.ts';
import { encodeModelPlan, parseModelPlan } from '../../src/model/modelPlanFile.ts';
import { runModel } from '../../src/model/runModel.ts';
import { toDoubles, typedTensor } from '../../src/model/typedTensor.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { errorOf } from '../support/simple.ts';
import { randomIntegers } from '../support/specs.ts';
import { encodeModel, int, ints, node, scalar, tensor, value } from '../frontend/onnx/models.ts';

const random = randomIntegers(7);
const integers = (count: number, lo: number, hi: number): number[] =>
  Array.from({ length: count }, () => random(lo, hi));

/** x (int8) -> ConvTranspose, stride 2 -> QuantizeLinear -> a 1x1 convolution -> floats. */
const UPSAMPLING = encodeModel({
  nodes: [
    node('DequantizeLinear', ['x', 's', 'z'], ['fx']),
    node('DequantizeLinear', ['w', 'sw', 'zw'], ['fw'], [int('axis', 1)]),
    node(
      'ConvTranspose',
      ['fx', 'fw'],
      ['fy'],
      [ints('strides', [2, 2]), ints('pads', [1, 1, 1, 1]), ints('output_padding', [1, 1])],
    ),
    node('QuantizeLinear', ['fy', 'sy', 'z'], ['qy']),
    node('DequantizeLinear', ['qy', 'sy', 'z'], ['fq']),
    node('DequantizeLinear', ['v', 'sv'], ['fv']),
    node('Conv', ['fq', 'fv'], ['y']),
  ],
  initializers: [
    scalar('s', 'float32', 0.5),
    scalar('z', 'int8', -3),
    tensor('w', 'int8', [2, 3, 3, 3], integers(54, -128, 127)),
    tensor('sw', 'float32', [3], [0.25, 0.5, 0.125]),
    tensor('zw', 'int8', [3], [0, 0, 0]),
    scalar('sy', 'float32', 16),
    tensor('v', 'int8', [1, 3, 1, 1], [5, -7, 11]),
    scalar('sv', 'float32', 0.5),
  ],
  inputs: [value('x', 'int8', [1, 2, 4, 5])],
  outputs: [value('y', 'float32', [1, 1, 8, 10])],
});

/** x (uint8) -> ConvInteger over three axes. */
const VOLUME = encodeModel({
  nodes: [node('ConvInteger', ['x', 'w', 'z'], ['y'], [ints('pads', [1, 1, 1, 1, 1, 1])])],
  initializers: [scalar('z', 'uint8', 9), tensor('w', 'int8', [2, 2, 3, 3, 3], integers(108, -128, 127))],
  inputs: [value('x', 'uint8', [1, 2, 4, 5, 4])],
  outputs: [value('y', 'int32', [1, 2, 4, 5, 4])],
});

async function planOf(bytes: Uint8Array): Promise<ModelPlan> {
  return parseModelPlan(encodeModelPlan(compileModel(await importOnnx(bytes))), 'model.plan');
}

describe('models of layers that become plane convolutions', () => {
  it.each([
    ['ConvTranspose, its quantizer and a convolution', UPSAMPLING, 'int8', [1, 2, 4, 5], 2],
    ['ConvInteger over three axes', VOLUME, 'uint8', [1, 2, 4, 5, 4], 1],
  ] as const)('%s: encrypted = onnxruntime', async (_, bytes, type, shape, layers) => {
    const [lo, hi] = type === 'int8' ? [-128, 127] : [0, 255];
    const data = integers(
      shape.reduce<number>((all, extent) => all * extent, 1),
      lo,
      hi,
    );
    const plan = await planOf(bytes);
    expect(layersOf(plan)).toHaveLength(layers);
    const { report, outputs } = await runModel(plan, new Map([['x', typedTensor(type, shape, data, 'x')]]));
    expect(report.match).toBe(true);
    const expected = (await runInOnnxruntime(bytes, [{ name: 'x', type, shape, data }], 'disabled')).get(
      'y',
    )!;
    const got = outputs.get('y')!;
    expect(got.shape).toEqual(expected.shape);
    expect(Array.from(toDoubles(got, 'y'))).toEqual(expected.data);
  });

  it('counts the products of the nodes, not the zeros of their rewrites', async () => {
    const [up, volume] = [await planOf(UPSAMPLING), await planOf(VOLUME)];
    // Each of 40 inputs by 3 x 3 x 3 taps, and 80 outputs of 3 products; 160 outputs of 2 x 27 products.
    expect(up.macs).toEqual({ encrypted: 40 * 27 + 80 * 3, total: 40 * 27 + 80 * 3 });
    expect(volume.macs.encrypted).toBe(160 * 54);
  });

  it('a ConvTranspose of floats runs in the clear, and is named', async () => {
    const bytes = encodeModel({
      nodes: [
        node('ConvInteger', ['x', 'w'], ['sums']),
        node('Cast', ['sums'], ['floats'], [int('to', 1)]),
        node('ConvTranspose', ['floats', 'v'], ['y'], [ints('strides', [2, 2])]),
      ],
      initializers: [
        tensor('w', 'int8', [2, 1, 1, 1], [3, -5]),
        tensor('v', 'float32', [2, 1, 2, 2], [0.5, 1, -2, 4, 8, 0.25, 3, -1]),
      ],
      inputs: [value('x', 'uint8', [1, 1, 3, 3])],
      outputs: [value('y', 'float32', [1, 1, 6, 6])],
    });
    const data = integers(9, 0, 255);
    const input = new Map([['x', typedTensor('uint8', [1, 1, 3, 3], data, 'x')]]);
    const { report, outputs } = await runModel(await planOf(bytes), input);
    expect(report.match).toBe(true);
    expect(report.layers.map(({ name }) => name)).toEqual(['sums']);
    expect(report.clear.map(({ op }) => op)).toEqual(['ConvTranspose']);
    const feed = { name: 'x', type: 'uint8', shape: [1, 1, 3, 3], data } as const;
    const expected = (await runInOnnxruntime(bytes, [feed], 'disabled')).get('y')!;
    expect(Array.from(toDoubles(outputs.get('y')!, 'y'))).toEqual(expected.data);
  });

  it('average pools are encrypted where that is asked for, and the whole stays equal', async () => {
    const bytes = encodeModel({
      nodes: [
        node('DequantizeLinear', ['x', 's', 'z'], ['fx']),
        node('AveragePool', ['fx'], ['fp'], [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])]),
        node('QuantizeLinear', ['fp', 's', 'z'], ['p']),
        node('DequantizeLinear', ['p', 's', 'z'], ['fq']),
        node('DequantizeLinear', ['w', 's'], ['fw']),
        node('Conv', ['fq', 'fw'], ['y']),
      ],
      initializers: [
        scalar('s', 'float32', 0.5),
        scalar('z', 'int8', 11),
        tensor('w', 'int8', [1, 2, 1, 1], [7, -9]),
      ],
      inputs: [value('x', 'int8', [1, 2, 6, 6])],
      outputs: [value('y', 'float32', [1, 1, 3, 3])],
    });
    const data = integers(72, -128, 127);
    const input = new Map([['x', typedTensor('int8', [1, 2, 6, 6], data, 'x')]]);
    const plan = compileModel(await importOnnx(bytes, { averagePools: 'encrypted' }));
    const { report, outputs } = await runModel(plan, input);
    expect(report).toMatchObject({ match: true, rounds: 2, layers: [{ name: 'fp' }, { name: 'y' }] });
    const feed = { name: 'x', type: 'int8', shape: [1, 2, 6, 6], data } as const;
    const expected = (await runInOnnxruntime(bytes, [feed], 'disabled')).get('y')!;
    expect(Array.from(toDoubles(outputs.get('y')!, 'y'))).toEqual(expected.data);
  });

  it('a stored plan whose phases do not fit is refused', async () => {
    const plan = compileModel(await importOnnx(UPSAMPLING));
    const [round = [], ...rest] = plan.rounds;
    const [layer] = round;
    if (layer?.arrangement.kind !== 'phases') throw new Error('no phases');
    const { rows, columns } = layer.arrangement.map;
    const broken = [
      [{ ...rows, size: 100 }, 'its phases end too early'],
      [{ ...rows, phases: [0, 2] }, 'its phases have gaps'],
      [{ ...rows, phases: [0, null] }, 'its output has another number of elements'],
    ] as const;
    for (const [wrong, message] of broken) {
      const arrangement = { kind: 'phases', map: { rows: wrong, columns } } as const;
      const changed = { ...plan, rounds: [[{ ...layer, arrangement }], ...rest] };
      const error = errorOf(() => parseModelPlan(encodeModelPlan(changed), 'model.plan'));
      expect(error).toMatchObject({ code: 'malformed-plan' });
      expect(String(error)).toContain(message);
    }
  });
});
