import { z } from 'zod';
import { CipherconvError } from '../compiler/base/errors.ts';
import { datatypeRange } from '../compiler/base/interval.ts';
import { makeSpec } from '../compiler/convolution/spec.ts';
import type { ConvSpec } from '../compiler/convolution/spec.ts';
import { makeTensor } from '../compiler/base/tensor.ts';
import type { Tensor } from '../compiler/base/tensor.ts';

/**
 * A test vector: a whole integer convolution with its input and the accumulators that it must give. Vectors come from
 * other projects and carry their provenance beside the numbers; keys that are not needed here are let through.
 */
export interface TestVector {
  readonly spec: ConvSpec;
  readonly input: Tensor;
  readonly expected: Tensor;
}

const integers = z.array(z.int());
const shape4 = z.tuple([z.int().min(1), z.int().min(1), z.int().min(1), z.int().min(1)]);
const pair = z.tuple([z.int(), z.int()]);

const vectorSchema = z.looseObject({
  name: z.string(),
  layout: z.literal('NCHW'),
  input: z.object({ shape: shape4, data: integers, bits: z.int(), signed: z.boolean(), zeroPoint: z.int() }),
  weight: z.object({
    shape: shape4,
    data: integers,
    bits: z.int(),
    signed: z.boolean(),
    zeroPoint: z.union([z.int(), integers]),
  }),
  bias: z.nullable(integers),
  strides: pair,
  pads: z.tuple([z.int(), z.int(), z.int(), z.int()]),
  dilations: pair,
  group: z.int(),
  expectedAccumulator: z.object({ shape: shape4, data: integers }),
});

type VectorJson = z.infer<typeof vectorSchema>;

function vectorSpec(vector: VectorJson): ConvSpec {
  const [batch, channels, height, width] = vector.input.shape;
  const [outChannels, channelsPerGroup, kernelHeight, kernelWidth] = vector.weight.shape;
  const { zeroPoint } = vector.weight;
  return makeSpec({
    name: vector.name,
    input: {
      batch,
      channels,
      height,
      width,
      bits: vector.input.bits,
      signed: vector.input.signed,
      zeroPoint: vector.input.zeroPoint,
      range: datatypeRange(vector.input.bits, vector.input.signed),
    },
    weights: {
      outChannels,
      channelsPerGroup,
      kernelHeight,
      kernelWidth,
      bits: vector.weight.bits,
      signed: vector.weight.signed,
      zeroPoints: typeof zeroPoint === 'number' ? new Array<number>(outChannels).fill(zeroPoint) : zeroPoint,
      values: vector.weight.data,
    },
    bias: vector.bias ?? new Array<number>(outChannels).fill(0),
    strides: vector.strides,
    pads: vector.pads,
    dilations: vector.dilations,
    group: vector.group,
    accumulator: null,
  });
}

/**
 * Reads one vector. `file` is named in errors.
 * @throws CipherconvError `malformed-tensor` for JSON that is no vector, and what `makeSpec` throws.
 */
export function parseVector(text: string, file: string): TestVector {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CipherconvError(
      {
        code: 'malformed-json',
        where: file,
        message: error instanceof Error ? error.message : String(error),
      },
      { cause: error },
    );
  }
  const parsed = vectorSchema.safeParse(json);
  if (!parsed.success) {
    throw new CipherconvError({
      code: 'malformed-tensor',
      where: file,
      message: 'not a test vector',
      expected: 'input, weight, bias, strides, pads, dilations, group and expectedAccumulator',
      found: z.prettifyError(parsed.error),
    });
  }
  const { input, expectedAccumulator } = parsed.data;
  return {
    spec: vectorSpec(parsed.data),
    input: makeTensor(input.shape, input.data),
    expected: makeTensor(expectedAccumulator.shape, expectedAccumulator.data),
  };
}
