import { internalError } from '../../compiler/base/errors.ts';
import { encodeModel, nodeProto, tensorProto, valueProto } from '../frontend/onnx/proto/write.ts';
import type { ConvolutionLayer } from './architectureSchema.ts';
import type { IntegerLayer, IntegerNetwork } from './integerNetwork.ts';
import { countOf } from './stages.ts';

/**
 * A trained network as an ONNX model in QDQ form: pixels are cut to their range and quantized to levels; all weights and
 * biases are integers behind DequantizeLinear with scale 1, so that every value up to the scores is a whole number.
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

  /** Integers as the numbers that they are; int32 are divided by a power of two first where they would not fit. */
  integers(
    name: string,
    type: 'int8' | 'int32',
    shape: readonly number[],
    values: ArrayLike<number>,
  ): string {
    const step = type === 'int8' ? 1 : stepOf(values);
    const scale = step === 1 ? 'one' : this.constant(`${name}_step`, 'float32', [], [step]);
    const steps = Array.from(values, (value) => value / step);
    this.constant(`${name}_integers`, type, shape, steps);
    return this.node('DequantizeLinear', [`${name}_integers`, scale], name);
  }
}

/** The least power of two that brings all values within int32. */
function stepOf(values: ArrayLike<number>): number {
  let step = 1;
  const fits = (value: number): boolean => Math.abs(value / step) < 2 ** 31;
  while (!Array.from(values).every(fits)) step *= 2;
  const lost = Array.from(values).find((value) => value % step !== 0);
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
  for (const layer of network.layers) value = addLayer(graph, layer, value);
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

function addLayer(graph: Graph, layer: IntegerLayer, input: string): string {
  const { linear, pool, isLast } = layer.stage;
  const name = linear.name.replace(' ', '_');
  const output = isLast ? 'scores' : name;
  const { layer: kind } = linear;
  const value =
    kind.kind === 'convolution'
      ? addConvolution(graph, layer, kind, { name, input, output })
      : addDense(graph, layer, { name, input, output });
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
}

function addConvolution(
  graph: Graph,
  { stage, weights, bias }: IntegerLayer,
  layer: ConvolutionLayer,
  { name, input, output }: Names,
): string {
  const shape = [layer.maps, stage.linear.input.channels, ...layer.kernel];
  const parts = [
    graph.integers(`${name}_weights`, 'int8', shape, weights),
    graph.integers(`${name}_bias`, 'int32', [layer.maps], bias),
  ];
  return graph.node('Conv', [input, ...parts], output, {
    kernel_shape: { ints: layer.kernel },
    strides: { ints: layer.strides },
    pads: { ints: layer.pads },
  });
}

function addDense(
  graph: Graph,
  { stage, weights, bias }: IntegerLayer,
  { name, input, output }: Names,
): string {
  const flat = graph.node('Flatten', [input], `${name}_inputs`);
  const parts = [
    graph.integers(`${name}_weights`, 'int8', [bias.length, countOf(stage.linear.input)], weights),
    graph.integers(`${name}_bias`, 'int32', [bias.length], bias),
  ];
  return graph.node('Gemm', [flat, ...parts], output, { transB: { int: 1 } });
}
