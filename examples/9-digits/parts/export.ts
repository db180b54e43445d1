/**
 * The trained integers as an ONNX model: QLinearConv, whose scales are powers of two, Clip to the activations' bits, MaxPool,
 * and MatMulInteger with Add for the dense layer at the end. Every operator of it is exact, so onnxruntime and the
 * encrypted run give the same integers.
 */
import { encodeModel, nodeProto, tensorProto, valueProto } from '../../../bench/models/write.ts';
import { LARGEST_ACTIVATION, tapCount } from './network.ts';
import type { Layer } from './network.ts';

const OPSET = 13;

interface Graph {
  readonly nodes: ReturnType<typeof nodeProto>[];
  readonly initializers: ReturnType<typeof tensorProto>[];
}

/** An 8-bit tensor of a few bits only: the Clip tells the analyzer how many. */
function clip({ nodes }: Graph, input: string): string {
  const output = `${input}_clipped`;
  nodes.push(nodeProto({ op: 'Clip', inputs: [input, 'zero', 'largest'], outputs: [output] }));
  return output;
}

function convolution({ nodes, initializers }: Graph, { shape, weights, bias }: Layer, input: string): string {
  const { name, outputs, channels, kernel, next } = shape;
  if (next === null) throw new Error('internal: the last layer is dense');
  initializers.push(
    tensorProto(`${name}_weights`, 'int8', [outputs, channels, kernel, kernel], weights),
    tensorProto(`${name}_bias`, 'int32', [outputs], bias),
    tensorProto(`${name}_scale`, 'float32', [], [2 ** next.shift]),
  );
  const weight = [`${name}_weights`, 'one', 'weight_zero'];
  nodes.push(
    nodeProto({
      op: 'QLinearConv',
      inputs: [input, 'one', 'zero', ...weight, `${name}_scale`, 'zero', `${name}_bias`],
      outputs: [name],
      attributes: { kernel_shape: { ints: [kernel, kernel] } },
    }),
  );
  return name;
}

function maxPool({ nodes }: Graph, input: string, pool: number): string {
  const output = `${input}_pooled`;
  const window = { ints: [pool, pool] };
  const attributes = { kernel_shape: window, strides: window };
  nodes.push(nodeProto({ op: 'MaxPool', inputs: [input], outputs: [output], attributes }));
  return output;
}

function dense({ nodes, initializers }: Graph, { shape, weights, bias }: Layer, input: string): void {
  const { name, outputs } = shape;
  const taps = tapCount(shape);
  // Flatten orders its columns as OIHW orders an output's weights; MatMul wants them as rows.
  const columns = Array.from({ length: taps * outputs }, (_, index) => {
    const [tap, output] = [Math.floor(index / outputs), index % outputs];
    return weights[output * taps + tap]!;
  });
  initializers.push(
    tensorProto(`${name}_weights`, 'int8', [taps, outputs], columns),
    tensorProto(`${name}_bias`, 'int32', [outputs], bias),
  );
  nodes.push(
    nodeProto({ op: 'Flatten', inputs: [input], outputs: ['flat'] }),
    nodeProto({ op: 'MatMulInteger', inputs: ['flat', `${name}_weights`, 'zero'], outputs: [name] }),
    nodeProto({ op: 'Add', inputs: [name, `${name}_bias`], outputs: ['scores'] }),
  );
}

/**
 * The bytes of the model: input `drawings`, uint8 [batch, 1, rows, columns]; output `scores`, int32 [batch, digits].
 */
export function exportModel(layers: readonly Layer[], batch: number): Uint8Array {
  const graph: Graph = { nodes: [], initializers: [] };
  graph.initializers.push(
    tensorProto('one', 'float32', [], [1]),
    tensorProto('zero', 'uint8', [], [0]),
    tensorProto('weight_zero', 'int8', [], [0]),
    tensorProto('largest', 'uint8', [], [LARGEST_ACTIVATION]),
  );
  let value = clip(graph, 'drawings');
  for (const layer of layers) {
    const { next } = layer.shape;
    if (next === null) dense(graph, layer, value);
    else {
      value = clip(graph, convolution(graph, layer, value));
      if (next.pool > 1) value = maxPool(graph, value, next.pool);
    }
  }
  const { channels = 1, size = 1 } = layers[0]?.shape ?? {};
  return encodeModel({
    name: 'drawn-digits',
    opset: OPSET,
    inputs: [valueProto('drawings', 'uint8', [batch, channels, size, size])],
    outputs: [valueProto('scores', 'int32', [batch, layers.at(-1)?.shape.outputs ?? 0])],
    ...graph,
  });
}
