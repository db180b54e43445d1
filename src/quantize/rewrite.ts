import { create, toBinary } from '@bufbuild/protobuf';
import { bodyContents } from '../frontend/onnx/graph/bodies.ts';
import { FreshNames } from '../frontend/onnx/proto/freshNames.ts';
import { AttributeProtoSchema, ModelProtoSchema, NodeProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { ATTRIBUTE } from '../frontend/onnx/proto/codes.ts';
import { tensorProto } from '../frontend/onnx/proto/write.ts';
import { node as standardNode } from '../model/protoParts.ts';
import type { Source } from './source.ts';
import { inputGrid, quantizeWeights } from './weights.ts';
import type { InputGrid, QuantizedLayer } from './weights.ts';

/**
 * The model with QuantizeLinear and DequantizeLinear in front of every layer, weights as int8 with a scale for each output
 * channel, biases as int32 with the scales that the sums have.
 */
export function rewritten(
  { proto, graph }: Source,
  layers: readonly QuantizedLayer[],
  file: string,
): Uint8Array {
  const names = new Set(graph.initializer.map(({ name }) => name));
  const writer = new Rewriter(new FreshNames(graph));
  const byNode = new Map(layers.map((layer) => [layer.linear.node, layer]));
  for (const node of graph.node) {
    const layer = byNode.get(node);
    if (layer === undefined) writer.nodes.push(node);
    else writer.layer(layer);
  }
  const needed = neededOf(writer.nodes, graph, file);
  const isDropped = ({ name }: { readonly name: string }): boolean =>
    names.has(name) && !needed.tensors.has(name);
  return toBinary(ModelProtoSchema, {
    ...proto,
    graph: {
      ...graph,
      input: graph.input.filter((input) => !isDropped(input)),
      node: writer.nodes.filter((node) => needed.nodes.has(node)),
      initializer: [...graph.initializer.filter((tensor) => !isDropped(tensor)), ...writer.initializers],
    },
  });
}

/** What leads to an output, or into a body: the float weights do no more, nor what they were made with. */
function neededOf(
  nodes: readonly NodeProto[],
  graph: GraphProto,
  file: string,
): { readonly nodes: ReadonlySet<NodeProto>; readonly tensors: ReadonlySet<string> } {
  const producers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const found = new Set<NodeProto>();
  const tensors = new Set<string>();
  const open = graph.output.map(({ name }) => name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (tensors.has(name)) continue;
    tensors.add(name);
    const node = producers.get(name);
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    for (const input of [...node.input, ...bodyContents(node, file).captured]) open.push(input);
  }
  return { nodes: found, tensors };
}

class Rewriter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names: FreshNames;

  constructor(names: FreshNames) {
    this.#names = names;
  }

  layer(layer: QuantizedLayer): void {
    const { name, node, attributes, weights, axis, bias } = layer.linear;
    const grid = inputGrid(layer);
    const { values, scales } = quantizeWeights(layer);
    const scaleShape = axis === 'tensor' ? [] : [scales.length];
    const weightScale = this.#constant(`${name}/weight_scale`, 'float32', scaleShape, scales);
    const integers = this.#constant(`${name}/weights`, 'int8', weights.shape, values);
    const axes = axis === 'tensor' ? [] : [axisOf(axis)];
    const inputs = [
      this.#activation(name, layer.linear.input, grid),
      this.#node('DequantizeLinear', [integers, weightScale], `${name}/weights_real`, axes),
    ];
    if (bias !== null) {
      const biasScales = Array.from(bias, (_, output) =>
        Math.fround(scales[output % scales.length]! * grid.scale),
      );
      inputs.push(this.#bias(name, bias, biasScales));
    }
    this.nodes.push(create(NodeProtoSchema, { ...node, name, attribute: [...attributes], input: inputs }));
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

  #activation(name: string, tensor: string, { scale, zero, most }: InputGrid): string {
    const scaleName = this.#constant(`${name}/input_scale`, 'float32', [], [scale]);
    const zeroName = this.#constant(`${name}/input_zero`, 'uint8', [], [zero]);
    let integers = this.#node('QuantizeLinear', [tensor, scaleName, zeroName], `${name}/input_integers`);
    if (most < 255) {
      const least = this.#constant(`${name}/input_least`, 'uint8', [], [0]);
      const largest = this.#constant(`${name}/input_largest`, 'uint8', [], [most]);
      integers = this.#node('Clip', [integers, least, largest], `${name}/input_clipped`);
    }
    return this.#node('DequantizeLinear', [integers, scaleName, zeroName], `${name}/input_real`);
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
