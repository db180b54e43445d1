import { encodeModel, nodeProto, tensorProto, valueProto } from '../../bench/models/write.ts';
import { makeRandom } from '../../src/fit/random.ts';

/** A small float network: Conv, Relu, MaxPool, Flatten, Gemm. @param opset of the standard operators */
export function floatModel(opset = 13, batch: number | string = 1): Uint8Array {
  const random = makeRandom(3);
  const floats = (count: number, size: number): number[] =>
    Array.from({ length: count }, () => size * random.normal());
  return encodeModel({
    name: 'float',
    opset,
    inputs: [valueProto('x', 'float32', [batch, 2, 8, 8])],
    outputs: [valueProto('y', 'float32', [batch, 5])],
    initializers: [
      tensorProto('w1', 'float32', [4, 2, 3, 3], floats(72, 0.4)),
      tensorProto('b1', 'float32', [4], floats(4, 0.3)),
      tensorProto('w2', 'float32', [5, 64], floats(320, 0.2)),
      tensorProto('b2', 'float32', [5], floats(5, 0.3)),
    ],
    nodes: [
      nodeProto({
        op: 'Conv',
        name: 'first',
        inputs: ['x', 'w1', 'b1'],
        outputs: ['c'],
        attributes: { pads: { ints: [1, 1, 1, 1] } },
      }),
      nodeProto({ op: 'Relu', inputs: ['c'], outputs: ['r'] }),
      nodeProto({
        op: 'MaxPool',
        inputs: ['r'],
        outputs: ['p'],
        attributes: { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } },
      }),
      nodeProto({ op: 'Flatten', inputs: ['p'], outputs: ['f'] }),
      nodeProto({
        op: 'Gemm',
        name: 'second',
        inputs: ['f', 'w2', 'b2'],
        outputs: ['y'],
        attributes: { transB: { int: 1 } },
      }),
    ],
  });
}

/** Samples of its input, normal. */
export function floatSamples(count: number): { shape: number[]; data: Float64Array; type: string } {
  const random = makeRandom(4);
  const data = Float64Array.from({ length: count * 128 }, () => Math.fround(random.normal()));
  return { shape: [count, 2, 8, 8], data, type: 'f4' };
}
