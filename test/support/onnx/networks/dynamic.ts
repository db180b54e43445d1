/** Models as onnxruntime's quantize_dynamic writes them. */
import { ModelWriter } from '../../../../bench/models/modelWriter.ts';
import type { ShapedNetwork } from './qdqWriter.ts';
import { encodeModel, nodeProto, valueProto } from '../../../../bench/models/write.ts';

/** Small fixed pseudo-random integers in [lo, hi]. */
export function integers(count: number, lo: number, hi: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return lo + ((state >>> 8) % (hi - lo + 1));
  });
}

export interface DynamicWeights {
  readonly type: 'uint8' | 'int8';
  readonly shape: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly scales: readonly number[];
}

/** Collects a network whose linear layers are quantized at run time. */
export class DynamicWriter {
  readonly #writer = new ModelWriter();

  node(...parts: Parameters<ModelWriter['node']>): string {
    return this.#writer.node(...parts);
  }

  constant(...parts: Parameters<ModelWriter['constant']>): string {
    return this.#writer.constant(...parts);
  }

  /** A node with several outputs or of another domain. @returns the names of the outputs */
  wide(op: string, inputs: readonly string[], count: number, domain = ''): string[] {
    const outputs = Array.from(
      { length: count },
      (_, index) => `${op}_${this.#writer.nodes.length}_${index}`,
    );
    this.#writer.nodes.push(nodeProto({ op, inputs, outputs, domain }));
    return outputs;
  }

  /** Weights, their scales, their zero points. */
  weights({ type, shape, zeroPoints, scales }: DynamicWeights, seed = 1): readonly [string, string, string] {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const [lo, hi] = type === 'int8' ? [-128, 127] : [0, 255];
    const list = (values: readonly number[]): number[] => (values.length === 1 ? [] : [values.length]);
    return [
      this.constant(type, shape, integers(count, lo, hi, seed)),
      this.constant('float32', list(scales), scales),
      this.constant(type, list(zeroPoints), zeroPoints),
    ];
  }

  /** DynamicQuantizeLinear, integer operator, Cast, Mul, Mul. @returns the floats */
  layer(
    op: 'ConvInteger' | 'MatMulInteger',
    x: string,
    weights: DynamicWeights,
    attributes: Parameters<ModelWriter['node']>[2] = {},
  ): string {
    const [q = '', scale = '', zero = ''] = this.wide('DynamicQuantizeLinear', [x], 3);
    const [w, weightScale, weightZero] = this.weights(weights, this.#writer.nodes.length);
    const integer = this.node(op, [q, w, zero, weightZero], attributes);
    const floats = this.node('Cast', [integer], { to: { int: 1 } });
    return this.node('Mul', [floats, this.node('Mul', [scale, weightScale])]);
  }

  /** @param rank of the output, along whose second axis the bias lies */
  bias(x: string, channels: number, rank: number): string {
    const values = integers(channels, -50, 50).map((value) => value / 16);
    const shape = Array.from({ length: rank }, (_, axis) => (axis === 1 ? channels : 1));
    return this.node('Add', [x, this.constant('float32', shape, values)]);
  }

  encode(input: readonly (number | string)[], output: string): Uint8Array {
    return encodeModel({
      name: 'dynamic',
      opset: 13,
      domains: { 'com.microsoft': 1 },
      inputs: [valueProto('x', 'float32', input)],
      outputs: [{ ...valueProto(output, 'float32', []), type: undefined }],
      initializers: this.#writer.initializers,
      nodes: this.#writer.nodes,
    });
  }
}

/** Two convolutions with pools, two dense layers: a LeNet for pictures of 12 x 12. */
export function dynamicLeNet(): Uint8Array {
  const net = new DynamicWriter();
  const square = (channels: readonly [number, number], zero: number): DynamicWeights => ({
    type: 'uint8',
    shape: [...channels, 3, 3],
    zeroPoints: [zero],
    scales: [0.01],
  });
  const pads = { pads: { ints: [1, 1, 1, 1] }, kernel_shape: { ints: [3, 3] } };
  const pool = { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } };
  let x = net.bias(net.layer('ConvInteger', 'x', square([4, 1], 128), pads), 4, 4);
  x = net.node('MaxPool', [net.node('Relu', [x])], pool);
  x = net.bias(net.layer('ConvInteger', x, square([8, 4], 117), pads), 8, 4);
  x = net.node('AveragePool', [net.node('Relu', [x])], pool);
  x = net.node('Flatten', [x]);
  x = net.layer('MatMulInteger', x, { type: 'int8', shape: [72, 16], zeroPoints: [0], scales: [0.02] });
  x = net.node('Relu', [net.bias(x, 16, 2)]);
  x = net.layer('MatMulInteger', x, { type: 'int8', shape: [16, 10], zeroPoints: [3], scales: [0.02] });
  return net.encode(['batch', 1, 12, 12], net.bias(x, 10, 2));
}

export interface DynamicResnetShape {
  readonly size: number;
  /** Of the first stage; every stage doubles them. */
  readonly channels: number;
  readonly classes: number;
}

export const NARROW_RESNET_18: DynamicResnetShape = { size: 32, channels: 4, classes: 10 };
export const RESNET_18: DynamicResnetShape = { size: 224, channels: 64, classes: 1000 };

/**
 * ResNet-18 (He et al. 2015, arXiv 1512.03385), its batch normalizations folded into biases: a 7x7 stem of stride 2, four
 * stages of two basic blocks with residual sums, global average pooling, one dense layer.
 */
export function dynamicResnet18({ size, channels, classes }: DynamicResnetShape): ShapedNetwork {
  const input = [1, 3, size, size];
  const net = new DynamicWriter();
  let x = net.node('Relu', [square(net, 'x', { from: 3, to: channels, kernel: 7, stride: 2 })]);
  const pool = { kernel_shape: { ints: [3, 3] }, strides: { ints: [2, 2] }, pads: { ints: [1, 1, 1, 1] } };
  x = net.node('MaxPool', [x], pool);
  for (let stage = 0, from = channels; stage < 4; stage++) {
    const to = channels * 2 ** stage;
    for (let block = 0; block < 2; block++, from = to) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = net.node('Relu', [square(net, x, { from, to, kernel: 3, stride })]);
      const outer = square(net, inner, { from: to, to, kernel: 3, stride: 1 });
      const shortcut = from === to && stride === 1 ? x : square(net, x, { from, to, kernel: 1, stride });
      x = net.node('Relu', [net.node('Add', [outer, shortcut])]);
    }
  }
  x = net.node('Flatten', [net.node('GlobalAveragePool', [x])]);
  const features = channels * 8;
  const weights = { type: 'int8', shape: [features, classes], zeroPoints: [0], scales: [0.01] } as const;
  const bytes = net.encode(input, net.bias(net.layer('MatMulInteger', x, weights), classes, 2));
  return { bytes, input, linearCount: 21 };
}

interface Square {
  readonly from: number;
  readonly to: number;
  readonly kernel: number;
  readonly stride: number;
}

/** A convolution with uint8 weights, as quantize_dynamic has them, that keeps values about as large as they were. */
function square(net: DynamicWriter, x: string, { from, to, kernel, stride }: Square): string {
  const pad = Math.floor(kernel / 2);
  const scale = Math.fround(1 / (74 * Math.sqrt(from * kernel * kernel)));
  const weights = {
    type: 'uint8',
    shape: [to, from, kernel, kernel],
    zeroPoints: [127],
    scales: [scale],
  } as const;
  const attributes = {
    kernel_shape: { ints: [kernel, kernel] },
    strides: { ints: [stride, stride] },
    pads: { ints: [pad, pad, pad, pad] },
  };
  return net.bias(net.layer('ConvInteger', x, weights, attributes), to, 4);
}
