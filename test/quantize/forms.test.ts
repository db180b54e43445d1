import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { encodeModel, nodeProto, tensorProto, valueProto } from '../../bench/models/write.ts';
import type { NodeParts } from '../../bench/models/write.ts';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { makeRandom } from '../../src/fit/random.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { ModelProtoSchema, ValueInfoProtoSchema } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import { readModelProto } from '../../src/frontend/onnx/proto/readProto.ts';
import { openWith, requireOrt, runSample } from '../../src/quantize/calibrate.ts';
import { raised } from '../../src/quantize/operatorSet.ts';
import { quantizeModel } from '../../src/quantize/quantizeModel.ts';
import type { QuantizeModelOptions } from '../../src/quantize/quantizeModel.ts';
import { temporaryFolder } from '../cli/spawnCli.ts';

/** Float networks as frameworks export them, in small. */

const folder = temporaryFolder();
const OPTIONS: QuantizeModelOptions = {
  file: 'float.onnx',
  folder: null,
  bits: { weights: 8, input: 8 },
  ranges: { kind: 'min-max' },
  accumulatorBits: null,
  onProgress: () => undefined,
};
const random = makeRandom(11);
const normals = (count: number, size = 1): number[] =>
  Array.from({ length: count }, () => Math.fround(size * random.normal()));

interface Network {
  readonly constants: Readonly<Record<string, readonly [shape: number[], values?: number[]]>>;
  readonly nodes: readonly NodeParts[];
  readonly opset?: number;
  readonly input?: readonly (number | string)[];
}

const SHAPE = [1, 4, 6, 6];

/** A network from `x` to `y`; constants are normal unless said. */
function network({ constants, nodes, opset = 13, input = SHAPE }: Network): Uint8Array {
  return encodeModel({
    name: 'network',
    opset,
    inputs: [valueProto('x', 'float32', input)],
    outputs: [create(ValueInfoProtoSchema, { name: 'y' })],
    initializers: Object.entries(constants).map(([name, [shape, values]]) => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      return values !== undefined && name.startsWith('i_')
        ? tensorProto(name, 'int64', shape, values)
        : tensorProto(name, 'float32', shape, values ?? normals(count, 0.4));
    }),
    nodes: nodes.map(nodeProto),
  });
}

function samples(
  count: number,
  [, ...shape]: readonly number[] = SHAPE,
): Parameters<typeof quantizeModel>[1] {
  const each = shape.reduce((product, extent) => product * extent, 1);
  return { shape: [count, ...shape], data: Float64Array.from(normals(count * each)), type: 'f4' };
}

const conv = (name: string, from: string, to: string, more: NodeParts['attributes'] = {}): NodeParts => ({
  op: 'Conv',
  name,
  inputs: [from, `${name}_w`, `${name}_b`],
  outputs: [to],
  attributes: { pads: { ints: [1, 1, 1, 1] }, ...more },
});

const NETWORKS: Readonly<Record<string, readonly [Network, layers: readonly string[]]>> = {
  'depthwise and pointwise, Relu6': [
    {
      constants: {
        d_w: [[4, 1, 3, 3]],
        d_b: [[4]],
        p_w: [[6, 4, 1, 1]],
        p_b: [[6]],
        low: [[], [0]],
        high: [[], [6]],
      },
      nodes: [
        conv('d', 'x', 'c', { group: { int: 4 } }),
        { op: 'Clip', inputs: ['c', 'low', 'high'], outputs: ['r'] },
        conv('p', 'r', 'y', { pads: { ints: [0, 0, 0, 0] } }),
      ],
    },
    ['d', 'p'],
  ],
  'residual, BatchNormalization on its own': [
    {
      constants: {
        a_w: [[4, 4, 3, 3]],
        a_b: [[4]],
        b_w: [[4, 4, 3, 3]],
        b_b: [[4]],
        gamma: [[4], [1, 0.5, 2, 1]],
        beta: [[4], [0, 0.1, -0.1, 0.3]],
        mean: [[4], [0.2, 0, -0.3, 0]],
        variance: [[4], [1, 2, 0.5, 1]],
      },
      nodes: [
        conv('a', 'x', 'c'),
        { op: 'BatchNormalization', inputs: ['c', 'gamma', 'beta', 'mean', 'variance'], outputs: ['n'] },
        { op: 'Relu', inputs: ['n'], outputs: ['r'] },
        conv('b', 'r', 'd'),
        { op: 'Add', inputs: ['d', 'x'], outputs: ['y'] },
      ],
      input: ['batch', 4, 6, 6],
    },
    ['a', 'b'],
  ],
  'ConvTranspose, of one group and of two': [
    {
      constants: { t_w: [[4, 6, 2, 2]], t_b: [[6]], g_w: [[6, 2, 3, 3]], g_b: [[4]] },
      nodes: [
        {
          op: 'ConvTranspose',
          name: 't',
          inputs: ['x', 't_w', 't_b'],
          outputs: ['u'],
          attributes: { strides: { ints: [2, 2] } },
        },
        {
          op: 'ConvTranspose',
          name: 'g',
          inputs: ['u', 'g_w', 'g_b'],
          outputs: ['y'],
          attributes: { group: { int: 2 } },
        },
      ],
    },
    ['t', 'g'],
  ],
  'Gemm with alpha and beta, a MatMul whose weights pass a Reshape and a Transpose': [
    {
      constants: { g_w: [[144, 5]], g_b: [[1, 5]], m_w: [[15]], i_shape: [[2], [3, 5]] },
      nodes: [
        { op: 'Flatten', inputs: ['x'], outputs: ['f'] },
        {
          op: 'Gemm',
          name: 'g',
          inputs: ['f', 'g_w', 'g_b'],
          outputs: ['h'],
          attributes: { alpha: { float: 0.5 }, beta: { float: 2 } },
        },
        { op: 'Reshape', inputs: ['m_w', 'i_shape'], outputs: ['m_r'] },
        { op: 'Transpose', inputs: ['m_r'], outputs: ['m_t'], attributes: { perm: { ints: [1, 0] } } },
        { op: 'MatMul', name: 'm', inputs: ['h', 'm_t'], outputs: ['y'] },
      ],
    },
    ['g', 'm'],
  ],
  'nodes without names': [
    {
      constants: { a_w: [[4, 4, 3, 3]], a_b: [[4]] },
      nodes: [
        { ...conv('a', 'x', 'c'), name: '' },
        { ...conv('a', 'c', 'y'), name: '' },
      ],
    },
    ['c', 'y'],
  ],
};

describe('float networks', () => {
  it.each(Object.entries(NETWORKS))('%s: every layer becomes one of integers', async (_, [parts, names]) => {
    const { model, report } = await quantizeModel(network(parts), samples(8), OPTIONS);
    expect(report.left).toEqual([]);
    expect(report.layers.map(({ name }) => name)).toEqual(names);
    expect(report.accuracy.rmsDifference).toBeLessThan(0.03 * report.accuracy.rmsValue);
    expect(report.accuracy.rmsDifference).toBeGreaterThan(0);
    const found = await importOnnx(model, {
      extents: new Map(parts.input === undefined ? [] : [['batch', 1]]),
    });
    expect(found.layers.map(({ name }) => name)).toEqual(names);
    // The float weights are gone.
    const { graph } = readModelProto(model, 'q');
    expect(graph.initializer.filter(({ name, dims }) => name.endsWith('_w') && dims.length > 0)).toEqual([]);
  });

  it('a bias that dwarfs its weights keeps its value, and does not widen the sums', async () => {
    const weights = normals(4 * 4 * 9, 0.4).map((weight, index) => (index < 36 ? weight * 1e-9 : weight));
    weights.fill(0, 36, 72);
    const parts: Network = {
      constants: { a_w: [[4, 4, 3, 3], weights], a_b: [[4], [0.7, 0.3, 0.2, -0.1]] },
      nodes: [conv('a', 'x', 'y')],
    };
    const { model, report } = await quantizeModel(network(parts), samples(4), OPTIONS);
    expect(report.layers[0]!.accumulatorBits).toBeLessThanOrEqual(24);
    expect(report.accuracy.largestDifference).toBeLessThan(0.1);
    const [layer] = (await importOnnx(model)).layers;
    const scales = layer!.output.kind === 'scaled' ? layer!.output.scales : [];
    expect(layer!.spec.bias[0]! * scales[0]!).toBeCloseTo(0.7, 5);
    expect(layer!.spec.bias[1]! * scales[1]!).toBeCloseTo(0.3, 5);
    const narrow = await quantizeModel(network(parts), samples(4), { ...OPTIONS, accumulatorBits: 12 });
    expect(narrow.report.layers[0]!.accumulatorBits).toBeLessThanOrEqual(12);
  });

  it('takes weights from a file beside the model', async () => {
    const parts: Network = {
      constants: { a_w: [[4, 4, 3, 3]], a_b: [[4]] },
      nodes: [conv('a', 'x', 'y')],
    };
    const bytes = network(parts);
    const calibration = samples(3);
    const whole = await quantizeModel(bytes, calibration, OPTIONS);
    const { proto, graph } = readModelProto(bytes, 'float');
    const [weights, ...others] = graph.initializer;
    writeFileSync(join(folder, 'w.bin'), weights!.rawData);
    const external = [{ key: 'location', value: 'w.bin' }].map((entry) => ({
      ...entry,
      $typeName: 'onnx.StringStringEntryProto' as const,
    }));
    const outside = { ...weights!, rawData: new Uint8Array(), dataLocation: 1, externalData: external };
    const parted = toBinary(ModelProtoSchema, {
      ...proto,
      graph: { ...graph, initializer: [outside, ...others] },
    });
    const found = await quantizeModel(parted, calibration, { ...OPTIONS, folder });
    expect(Buffer.compare(found.model, whole.model)).toBe(0);
    await expect(quantizeModel(parted, calibration, OPTIONS)).rejects.toThrow('not read from a folder');
  });

  it('refuses what is not finite', async () => {
    const parts: Network = {
      constants: { a_w: [[4, 4, 3, 3]], a_b: [[4]] },
      nodes: [{ op: 'Log', inputs: ['x'], outputs: ['l'] }, conv('a', 'l', 'y')],
    };
    const error: unknown = await quantizeModel(network(parts), samples(2), OPTIONS).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CipherconvError);
    expect([(error as CipherconvError).code, String(error)]).toEqual([
      'out-of-range',
      expect.stringContaining('sample 0, tensor "l"'),
    ]);
  });
});

describe('older operator sets', () => {
  const LAST: readonly NodeParts[] = [{ op: 'Relu', inputs: ['z'], outputs: ['y'] }];
  const OLD: Readonly<Record<string, readonly [opset: number, nodes: readonly NodeParts[]]>> = {
    'Clip with attributes': [
      6,
      [{ op: 'Clip', inputs: ['c'], outputs: ['z'], attributes: { min: { float: 0 }, max: { float: 0.5 } } }],
    ],
    'Softmax over all that is behind an axis': [
      9,
      [{ op: 'Softmax', inputs: ['c'], outputs: ['z'], attributes: { axis: { int: 2 } } }],
    ],
    'LogSoftmax, axis left out': [11, [{ op: 'LogSoftmax', inputs: ['c'], outputs: ['z'] }]],
    'Pad and Slice': [
      9,
      [
        {
          op: 'Pad',
          inputs: ['c'],
          outputs: ['p'],
          attributes: { pads: { ints: [0, 0, 1, 2, 0, 0, 0, 1] }, value: { float: 0.25 } },
        },
        {
          op: 'Slice',
          inputs: ['p'],
          outputs: ['z'],
          attributes: { starts: { ints: [1] }, ends: { ints: [5] }, axes: { ints: [3] } },
        },
      ],
    ],
    'Dropout, Unsqueeze, Squeeze, ReduceSum': [
      11,
      [
        { op: 'Dropout', inputs: ['c'], outputs: ['d'], attributes: { ratio: { float: 0.5 } } },
        { op: 'Unsqueeze', inputs: ['d'], outputs: ['u'], attributes: { axes: { ints: [0] } } },
        { op: 'Squeeze', inputs: ['u'], outputs: ['s'], attributes: { axes: { ints: [0] } } },
        { op: 'ReduceSum', inputs: ['s'], outputs: ['z'], attributes: { axes: { ints: [2] } } },
      ],
    ],
    'Upsample, nearest': [
      9,
      [
        {
          op: 'Upsample',
          inputs: ['c', 'scales'],
          outputs: ['z'],
          attributes: { mode: { text: 'nearest' } },
        },
      ],
    ],
    'Upsample, linear': [
      9,
      [{ op: 'Upsample', inputs: ['c', 'scales'], outputs: ['z'], attributes: { mode: { text: 'linear' } } }],
    ],
  };

  it.each(Object.entries(OLD))('%s: the same outputs as before', async (_, [opset, nodes]) => {
    const bytes = network({
      constants: { a_w: [[3, 4, 3, 3]], a_b: [[3]], scales: [[4], [1, 1, 2, 2]] },
      nodes: [conv('a', 'x', 'c'), ...nodes, ...LAST],
      opset,
    });
    const ort = await requireOrt();
    const source = readModelProto(bytes, 'old');
    const given = samples(1);
    const one = { name: 'x', shape: SHAPE, items: [Float32Array.from(given.data)] };
    const run = async (model: typeof source): Promise<number[]> => {
      const session = await openWith(ort, model, []);
      const found = await runSample(session, one, 0);
      await session.release();
      return Array.from(found.get('y') ?? []);
    };
    const now = raised(source, 'old');
    expect(now.proto.opsetImport[0]?.version).toBe(13n);
    const wanted = await run(source);
    expect(wanted.length).toBeGreaterThan(10);
    expect(await run(now)).toEqual(wanted);
    const { report } = await quantizeModel(bytes, given, OPTIONS);
    expect(report.layers.map(({ name }) => name)).toEqual(['a']);
  });

  it('an operator of which nothing is known is refused by name', () => {
    const bytes = network({
      constants: {},
      nodes: [{ op: 'Resize', inputs: ['x'], outputs: ['y'] }],
      opset: 10,
    });
    expect(() => raised(readModelProto(bytes, 'old'), 'old')).toThrow('Resize of operator set 10');
  });
});
