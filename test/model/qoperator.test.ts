/** A residual network in the operator form (QLinear...), as onnxruntime's quantize_static and the model zoo have it. */
import { expect, it } from 'vitest';
import { importModel } from '../../src/frontend/onnx/importOnnx.ts';
import { compileModel } from '../../src/model/compileModel.ts';
import { runModel } from '../../src/model/runModel.ts';
import { typedTensor } from '../../src/model/typedTensor.ts';
import { encodeModel, float, int, ints, node, scalar, tensor, value } from '../frontend/onnx/models.ts';
import type { Attribute, Graph, TensorInit } from '../frontend/onnx/models.ts';
import { runInOnnxruntime } from '../support/onnx/onnxruntime.ts';
import { integers } from '../support/onnx/networks/dynamic.ts';

type Type = 'uint8' | 'int8';

/** Collects nodes whose operands are a value, its scale and its zero point. */
class Operators {
  readonly nodes: Graph['nodes'][number][] = [];
  readonly initializers: TensorInit[] = [];
  readonly #type: Type;

  constructor(type: Type) {
    this.#type = type;
  }

  #affine(scale: number, zeroPoint: number): readonly [string, string] {
    const at = this.initializers.length;
    const names = [`s${at}`, `z${at}`] as const;
    this.initializers.push(scalar(names[0], 'float32', scale), scalar(names[1], this.#type, zeroPoint));
    return names;
  }

  /** [value, scale, zero point] of x. */
  input(): readonly string[] {
    return ['x', ...this.#affine(0.05, 3)];
  }

  add(
    op: string,
    inputs: readonly string[],
    output: readonly [scale: number, zeroPoint: number],
    attributes: readonly Attribute[] = [],
    domain = 'com.microsoft',
  ): readonly string[] {
    const y = `${op}_${this.nodes.length}`;
    const affine = this.#affine(...output);
    const all = op === 'QLinearConcat' ? [...affine, ...inputs] : [...inputs, ...affine];
    this.nodes.push(node(op, all, [y], attributes, { domain }));
    return [y, ...affine];
  }

  /** Per-channel int8 weights with an int32 bias. */
  convolution(
    x: readonly string[],
    from: number,
    to: number,
    output: readonly [number, number],
  ): readonly string[] {
    const at = this.initializers.length;
    const names = [`w${at}`, `ws${at}`, `wz${at}`, `b${at}`];
    const channels = Array.from({ length: to }, (_, channel) => channel);
    this.initializers.push(
      tensor(names[0]!, 'int8', [to, from, 3, 3], integers(to * from * 9, -127, 127, at + 1)),
      tensor(
        names[1]!,
        'float32',
        [to],
        channels.map((channel) => 0.002 * (channel + 1)),
      ),
      tensor(
        names[2]!,
        'int8',
        [to],
        channels.map(() => 0),
      ),
      tensor(names[3]!, 'int32', [to], integers(to, -2000, 2000, at + 2)),
    );
    const y = `QLinearConv_${this.nodes.length}`;
    const affine = this.#affine(...output);
    const inputs = [...x, names[0]!, names[1]!, names[2]!, ...affine, names[3]!];
    this.nodes.push(node('QLinearConv', inputs, [y], [ints('pads', [1, 1, 1, 1])]));
    return [y, ...affine];
  }

  gemm(x: readonly string[], from: number, to: number, output: readonly [number, number]): readonly string[] {
    this.initializers.push(
      tensor('gw', 'int8', [to, from], integers(to * from, -127, 127, 5)),
      scalar('gs', 'float32', 0.01),
      scalar('gz', 'int8', 0),
      tensor('gb', 'int32', [to], integers(to, -3000, 3000, 6)),
    );
    return this.add('QGemm', [...x, 'gw', 'gs', 'gz', 'gb'], output, [int('transB', 1)]);
  }
}

function network(type: Type): Uint8Array {
  const net = new Operators(type);
  const a = net.convolution(net.input(), 2, 4, [0.07, 5]);
  const leaky = net.add('QLinearLeakyRelu', a, [0.05, 5], [float('alpha', 0.1)]);
  const b = net.convolution(leaky, 4, 4, [0.06, 7]);
  const sum = net.add('QLinearAdd', [...leaky, ...b], [0.1, 9]);
  const gate = net.add('QLinearSigmoid', sum, [1 / 256, type === 'uint8' ? 0 : -128]);
  const gated = net.add('QLinearMul', [...sum, ...gate], [0.08, 4]);
  const both = net.add('QLinearConcat', [...gated, ...b], [0.08, 6], [int('axis', 1)]);
  const pool = net.add(
    'QLinearAveragePool',
    both,
    [0.08, 6],
    [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])],
  );
  const c = net.convolution(pool, 8, 6, [0.2, 11]);
  const means = net.add('QLinearGlobalAveragePool', c, [0.1, 11]);
  net.nodes.push(node('Flatten', [means[0]!], ['flat']));
  const dense = net.gemm(['flat', means[1]!, means[2]!], 6, 5, [0.25, 20]);
  net.nodes.push(node('DequantizeLinear', dense, ['y']));
  return encodeModel({
    nodes: net.nodes,
    initializers: net.initializers,
    inputs: [value('x', type, ['batch', 2, 8, 8])],
    outputs: [value('y', 'float32', ['batch', 5])],
    domains: ['com.microsoft'],
  });
}

it.each(['uint8', 'int8'] as const)('operators of %s: every linear layer encrypted, equal', async (type) => {
  const bytes = network(type);
  const model = importModel(bytes);
  expect(model.unsupported).toEqual([]);
  const plan = compileModel(model);
  const [lo, hi] = type === 'uint8' ? [0, 255] : [-128, 127];
  const data = integers(128, lo, hi, 9);
  const result = await runModel(plan, new Map([['x', typedTensor(type, [1, 2, 8, 8], data, 'x')]]));
  expect(result.report.match).toBe(true);
  expect(result.report.layers).toHaveLength(4);
  const own = Array.from(result.outputs.get('y')?.data ?? [], Number);
  const runtime = await runInOnnxruntime(bytes, [{ name: 'x', type, shape: [1, 2, 8, 8], data }]);
  // Our own rounding and onnxruntime's differ by a step here and there, and steps pass through a layer.
  const steps = own.map((one, index) => Math.abs(one - (runtime.get('y')?.data[index] ?? NaN)) / 0.25);
  expect(Math.max(...steps)).toBeLessThanOrEqual(2);
});
