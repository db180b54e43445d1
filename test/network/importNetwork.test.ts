import { expect, test } from 'vitest';
import { compileNetwork } from '../../compiler/network/compile.ts';
import { proveNetwork } from '../../compiler/network/prove.ts';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { clearLogits } from '../../src/network/clearNetwork.ts';
import { importNetwork } from '../../src/network/importNetwork.ts';
import { levelOf } from '../../src/network/port.ts';
import { storeNetwork } from '../../src/network/networkPlan.ts';
import { encodeNetworkPlan, parseNetworkPlan } from '../../src/network/networkPlanFile.ts';
import { encodeModel, int, ints, node, scalar, tensor, value } from '../frontend/onnx/models.ts';
import { networkModel } from '../support/networkModels.ts';
import type { NetworkModel } from '../support/networkModels.ts';
import { integersFrom } from '../support/networks.ts';
import { errorOf } from '../support/simple.ts';
import { interpreted } from '../support/interpreted.ts';

function randomModel(seed: number, more: Partial<NetworkModel> = {}): NetworkModel {
  const between = integersFrom(seed);
  const list = (count: number, size: number): number[] =>
    Array.from({ length: count }, () => between(-size, size));
  const filters = between(1, 3);
  const [height, width] = [between(5, 8), between(5, 8)];
  const strides = [between(1, 2), between(1, 2)] as const;
  const pads = [between(0, 1), between(0, 1), between(0, 1), between(0, 1)] as const;
  const kernel = [between(1, 3), between(1, 3)] as const;
  const rows = Math.floor((height + pads[0] + pads[2] - kernel[0]) / strides[0]) + 1;
  const columns = Math.floor((width + pads[1] + pads[3] - kernel[1]) / strides[1]) + 1;
  const sizes = [filters * rows * columns, ...(between(0, 1) === 1 ? [between(2, 6)] : []), between(2, 5)];
  return {
    shape: [2, height, width],
    largest: 3,
    convolution: {
      filters,
      kernel,
      strides,
      pads,
      weights: list(filters * 2 * kernel[0] * kernel[1], 1),
      bias: list(filters, 3),
    },
    dense: sizes.slice(1).map((outputs, index) => ({
      weights: list(outputs * sizes[index]!, 1),
      bias: list(outputs, 9),
    })),
    ...more,
  };
}

function pictureFor({ shape }: NetworkModel, seed: number): Float32Array {
  const between = integersFrom(seed);
  return Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => between(-20, 280));
}

test.each([
  ['Mul', 1],
  ['Pow', 1],
  ['Mul', 0.25],
] as const)(
  'models with %s and weight scale %d give what the interpreter gives',
  async (activation, scale) => {
    let compared = 0;
    for (let seed = 1; seed <= 24; seed++) {
      const model = randomModel(seed, { activation, scale });
      const bytes = networkModel(model);
      const { spec, port } = importNetwork(importModel(bytes));
      const picture = pictureFor(model, seed);
      const { quantize } = port;
      if (quantize === null) throw new Error('the input is quantized');
      const levels = Float64Array.from(picture, (pixel) => levelOf(pixel, quantize, spec.input.range));
      const factor = Number(spec.output.scale.numerator) / Number(spec.output.scale.denominator);
      const scores = clearLogits(spec, levels).map((logit) => Number(logit) * factor);
      // The float32 interpreter is exact where all integers are below 2^24.
      if (proveNetwork(spec).stages.some(({ lo, hi }) => hi - lo > 2n ** 23n)) continue;
      compared++;
      const input = { name: 'pictures', shape: [1, ...model.shape], data: picture };
      expect(await interpreted(bytes, input, 'scores'), `seed ${seed}`).toEqual(scores);
    }
    expect(compared).toBeGreaterThan(8);
  },
);

test('the range of the input is that of the levels behind Clip', () => {
  const { spec, port } = importNetwork(importModel(networkModel(randomModel(1))));
  expect(spec.input.range).toEqual({ lo: 0, hi: 3 });
  expect(port).toEqual({
    name: 'pictures',
    type: 'float32',
    shape: [1, ...spec.input.shape],
    quantize: { scale: 85, zeroPoint: 0 },
  });
});

test('levels are rounded half to even and cut', () => {
  const quantize = { scale: 2, zeroPoint: 1 };
  const range = { lo: 0, hi: 6 };
  const level = (value_: number): number => levelOf(value_, quantize, range);
  expect([1, 3, 5, -1, -3, 100, -100, 2.1].map(level)).toEqual([1, 3, 3, 1, 0, 6, 0, 2]);
});

const POOLED = {
  nodes: [
    node('Mul', ['conv', 'conv'], ['squares']),
    node('AveragePool', ['squares'], ['pooled'], [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])]),
    node('Transpose', ['pooled'], ['turned'], [ints('perm', [0, 2, 3, 1])]),
    node('Reshape', ['turned', 'flat'], ['vector']),
    node('MatMul', ['vector', 'matrix'], ['product']),
    node('Add', ['product', 'added'], ['summed']),
    node('Sub', ['summed', 'taken'], ['scores']),
  ],
  initializers: [
    tensor('flat', 'int64', [2], [1, 8]),
    tensor(
      'matrix',
      'float32',
      [8, 3],
      Array.from({ length: 24 }, (_, index) => (index % 5) - 2),
    ),
    tensor('added', 'float32', [3], [1, -2, 3]),
    tensor('taken', 'float32', [1, 3], [5, 6, 0.25]),
  ],
};

test('pools, transpositions, sums and products with constants', async () => {
  const bytes = encodeModel({
    nodes: [
      node('DequantizeLinear', ['x', 'half'], ['scaled']),
      node('Conv', ['scaled', 'weights'], ['conv'], [ints('kernel_shape', [1, 1]), int('group', 2)]),
      ...POOLED.nodes,
    ],
    initializers: [
      scalar('half', 'float32', 0.5),
      tensor('weights', 'float32', [2, 1, 1, 1], [2, -3]),
      ...POOLED.initializers,
    ],
    inputs: [value('x', 'uint8', [1, 2, 4, 4])],
    outputs: [value('scores', 'float32', [1, 3])],
  });
  const { spec } = importNetwork(importModel(bytes));
  expect(spec.stages.map(({ inputs, outputs }) => [inputs, outputs])).toEqual([
    [32, 32],
    [32, 3],
  ]);
  expect(spec.input.range).toEqual({ lo: 0, hi: 255 });
  const levels = Float64Array.from({ length: 32 }, (_, index) => (index * 37) % 11);
  const factor = Number(spec.output.scale.numerator) / Number(spec.output.scale.denominator);
  const scores = clearLogits(spec, levels).map((logit) => Number(logit) * factor);
  const input = { name: 'x', shape: [1, 2, 4, 4], data: Uint8Array.from(levels) };
  expect(await interpreted(bytes, input, 'scores')).toEqual(scores);
});

test.each([['Relu', /Relu is no polynomial/, /--mode hybrid.*cipherconv fit/]] as const)(
  '%s between layers is refused with the two ways on',
  (activation, message, hint) => {
    const bytes = networkModel(randomModel(1, { activation }));
    const error = errorOf(() => importNetwork(importModel(bytes)));
    expect(error).toMatchObject({
      code: 'unsupported',
      details: { message: expect.stringMatching(message), hint: expect.stringMatching(hint) },
    });
  },
);

test('a network too wide is refused with its widths, the layer that adds most, and what would help', () => {
  const model = randomModel(3, { largest: 255 });
  const wide = {
    ...model,
    dense: [
      {
        weights: Array.from(
          { length: (40 * model.dense[0]!.weights.length) / model.dense[0]!.bias.length },
          () => 127,
        ),
        bias: Array(40).fill(0) as number[],
      },
      { weights: Array(400).fill(127) as number[], bias: Array(10).fill(0) as number[] },
      { weights: Array(100).fill(127) as number[], bias: Array(10).fill(0) as number[] },
    ],
  };
  const { spec } = importNetwork(importModel(networkModel(wide)));
  expect(errorOf(() => compileNetwork(spec))).toMatchObject({
    code: 'beyond-bfv',
    details: {
      message: 'the network does not fit',
      expected: expect.stringMatching(/N = 8192: .*; N = 16384: /),
      found: expect.stringMatching(/logits of [\d.]+ bits, behind 3 squares: conv [\d.]+ bits, /),
      hint: expect.stringMatching(/adds most: fewer bits/),
    },
  });
});

test('plan files: the same bytes again; changed ones are refused', () => {
  const { spec, port, output } = importNetwork(importModel(networkModel(randomModel(2))));
  const stored = storeNetwork({ plan: compileNetwork(spec), port, output, blind: null });
  const text = encodeNetworkPlan(stored);
  const read = parseNetworkPlan(text, 'file');
  expect(encodeNetworkPlan(read)).toBe(text);
  expect(storeNetwork({ ...stored, blind: 'ab'.repeat(32) }).digest).not.toBe(stored.digest);
  const changed = (path: string, change: (parent: Record<string, unknown>, key: string) => void): unknown => {
    const value_ = JSON.parse(text) as Record<string, unknown>;
    const keys = path.split('.');
    const parent = keys.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, value_);
    change(parent, keys.at(-1)!);
    return errorOf(() => parseNetworkPlan(JSON.stringify(value_), 'file'));
  };
  const increase = (parent: Record<string, unknown>, key: string): void => {
    parent[key] = Number(parent[key]) + 1;
  };
  const rejected = { code: 'plan-rejected' };
  expect(changed('plan.spec.stages.0.weights.0', increase)).toMatchObject({
    code: expect.stringMatching(/plan-rejected|malformed-plan/),
  });
  expect(
    changed('plan.spec.stages.0.columns.0', (parent, key) => {
      parent[key] = 99999;
    }),
  ).toMatchObject({ code: 'unsupported' });
  expect(
    changed('plan.analysis.logits.0.lo', (parent, key) => {
      parent[key] = '1';
    }),
  ).toMatchObject(rejected);
  expect(
    changed('plan.parameters.plainModuli.0', (parent, key) => {
      parent[key] = 40961;
    }),
  ).toMatchObject(rejected);
  expect(
    changed('plan.parameters.dataPrimes.0', (parent, key) => {
      parent[key] = '1152921504606830595';
    }),
  ).toMatchObject(rejected);
  expect(
    changed('plan.primes.0.sums', (parent, key) => {
      parent[key] = 9;
    }),
  ).toMatchObject(rejected);
  expect(
    changed('plan.layout.0.copyBits', (parent, key) => {
      parent[key] = 15;
    }),
  ).toMatchObject(rejected);
  expect(changed('plan.noise.predictedBudgetBits', increase)).toMatchObject(rejected);
  expect(changed('plan.counts.rotations', increase)).toMatchObject(rejected);
  expect(changed('plan.bytes.keys', increase)).toMatchObject(rejected);
  expect(changed('port.quantize.scale', increase)).toMatchObject({ code: 'malformed-plan' });
  expect(
    changed('version', (parent, key) => {
      parent[key] = 3;
    }),
  ).toMatchObject({
    code: 'malformed-plan',
    details: {
      message: expect.stringContaining('made by an older cipherconv'),
      expected: 'version 4 of the file',
      found: 'version 3',
      hint: 'compile the model again with this version',
    },
  });
  expect(
    changed('digest', (parent, key) => {
      parent[key] = '0'.repeat(64);
    }),
  ).toMatchObject({ code: 'malformed-plan' });
  expect(
    changed('plan.extra', (parent, key) => {
      parent[key] = 1;
    }),
  ).toMatchObject({ code: 'malformed-plan' });
});
