/** Convolutions in onnxruntime-web, for the comparison in `npm run bench:clear`. */
import { outputShape } from '../../compiler/convolution/shape.ts';
import { centredWeights } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { ELEMENT, encodeConvModel } from './convModel.ts';
import type { ConvModel } from './convModel.ts';
import type { Ort, OrtTensor } from '../model/ort.ts';

export const ORT_NAMES = Object.freeze({
  float: 'onnxruntime-web Conv',
  integer: 'onnxruntime-web ConvInteger',
});

/** One convolution in onnxruntime. */
export interface OrtConvolution {
  readonly name: string;
  /** Accumulators, NCHW, still in the runtime's own type. */
  readonly run: () => Promise<ArrayLike<number>>;
  readonly release: () => Promise<void>;
}

function model(spec: ConvSpec, parts: Pick<ConvModel, 'operator' | 'inputs' | 'initializers'>): Uint8Array {
  const { batch, channels, height, width } = spec.input;
  const output = outputShape(spec);
  const isFloat = parts.operator === 'Conv';
  return encodeConvModel({
    ...parts,
    input: { type: isFloat ? ELEMENT.float : ELEMENT.uint8, shape: [batch, channels, height, width] },
    output: {
      type: isFloat ? ELEMENT.float : ELEMENT.int32,
      shape: [output.batch, output.channels, output.height, output.width],
    },
    pads: spec.pads,
    strides: spec.strides,
  });
}

function filterShape({ weights }: ConvSpec): number[] {
  return [weights.outChannels, weights.channelsPerGroup, weights.kernelHeight, weights.kernelWidth];
}

/** `Conv` in 32-bit floats, as the tutorials have it: exact while every sum is below 2^24. */
function floatModel(spec: ConvSpec): Uint8Array {
  const data = Float32Array.from(centredWeights(spec.weights));
  return model(spec, {
    operator: 'Conv',
    inputs: ['x', 'w'],
    initializers: [{ name: 'w', type: ELEMENT.float, shape: filterShape(spec), data }],
  });
}

/** `ConvInteger` on unsigned bytes; the weights are shifted by 128 and their zero point says so. */
function integerModel(spec: ConvSpec): Uint8Array {
  const data = Uint8Array.from(centredWeights(spec.weights), (weight) => weight + 128);
  return model(spec, {
    operator: 'ConvInteger',
    inputs: ['x', 'w', 'xz', 'wz'],
    initializers: [
      { name: 'w', type: ELEMENT.uint8, shape: filterShape(spec), data },
      { name: 'xz', type: ELEMENT.uint8, shape: [], data: Uint8Array.of(spec.input.zeroPoint) },
      { name: 'wz', type: ELEMENT.uint8, shape: [], data: Uint8Array.of(128) },
    ],
  });
}

async function convolution(
  ort: Ort,
  name: string,
  bytes: Uint8Array,
  input: OrtTensor,
): Promise<OrtConvolution> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return {
    name,
    // float32 or int32: never the 64-bit integers that a tensor may hold.
    run: async () => ((await session.run({ x: input }))['y']?.data ?? []) as ArrayLike<number>,
    release: () => session.release(),
  };
}

/**
 * Both convolutions of onnxruntime for a layer: floats and integers. For unsigned 8-bit inputs at most, zero point 0,
 * centred weights in [-128, 127], no dilation and one group: what the tutorials' layers have.
 */
export async function ortConvolutions(ort: Ort, spec: ConvSpec, input: Tensor): Promise<OrtConvolution[]> {
  const floats = new ort.Tensor('float32', Float32Array.from(input.data), input.shape);
  const bytes = new ort.Tensor('uint8', Uint8Array.from(input.data), input.shape);
  return [
    await convolution(ort, ORT_NAMES.float, floatModel(spec), floats),
    await convolution(ort, ORT_NAMES.integer, integerModel(spec), bytes),
  ];
}
