/**
 * A network of MobileNetV2's shape (Sandler et al. 2018, arXiv 1801.04381): a stem of stride 2, inverted residual blocks
 * (1x1 expansion, 3x3 depthwise, 1x1 projection without activation), residual sums where a block keeps its shape, one more
 * 1x1 convolution, global average pooling, one dense layer. Relu6 is a Clip before the QuantizeLinear.
 */
import { QdqWriter } from './qdqWriter.ts';
import type { ShapedNetwork, Signal } from './qdqWriter.ts';

/** Expansion, output channels, repeats, stride of the first. */
type Stage = readonly [expansion: number, channels: number, repeats: number, stride: number];

export interface MobileNetShape {
  readonly size: number;
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly head: number;
  readonly classes: number;
}

/** As published. */
export const MOBILE_NET_V2: MobileNetShape = {
  size: 224,
  stem: 32,
  stages: [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ],
  head: 1280,
  classes: 1000,
};

/** Small, with two residual sums, one of them read by two operators. */
export const NARROW_MOBILE_NET: MobileNetShape = {
  size: 32,
  stem: 4,
  stages: [
    [1, 4, 1, 1],
    [3, 6, 3, 2],
    [3, 8, 2, 2],
  ],
  head: 16,
  classes: 10,
};

export function mobileNet({ size, stem, stages, head, classes }: MobileNetShape): ShapedNetwork {
  const writer = new QdqWriter(2);
  const input = [1, 3, size, size];
  let value = writer.convolution(writer.picture(input), {
    outputs: stem,
    kernel: 3,
    stride: 2,
    ending: 'relu6',
  });
  for (const [expansion, channels, repeats, stride] of stages) {
    for (let index = 0; index < repeats; index++)
      value = invertedResidual(writer, value, { expansion, channels, stride: index === 0 ? stride : 1 });
  }
  value = writer.convolution(value, { outputs: head, kernel: 1, ending: 'relu6' });
  const scores = writer.dense(writer.average(value), classes);
  return { bytes: writer.encode('mobilenet-v2', input, [scores]), input, linearCount: writer.linearCount };
}

function invertedResidual(
  writer: QdqWriter,
  input: Signal,
  {
    expansion,
    channels,
    stride,
  }: { readonly expansion: number; readonly channels: number; readonly stride: number },
): Signal {
  const inner = (input.shape[1] ?? 1) * expansion;
  const wide =
    expansion === 1 ? input : writer.convolution(input, { outputs: inner, kernel: 1, ending: 'relu6' });
  const filtered = writer.convolution(wide, {
    outputs: inner,
    kernel: 3,
    stride,
    depthwise: true,
    ending: 'relu6',
  });
  const narrow = writer.convolution(filtered, { outputs: channels, kernel: 1 });
  return narrow.shape.join() === input.shape.join() ? writer.add(input, narrow) : narrow;
}
