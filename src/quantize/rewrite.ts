import { create, toBinary } from '@bufbuild/protobuf';
import { quantize } from '../frontend/quantize.ts';
import { FreshNames } from '../frontend/onnx/proto/freshNames.ts';
import { AttributeProtoSchema, ModelProtoSchema, NodeProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
} from '../frontend/onnx/proto/onnx_pb.ts';
import { ATTRIBUTE } from '../frontend/onnx/proto/codes.ts';
import { tensorProto } from '../frontend/onnx/proto/write.ts';
import { node as standardNode } from '../model/protoParts.ts';
import type { LinearNode } from './linearNodes.ts';

/** Bits of a layer: of its weights, signed, and of the tensor that it reads, unsigned. */
interface LayerBits {
  readonly weights: number;
  readonly input: number;
}

/** A layer to be quantized. */
export interface QuantizedLayer {
  readonly linear: LinearNode;
  readonly bits: LayerBits;
  /** Of the tensor that it reads; 0 lies in it. */
  readonly range: { readonly lo: number; readonly hi: number };
}

/**
 * The model with QuantizeLinear and DequantizeLinear in front of every layer, weights as int8 with a scale for each output
 * channel, biases as int32 with the scales that the sums have.
 */
export function rewritten(
  { proto, graph }: { readonly proto: ModelProto; readonly graph: GraphProto },
  layers: readonly QuantizedLayer[],
): Uint8Array {
  const writer = new Rewriter(new FreshNames(graph));
  const byNode = new Map(layers.map((layer) => [layer.linear.node, layer]));
  for (const node of graph.node) {
    const layer = byNode.get(node);
    if (layer === undefined) writer.nodes.push(node);
    else writer.layer(layer);
  }
  const used = new Set([
    ...writer.nodes.flatMap(({ input }) => input),
    ...graph.output.map(({ name }) => name),
  ]);
  const kept = graph.initializer.filter(({ name }) => used.has(name));
  const dropped = new Set(graph.initializer.filter(({ name }) => !used.has(name)).map(({ name }) => name));
  return toBinary(ModelProtoSchema, {
    ...proto,
    graph: {
      ...graph,
      input: graph.input.filter(({ name }) => !dropped.has(name)),
      node: writer.nodes,
      initializer: [...kept, ...writer.initializers],
    },
  });
}

class Rewriter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names: FreshNames;

  constructor(names: FreshNames) {
    this.#names = names;
  }

  layer({ linear, bits, range }: QuantizedLayer): void {
    const { node, name, weights, axis, bias } = linear;
    const input = this.#activation(name, linear.input, bits.input, range);
    const { values, scales } = quantize(
      { shape: weights.shape, data: weights.data },
      { bits: bits.weights, signed: true, mode: 'symmetric', axis },
    );
    const weightScales = scales.map(Math.fround);
    const weightScale = this.#constant(`${name}/weight_scale`, 'float32', [scales.length], weightScales);
    const integers = this.#constant(`${name}/weights`, 'int8', weights.shape, values);
    const inputs = [
      input.output,
      this.#node('DequantizeLinear', [integers, weightScale], `${name}/weights_real`, [axisOf(axis)]),
    ];
    if (bias !== null)
      inputs.push(
        this.#bias(
          name,
          bias,
          weightScales.map((scale) => Math.fround(scale * input.scale)),
        ),
      );
    this.nodes.push(create(NodeProtoSchema, { ...node, input: inputs }));
  }

  #bias(name: string, bias: Float64Array, scales: readonly number[]): string {
    const most = 2 ** 31 - 1;
    const steps = Array.from(bias, (value, row) =>
      Math.min(Math.max(Math.round(value / scales[row]!) + 0, -most), most),
    );
    const integers = this.#constant(`${name}/bias`, 'int32', [bias.length], steps);
    const scale = this.#constant(`${name}/bias_scale`, 'float32', [bias.length], scales);
    return this.#node('DequantizeLinear', [integers, scale], `${name}/bias_real`, [axisOf(0)]);
  }

  #activation(
    name: string,
    tensor: string,
    bits: number,
    { lo, hi }: QuantizedLayer['range'],
  ): { readonly output: string; readonly scale: number } {
    const most = 2 ** bits - 1;
    const scale = Math.fround(hi > lo ? (hi - lo) / most : 1);
    const zero = Math.min(Math.max(Math.round(-lo / scale), 0), most);
    const scaleName = this.#constant(`${name}/input_scale`, 'float32', [], [scale]);
    const zeroName = this.#constant(`${name}/input_zero`, 'uint8', [], [zero]);
    let integers = this.#node('QuantizeLinear', [tensor, scaleName, zeroName], `${name}/input_integers`);
    if (bits < 8) {
      const least = this.#constant(`${name}/input_least`, 'uint8', [], [0]);
      const largest = this.#constant(`${name}/input_largest`, 'uint8', [], [most]);
      integers = this.#node('Clip', [integers, least, largest], `${name}/input_clipped`);
    }
    return {
      output: this.#node('DequantizeLinear', [integers, scaleName, zeroName], `${name}/input_real`),
      scale,
    };
  }

  #constant(
    name: string,
    ...[type, shape, values]: Parameters<typeof tensorProto> extends [string, ...infer R] ? R : never
  ): string {
    const fresh = this.#names.fresh(name);
    this.initializers.push(tensorProto(fresh, type, shape, values));
    return fresh;
  }

  #node(
    op: string,
    inputs: readonly string[],
    name: string,
    attributes: readonly AttributeProto[] = [],
  ): string {
    const output = this.#names.fresh(name);
    this.nodes.push(standardNode(op, inputs, [output], attributes));
    return output;
  }
}

function axisOf(axis: number): AttributeProto {
  return create(AttributeProtoSchema, { name: 'axis', type: ATTRIBUTE.INT, i: BigInt(axis) });
}
