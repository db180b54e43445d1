import { internalError } from '../../compiler/base/errors.ts';
import { encodeModel, nodeProto, tensorProto, valueProto } from '../frontend/onnx/proto/write.ts';
import type { ConvolutionLayer } from './architectureSchema.ts';
import type { IntegerLayer, IntegerNetwork } from './integerNetwork.ts';
import { countOf } from './stages.ts';

/**
 * A trained network as an ONNX model in QDQ form: pixels are cut to their range and quantized to levels; all weights and
 * biases are integers behind DequantizeLinear with scale 1 (behind a pool: its area), so that every score is a whole number.
 */

/** uint8 with per-tensor scales; squares are Mul. */
const OPSET = 13;

class Graph {
  readonly nodes: ReturnType<typeof nodeProto>[] = [];
  readonly initializers: ReturnType<typeof tensorProto>[] = [];

  /** @returns the name of the output */
  node(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Parameters<typeof nodeProto>[0]['attributes'] = {},
  ): string {
    this.nodes.push(nodeProto({ op, inputs, outputs: [output], attributes }));
    return output;
  }

  constant(...parts: Parameters<typeof tensorProto>): string {
    this.initializers.push(tensorProto(...parts));
    return parts[0];
  }

  /** Integers times a factor. */
  scaled(
    name: string,
    { type, shape, values }: { type: 'int8' | 'int32'; shape: readonly number[]; values: ArrayLike<number> },
    factor: number,
  ): string {
    const scale = factor === 1 ? 'one' : this.constant(`${name}_scale`, 'float32', [], [factor]);
    this.constant(`${name}_integers`, type, shape, values);
    return this.node('DequantizeLinear', [`${name}_integers`, scale], name);
  }

  /** Weights. @param area of the pool in front of them: what is a mean there was a sum in training */
  weights(name: string, shape: readonly number[], values: ArrayLike<number>, area: number): string {
    return this.scaled(name, { type: 'int8', shape, values }, area);
  }

  /** Biases, in steps of a power of two where int32 would not hold them. */
  bias(name: string, values: readonly number[]): string {
    const step = stepOf(values);
    const steps = values.map((value) => value / step);
    return this.scaled(name, { type: 'int32', shape: [values.length], values: steps }, step);
  }
}

/** The least power of two that brings all values within int32. */
function stepOf(values: readonly number[]): number {
  let step = 1;
  const fits = (value: number): boolean => Math.abs(value / step) < 2 ** 31;
  while (!values.every(fits)) step *= 2;
  const lost = values.find((value) => value % step !== 0);
  if (lost !== undefined) throw internalError(`a bias of ${lost} in steps of ${step}`);
  return step;
}

/** The bytes of the model: input `pictures`, float32 [1, channels, height, width]; output `scores`, float32 [1, classes]. */
export function exportModel(network: IntegerNetwork): Uint8Array {
  const { shape, levels, largest } = network.input;
  const graph = new Graph();
  graph.constant('one', 'float32', [], [1]);
  graph.constant('least', 'float32', [], [0]);
  graph.constant('largest', 'float32', [], [largest]);
  graph.constant('step', 'float32', [], [largest / (levels - 1)]);
  graph.constant('zero', 'uint8', [], [0]);
  graph.node('Clip', ['pictures', 'least', 'largest'], 'pixels');
  graph.node('QuantizeLinear', ['pixels', 'step', 'zero'], 'levels');
  let value = graph.node('DequantizeLinear', ['levels', 'one', 'zero'], 'input');
  let area = 1;
  for (const layer of network.layers) {
    value = addLayer(graph, layer, value, area);
    const { pool } = layer.stage;
    area = pool === null ? 1 : pool.kernel[0] * pool.kernel[1];
  }
  const { nodes, initializers } = graph;
  return encodeModel({
    name: network.name,
    opset: OPSET,
    inputs: [valueProto('pictures', 'float32', [1, ...shape])],
    outputs: [valueProto('scores', 'float32', [1, network.layers.at(-1)?.bias.length ?? 0])],
    initializers,
    nodes,
  });
}

/** @param area of the pool in front of the layer; 1 for none */
function addLayer(graph: Graph, layer: IntegerLayer, input: string, area: number): string {
  const { linear, pool, isLast } = layer.stage;
  const name = linear.name.replace(' ', '_');
  const output = isLast ? 'scores' : name;
  const { layer: kind } = linear;
  const value =
    kind.kind === 'convolution'
      ? addConvolution(graph, layer, kind, { name, input, output, area })
      : addDense(graph, layer, { name, input, output, area });
  if (isLast) return value;
  const squares = graph.node('Mul', [value, value], `${name}_squares`);
  if (pool === null) return squares;
  return graph.node('AveragePool', [squares], `${name}_means`, {
    kernel_shape: { ints: pool.kernel },
    strides: { ints: pool.strides },
  });
}

interface Names {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly area: number;
}

function addConvolution(
  graph: Graph,
  { stage, weights, bias }: IntegerLayer,
  layer: ConvolutionLayer,
  { name, input, output, area }: Names,
): string {
  const shape = [layer.maps, stage.linear.input.channels, ...layer.kernel];
  const parts = [graph.weights(`${name}_weights`, shape, weights, area), graph.bias(`${name}_bias`, bias)];
  return graph.node('Conv', [input, ...parts], output, {
    kernel_shape: { ints: layer.kernel },
    strides: { ints: layer.strides },
    pads: { ints: layer.pads },
  });
}

function addDense(
  graph: Graph,
  { stage, weights, bias }: IntegerLayer,
  { name, input, output, area }: Names,
): string {
  const flat = graph.node('Flatten', [input], `${name}_inputs`);
  const parts = [
    graph.weights(`${name}_weights`, [bias.length, countOf(stage.linear.input)], weights, area),
    graph.bias(`${name}_bias`, bias),
  ];
  return graph.node('Gemm', [flat, ...parts], output, { transB: { int: 1 } });
}
