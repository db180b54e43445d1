import { encodeModel, float, int, ints, node, scalar, tensor, value } from '../frontend/onnx/models.ts';
import type { TensorInit } from '../frontend/onnx/models.ts';

/** ONNX models of networks with squares, in QDQ form: convolution, square, then dense layers with squares between. */
export interface NetworkModel {
  readonly shape: readonly [number, number, number];
  /** Levels are 0 to `largest`. */
  readonly largest: number;
  readonly convolution: {
    readonly filters: number;
    readonly kernel: readonly [number, number];
    readonly strides: readonly [number, number];
    readonly pads: readonly [number, number, number, number];
    readonly weights: readonly number[];
    readonly bias: readonly number[];
  };
  /** Rows by output. */
  readonly dense: readonly { readonly weights: readonly number[]; readonly bias: readonly number[] }[];
  /** Between the layers; default a square by Mul. */
  readonly activation?: 'Mul' | 'Pow' | 'Relu';
  /** Of all weights. */
  readonly scale?: number;
}

type Nodes = ReturnType<typeof node>[];

export function networkModel(network: NetworkModel): Uint8Array {
  const { shape, largest, convolution, dense } = network;
  const scale = network.scale ?? 1;
  const nodes: Nodes = [
    node('Clip', ['pictures', 'least', 'largest'], ['pixels']),
    node('QuantizeLinear', ['pixels', 'step', 'zero'], ['levels']),
    node('DequantizeLinear', ['levels', 'one', 'zero'], ['input']),
  ];
  const initializers: TensorInit[] = [
    scalar('least', 'float32', 0),
    scalar('largest', 'float32', 255),
    scalar('step', 'float32', 255 / largest),
    scalar('zero', 'uint8', 0),
    scalar('one', 'float32', 1),
    scalar('weightScale', 'float32', scale),
    scalar('two', 'float32', 2),
  ];
  // A product of scales for the biases: squares square it.
  let biasScale = scale;
  const constant = (
    name: string,
    type: 'int8' | 'int32',
    extents: readonly number[],
    values: readonly number[],
  ): void => {
    initializers.push(tensor(`${name}Integers`, type, extents, values));
    if (type === 'int32') initializers.push(scalar(`${name}Scale`, 'float32', biasScale));
    nodes.push(
      node('DequantizeLinear', [`${name}Integers`, type === 'int8' ? 'weightScale' : `${name}Scale`], [name]),
    );
  };
  const activate = (from: string, to: string): void => {
    const kind = network.activation ?? 'Mul';
    nodes.push(node(kind, kind === 'Mul' ? [from, from] : kind === 'Pow' ? [from, 'two'] : [from], [to]));
    biasScale *= biasScale;
  };
  const { filters, kernel, strides, pads } = convolution;
  constant('w0', 'int8', [filters, shape[0], ...kernel], convolution.weights);
  constant('b0', 'int32', [filters], convolution.bias);
  nodes.push(
    node(
      'Conv',
      ['input', 'w0', 'b0'],
      ['conv'],
      [ints('kernel_shape', kernel), ints('strides', strides), ints('pads', pads)],
    ),
  );
  activate('conv', 'squares0');
  nodes.push(node('Flatten', ['squares0'], ['x1']));
  dense.forEach(({ weights, bias }, index) => {
    const layer = index + 1;
    const isLast = layer === dense.length;
    biasScale *= scale;
    constant(`w${layer}`, 'int8', [bias.length, weights.length / bias.length], weights);
    constant(`b${layer}`, 'int32', [bias.length], bias);
    const output = isLast ? 'scores' : `y${layer}`;
    nodes.push(
      node('Gemm', [`x${layer}`, `w${layer}`, `b${layer}`], [output], [int('transB', 1), float('alpha', 1)]),
    );
    if (!isLast) activate(output, `x${layer + 1}`);
  });
  return encodeModel({
    nodes,
    initializers,
    inputs: [value('pictures', 'float32', [1, ...shape])],
    outputs: [value('scores', 'float32', [1, dense.at(-1)?.bias.length ?? 0])],
  });
}
