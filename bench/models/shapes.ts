/**
 * Networks of well-known shapes with 8-bit pseudo-random weights, for `npm run bench:models`: what a layer costs follows from
 * its shape, not from what it has learnt. Input `picture`, float32; every convolution and dense layer is to be encrypted.
 */
import { RESNET_50, resnetModel, ResnetWriter, unsigned } from '../resnet.ts';
import type { Activation } from './modelWriter.ts';

export interface NetworkShape {
  readonly name: string;
  /** Rows and columns of the picture, which has three channels. */
  readonly size: number;
  /** The model file. */
  readonly encode: () => Uint8Array;
}

const OPSET = 17;

function network(
  name: string,
  size: number,
  classes: number,
  body: (writer: ResnetWriter, picture: Activation) => Activation,
): NetworkShape {
  const encode = (): Uint8Array => {
    const writer = new ResnetWriter('qdq');
    const { model } = writer;
    const picture = { name: 'picture', type: 'float32', shape: [1, 3, size, size] } as const;
    const value = model.quantize(picture.name, { ...unsigned(1 / 64), shape: picture.shape });
    const scores = writer.dense(writer.average(body(writer, value)), classes);
    const output = { name: model.dequantize(scores), type: 'float32', shape: scores.shape } as const;
    return model.encode(name, OPSET, [picture], [output]);
  };
  return { name, size, encode };
}

/** MLPerf Tiny's picture classifier (Banbury et al. 2021, arXiv 2106.07597): three blocks on 32x32 pictures. */
const RESNET_8 = network('resnet-8', 32, 10, (writer, picture) => {
  let value = writer.convolution(picture, { outputs: 16, kernel: 3, stride: 1 });
  for (const outputs of [16, 32, 64]) value = writer.basicBlock(value, outputs, outputs === 16 ? 1 : 2);
  return value;
});

/** He et al. 2015, arXiv 1512.03385: a 7x7 stem, four stages of two blocks. */
const RESNET_18 = network('resnet-18', 224, 1000, (writer, picture) => {
  let value = writer.maxPool(writer.convolution(picture, { outputs: 64, kernel: 7, stride: 2 }));
  for (const outputs of [64, 128, 256, 512]) {
    value = writer.basicBlock(value, outputs, outputs === 64 ? 1 : 2);
    value = writer.basicBlock(value, outputs, 1);
  }
  return value;
});

/** Expansion, output channels, blocks, stride of the first: table 2 of Sandler et al. 2018, arXiv 1801.04381. */
const INVERTED = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The zero point of what may be negative. */
const MIDDLE = 128;

/** Wide, depthwise, narrow; the sum where the shape stays. The narrow output has no activation. */
function inverted(
  writer: ResnetWriter,
  input: Activation,
  { outputs, stride, expansion }: { outputs: number; stride: number; expansion: number },
): Activation {
  const inner = (input.shape[1] ?? 1) * expansion;
  const wide = expansion === 1 ? input : writer.convolution(input, { outputs: inner, kernel: 1, stride: 1 });
  const middle = writer.convolution(wide, { outputs: inner, kernel: 3, stride, groups: inner });
  const narrow = writer.convolution(middle, { outputs, kernel: 1, stride: 1, zeroPoint: MIDDLE });
  return stride === 1 && input.shape[1] === outputs ? writer.sum(narrow, input) : narrow;
}

const MOBILENET_V2 = network('mobilenet-v2', 224, 1000, (writer, picture) => {
  let value = writer.convolution(picture, { outputs: 32, kernel: 3, stride: 2 });
  for (const [expansion, outputs, blocks, first] of INVERTED) {
    for (let block = 0; block < blocks; block++)
      value = inverted(writer, value, { outputs, stride: block === 0 ? first : 1, expansion });
  }
  return writer.convolution(value, { outputs: 1280, kernel: 1, stride: 1 });
});

/** In the order of their work. */
export const NETWORKS: readonly NetworkShape[] = [
  RESNET_8,
  MOBILENET_V2,
  RESNET_18,
  {
    name: 'resnet-50',
    size: RESNET_50.size,
    encode: () => resnetModel({ form: 'qdq', ...RESNET_50 }),
  },
];
