/**
 * A model of ResNet-50's shape with 8-bit pseudo-random weights, for `npm run bench:onnx`: a 7x7 stem of stride 2, four
 * stages of 3, 4, 6 and 3 bottlenecks with residual sums, global average pooling, one dense layer (He et al. 2015, arXiv
 * 1512.03385; the stride of a stage sits in its first 3x3 convolution). Activations are uint8 with zero point 0, so that
 * every QuantizeLinear is a Relu too; weights are int8 with one scale per output channel.
 */
import { ModelWriter } from './models/modelWriter.ts';
import type { Activation } from './models/modelWriter.ts';

export interface ResnetShape {
  /** `qdq`: float operators between DequantizeLinear and QuantizeLinear. `qlinear`: QLinearConv and QLinearMatMul. */
  readonly form: 'qdq' | 'qlinear';
  /** Channels behind the stem: 64 in ResNet-50. */
  readonly channels: number;
  /** Rows and columns of the picture: 224. */
  readonly size: number;
  readonly classes: number;
}

export const RESNET_50 = { channels: 64, size: 224, classes: 1000 } as const;

const OPSET = 17;
const BOTTLENECKS = [3, 4, 6, 3];
/** Channels of a bottleneck's output, relative to its inner ones. */
const EXPANSION = 4;

export interface Windows {
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  /** Groups of channels. Default 1. */
  readonly groups?: number;
  /** Of the output: 0 makes it a Relu, which is the default. */
  readonly zeroPoint?: number;
}

/** xorshift32: 25 million weights in a few tens of milliseconds, the same ones every time. */
function randomBytes(seed: number): (count: number) => Int8Array {
  let state = seed;
  return (count) =>
    Int8Array.from({ length: count }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >> 24;
    });
}

/** Grows the model; accumulators of `taps` random products come out at some 40 of 255 levels. */
export class ResnetWriter {
  readonly model = new ModelWriter();
  readonly #form: ResnetShape['form'];
  readonly #weights = randomBytes(50);

  constructor(form: ResnetShape['form']) {
    this.#form = form;
  }

  convolution(
    input: Activation,
    { outputs, kernel, stride, groups = 1, zeroPoint = 0 }: Windows,
  ): Activation {
    const [batch = 1, channels = 1, height = 1, width = 1] = input.shape;
    const pad = (kernel - 1) / 2;
    const [rows, columns] = [height, width].map((size) => Math.floor((size + 2 * pad - kernel) / stride) + 1);
    const attributes = {
      kernel_shape: { ints: [kernel, kernel] },
      strides: { ints: [stride, stride] },
      pads: { ints: [pad, pad, pad, pad] },
      ...(groups === 1 ? {} : { group: { int: groups } }),
    };
    const shape = [outputs, channels / groups, kernel, kernel];
    const to = { ...unsigned(input.scale), zeroPoint, shape: [batch, outputs, rows ?? 1, columns ?? 1] };
    return this.#linear(this.#form === 'qdq' ? 'Conv' : 'QLinearConv', input, { shape, attributes, to });
  }

  dense(input: Activation, outputs: number): Activation {
    const [batch = 1, features = 1] = input.shape;
    const to = { ...unsigned(input.scale), shape: [batch, outputs] };
    if (this.#form === 'qdq') {
      const attributes = { transB: { int: 1 } };
      return this.#linear('Gemm', input, { shape: [outputs, features], attributes, to });
    }
    return this.#linear('QLinearMatMul', input, { shape: [features, outputs], attributes: {}, to });
  }

  #linear(
    op: 'Conv' | 'Gemm' | 'QLinearConv' | 'QLinearMatMul',
    input: Activation,
    layer: Layer,
  ): Activation {
    const { model } = this;
    const { shape, attributes, to } = layer;
    const outputs = to.shape[1] ?? 1;
    const count = shape.reduce((product, extent) => product * extent, 1);
    // Random bytes are some 74 in magnitude, activations some 40.
    const scale = Math.fround(1 / (74 * Math.sqrt(count / outputs)));
    const scales = Array.from({ length: outputs }, (_, output) =>
      Math.fround(scale * (1 + (output % 7) / 16)),
    );
    const weights = [
      model.constant('int8', shape, this.#weights(count)),
      model.constant('float32', [outputs], scales),
      model.constant('int8', [outputs], new Int8Array(outputs)),
    ];
    const bias = model.constant(
      'int32',
      [outputs],
      Int32Array.from(this.#weights(outputs), (byte) => byte * 64),
    );
    if (op === 'QLinearConv' || op === 'QLinearMatMul') {
      const inputs = [input.name, ...this.#quantization(input), ...weights, ...this.#quantization(to)];
      return { ...to, name: model.node(op, op === 'QLinearConv' ? [...inputs, bias] : inputs, attributes) };
    }
    const floats = [
      model.dequantize(input),
      model.node('DequantizeLinear', weights, { axis: { int: 0 } }),
      model.node(
        'DequantizeLinear',
        [
          bias,
          model.constant(
            'float32',
            [outputs],
            scales.map((one) => Math.fround(one * input.scale)),
          ),
          model.constant('int32', [outputs], new Int32Array(outputs)),
        ],
        { axis: { int: 0 } },
      ),
    ];
    return model.quantize(model.node(op, floats, attributes), to);
  }

  #quantization({ scale, type, zeroPoint }: Omit<Activation, 'name'>): string[] {
    return [this.model.constant('float32', [], [scale]), this.model.constant(type, [], [zeroPoint])];
  }

  /** Three convolutions, and a sum with what came in; a 1x1 convolution brings that to the new shape first. */
  bottleneck(input: Activation, inner: number, stride: number): Activation {
    const outputs = inner * EXPANSION;
    const narrow = this.convolution(input, { outputs: inner, kernel: 1, stride: 1 });
    const middle = this.convolution(narrow, { outputs: inner, kernel: 3, stride });
    const wide = this.convolution(middle, { outputs, kernel: 1, stride: 1 });
    const isSame = stride === 1 && input.shape[1] === outputs;
    const shortcut = isSame ? input : this.convolution(input, { outputs, kernel: 1, stride });
    return this.sum(wide, shortcut);
  }

  /** Two convolutions, and a sum with what came in, as in ResNet-18. */
  basicBlock(input: Activation, outputs: number, stride: number): Activation {
    const first = this.convolution(input, { outputs, kernel: 3, stride });
    const second = this.convolution(first, { outputs, kernel: 3, stride: 1 });
    const isSame = stride === 1 && input.shape[1] === outputs;
    return this.sum(second, isSame ? input : this.convolution(input, { outputs, kernel: 1, stride }));
  }

  /** Of two activations of one shape, quantized anew. */
  sum(one: Activation, other: Activation): Activation {
    const added = this.model.node('Add', [this.model.dequantize(one), this.model.dequantize(other)]);
    const floats = one.zeroPoint === 0 ? this.model.node('Relu', [added]) : added;
    return this.model.quantize(floats, { ...one, scale: one.scale * 1.5 });
  }

  /** 3x3, stride 2, pads 1. */
  maxPool(input: Activation): Activation {
    const [batch = 1, channels = 1, height = 1, width = 1] = input.shape;
    const attributes = {
      kernel_shape: { ints: [3, 3] },
      strides: { ints: [2, 2] },
      pads: { ints: [1, 1, 1, 1] },
    };
    const shape = [batch, channels, ...[height, width].map((size) => Math.floor((size - 1) / 2) + 1)];
    return { ...input, shape, name: this.model.node('MaxPool', [input.name], attributes) };
  }

  /** Global average and Flatten: [batch, channels]. */
  average(input: Activation): Activation {
    const [batch = 1, channels = 1] = input.shape;
    const floats = this.model.node('GlobalAveragePool', [this.model.dequantize(input)]);
    const pooled = this.model.quantize(floats, { ...input, shape: [batch, channels, 1, 1] });
    return { ...pooled, shape: [batch, channels], name: this.model.node('Flatten', [pooled.name]) };
  }
}

interface Layer {
  readonly shape: readonly number[];
  readonly attributes: Parameters<ModelWriter['node']>[2];
  readonly to: Omit<Activation, 'name'>;
}

export function unsigned(scale: number): Omit<Activation, 'name' | 'shape'> {
  return { type: 'uint8', scale, zeroPoint: 0 };
}

/** The model file: input `picture`, float32 [1, 3, size, size]; output, float32 [1, classes]. */
export function resnetModel({ form, channels, size, classes }: ResnetShape): Uint8Array {
  const writer = new ResnetWriter(form);
  const { model } = writer;
  const picture = { name: 'picture', type: 'float32', shape: [1, 3, size, size] } as const;
  let value = model.quantize(picture.name, { ...unsigned(1 / 64), shape: picture.shape });
  value = writer.maxPool(writer.convolution(value, { outputs: channels, kernel: 7, stride: 2 }));
  BOTTLENECKS.forEach((count, stage) => {
    for (let index = 0; index < count; index++) {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      value = writer.bottleneck(value, channels * 2 ** stage, stride);
    }
  });
  const scores = writer.dense(writer.average(value), classes);
  const output = { name: model.dequantize(scores), type: 'float32', shape: scores.shape } as const;
  return model.encode('resnet-50', OPSET, [picture], [output]);
}
