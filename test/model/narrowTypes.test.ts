/** Quantized types that onnxruntime computes in floats: the integer rewrite is the reference, ties are counted. */
import { create, toBinary } from '@bufbuild/protobuf';
import { fc, runs } from '../support/properties.ts';
import { expect, it } from 'vitest';
import { ELEMENTS } from '../../src/frontend/onnx/proto/codes.ts';
import { importOnnx } from '../../src/frontend/onnx/importOnnx.ts';
import { ModelProtoSchema } from '../../src/frontend/onnx/proto/onnx_pb.ts';
import { toTensorProto } from '../../src/frontend/onnx/proto/tensorProto.ts';
import { nodeProto, valueProto } from '../../bench/models/write.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { randomIntegers } from '../support/specs.ts';

const TYPES = ['uint4', 'int4', 'uint8', 'int8', 'uint16', 'int16'] as const;
type Type = (typeof TYPES)[number];

function rangeOf(type: Type): { lo: number; hi: number } {
  const { bits, kind } = ELEMENTS[type];
  return kind === 'signed'
    ? { lo: -(2 ** (bits - 1)), hi: 2 ** (bits - 1) - 1 }
    : { lo: 0, hi: 2 ** bits - 1 };
}

const SHAPE = [1, 2, 5, 5] as const;

/** x -> Quantize -> Conv -> Relu -> Quantize -> Conv -> floats. */
function model(activation: Type, weight: Type, seed: number): Uint8Array {
  const random = randomIntegers(seed);
  const [range, weights] = [rangeOf(activation), rangeOf(weight)];
  const wide = { type: 'float32' as const, shape: [] };
  const constants = [
    toTensorProto({ ...wide, data: Float32Array.of(2 ** random(-6, 2)) }, 'sx'),
    toTensorProto({ ...wide, data: Float32Array.of(random(1, 1000) / 3000) }, 'sw'),
    toTensorProto({ ...wide, data: Float32Array.of(random(1, 1000) / 30) }, 'sy'),
    toTensorProto({ type: activation, shape: [], data: Int32Array.of(random(range.lo, range.hi)) }, 'z'),
    ...['w1', 'w2'].map((name) => {
      const data = Int32Array.from({ length: 2 * 2 * 9 }, () => random(weights.lo, weights.hi));
      return toTensorProto({ type: weight, shape: [2, 2, 3, 3], data }, name);
    }),
  ];
  const linear = (from: string, w: string, to: string): ReturnType<typeof nodeProto>[] => [
    nodeProto({ op: 'DequantizeLinear', inputs: [w, 'sw'], outputs: [`${w}_floats`] }),
    nodeProto({
      op: 'Conv',
      inputs: [from, `${w}_floats`],
      outputs: [to],
      attributes: { pads: { ints: [1, 1, 1, 1] } },
    }),
  ];
  const pair = (from: string, scale: string, to: string): ReturnType<typeof nodeProto>[] => [
    nodeProto({ op: 'QuantizeLinear', inputs: [from, scale, 'z'], outputs: [`${to}_q`] }),
    nodeProto({ op: 'DequantizeLinear', inputs: [`${to}_q`, scale, 'z'], outputs: [to] }),
  ];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [{ domain: '', version: 21n }],
      graph: {
        name: 'narrow',
        node: [
          ...pair('x', 'sx', 'a'),
          ...linear('a', 'w1', 'b'),
          nodeProto({ op: 'Relu', inputs: ['b'], outputs: ['c'] }),
          ...pair('c', 'sy', 'd'),
          ...linear('d', 'w2', 'y'),
        ],
        initializer: constants,
        input: [valueProto('x', 'float32', SHAPE)],
        output: [valueProto('y', 'float32', SHAPE)],
      },
    }),
  );
}

it('4, 8 and 16-bit activations and weights', async () => {
  let told = 0;
  const type = fc.constantFrom(...TYPES);
  await fc.assert(
    fc.asyncProperty(type, type, fc.integer({ min: 0, max: 2 ** 31 }), async (activation, weight, seed) => {
      const plan = compileModel(await importOnnx(model(activation, weight, seed)));
      const random = randomIntegers(seed);
      const data = Array.from({ length: 50 }, () => random(-3000, 3000) / 100);
      const { report } = await runModel(plan, new Map([['x', typedTensor('float32', SHAPE, data, 'x')]]));
      expect(report.layers).toHaveLength(2);
      expect(report.match).toBe(true);
      expect(report.comparison).toEqual({ outputs: 50, mismatches: 0 });
      // In floats a sum may be rounded the other way; 4-bit types onnxruntime refuses under full optimization.
      if (report.statistic !== null) told++;
    }),
    { numRuns: runs(10) },
  );
  expect(told).toBeGreaterThan(0);
});
