/**
 * A detector of YOLOv8's shape: strided convolutions with SiLU (x * sigmoid(x), each quantized), blocks that concatenate
 * what their steps make (C2f), pooling of pools (SPPF), nearest upsampling joined with an earlier stage, and two heads with
 * sigmoid outputs.
 */
import { QdqWriter } from './qdqWriter.ts';
import type { ShapedNetwork, Signal } from './qdqWriter.ts';

export interface YoloShape {
  readonly size: number;
  /** Channels of the first convolution; every stage doubles them. */
  readonly channels: number;
  /** What a cell of a head says. */
  readonly outputs: number;
}

export const NARROW_YOLO: YoloShape = { size: 32, channels: 4, outputs: 7 };
/** YOLOv8n's widths, a picture of half its size. */
export const YOLO_N: YoloShape = { size: 320, channels: 16, outputs: 84 };

export function yolo({ size, channels, outputs }: YoloShape): ShapedNetwork {
  const writer = new QdqWriter(8);
  const input = [1, 3, size, size];
  const stem = convolution(writer, writer.picture(input), channels, 3, 2);
  const second = split(writer, convolution(writer, stem, 2 * channels, 3, 2));
  const third = split(writer, convolution(writer, second, 4 * channels, 3, 2));
  const deepest = pyramid(writer, convolution(writer, third, 8 * channels, 3, 2));
  const upper = split(writer, writer.concat([writer.upsample(deepest), third]));
  const heads = [upper, deepest].map((from) => {
    const narrow = convolution(writer, from, 2 * channels, 3, 1);
    return writer.sigmoid(writer.convolution(narrow, { outputs, kernel: 1 }));
  });
  return { bytes: writer.encode('yolo', input, heads), input, linearCount: writer.linearCount };
}

function convolution(
  writer: QdqWriter,
  input: Signal,
  outputs: number,
  kernel: number,
  stride: number,
): Signal {
  return writer.silu(writer.convolution(input, { outputs, kernel, stride }));
}

/** What came in and two steps of it, side by side, and a 1x1 convolution over all: three readers of one tensor. */
function split(writer: QdqWriter, input: Signal): Signal {
  const channels = input.shape[1] ?? 1;
  const start = convolution(writer, input, channels, 1, 1);
  const once = convolution(writer, start, channels, 3, 1);
  const sum = writer.add(start, convolution(writer, once, channels, 3, 1));
  return convolution(writer, writer.concat([start, once, sum]), channels, 1, 1);
}

/** Pools of pools, side by side. */
function pyramid(writer: QdqWriter, input: Signal): Signal {
  const once = writer.maxPool(input, 5);
  const twice = writer.maxPool(once, 5);
  return convolution(writer, writer.concat([input, once, twice]), input.shape[1] ?? 1, 1, 1);
}
