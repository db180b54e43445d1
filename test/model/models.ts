/** Small models for the tests of src/model. */
import { ModelWriter } from '../../bench/models/modelWriter.ts';
import type { Activation } from '../../bench/models/modelWriter.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import type { TypedTensor } from '../../src/model/typedTensor.ts';

const OPSET = 13;

/** A QDQ convolution of one channel onto one channel, 1x1, weight `weight`. */
function pointwise(graph: ModelWriter, input: Activation, weight: number, scale: number): Activation {
  const weights: Activation = {
    name: graph.constant('int8', [1, 1, 1, 1], [weight]),
    type: 'int8',
    shape: [1, 1, 1, 1],
    scale: 0.5,
    zeroPoint: 0,
  };
  const floats = graph.node('Conv', [graph.dequantize(input), graph.dequantize(weights)], {
    kernel_shape: { ints: [1, 1] },
  });
  return graph.quantize(floats, { type: 'uint8', shape: input.shape, scale, zeroPoint: 0 });
}

export const SHAPE = [1, 1, 4, 4] as const;

const INPUT: Activation = { name: 'x', type: 'uint8', shape: SHAPE, scale: 1, zeroPoint: 0 };

/** x -> conv a -> conv b, and x -> conv c; the sum of b and c, quantized: three layers in two rounds. */
export function residualModel(): Uint8Array {
  const graph = new ModelWriter();
  const a = pointwise(graph, INPUT, 3, 1.5);
  const b = pointwise(graph, a, 2, 2);
  const c = pointwise(graph, INPUT, 5, 1);
  const sum = graph.node('Add', [graph.dequantize(b), graph.dequantize(c)]);
  const y = graph.quantize(sum, { type: 'uint8', shape: SHAPE, scale: 4, zeroPoint: 0 });
  const ports = { type: 'uint8', shape: SHAPE } as const;
  return graph.encode('residual', OPSET, [{ name: 'x', ...ports }], [{ name: y.name, ...ports }]);
}

/** Floats x -> QuantizeLinear -> conv: what `quantize` writes. */
export function quantizedModel(): Uint8Array {
  const graph = new ModelWriter();
  const input = graph.quantize('x', { type: 'uint8', shape: SHAPE, scale: 1, zeroPoint: 0 });
  const y = pointwise(graph, input, 3, 1.5);
  return graph.encode(
    'quantized',
    OPSET,
    [{ name: 'x', type: 'float32', shape: SHAPE }],
    [{ name: y.name, type: 'uint8', shape: SHAPE }],
  );
}

/** A pool: no linear layer. */
export function clearModel(): Uint8Array {
  const graph = new ModelWriter();
  const pooled = graph.node('MaxPool', ['x'], { kernel_shape: { ints: [2, 2] } });
  return graph.encode(
    'clear',
    OPSET,
    [{ name: 'x', type: 'uint8', shape: SHAPE }],
    [{ name: pooled, type: 'uint8', shape: [1, 1, 3, 3] }],
  );
}

/** One MatMulInteger whose sums pass 2^31. */
export function overflowingModel(): Uint8Array {
  const inputs = 40_000;
  const graph = new ModelWriter();
  const weights = graph.constant('uint8', [inputs, 1], new Uint8Array(inputs).fill(255));
  const y = graph.node('MatMulInteger', ['x', weights]);
  return graph.encode(
    'wide',
    OPSET,
    [{ name: 'x', type: 'uint8', shape: [1, inputs] }],
    [{ name: y, type: 'int32', shape: [1, 1] }],
  );
}

/** 16 bytes as the models' input. */
export function sampleInput(): TypedTensor {
  return typedTensor(
    'uint8',
    SHAPE,
    Array.from({ length: 16 }, (_, index) => (index * 53) % 256),
    'x',
  );
}
