import { clone } from '@bufbuild/protobuf';
import { internalError } from '../../compiler/base/errors.ts';
import { centredInputRange, centredWeights } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { isQuantizedType } from '../frontend/onnx/proto/codes.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelProto, NodeProto, TensorProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { LayerInput } from '../frontend/onnx/types.ts';
import { FreshNames } from '../frontend/onnx/proto/freshNames.ts';
import { initializer, integerAttribute, integersAttribute, node } from './protoParts.ts';
import { standardOpset } from './quantNodes.ts';
import type { ScaledOutput } from './modelPlan.ts';

/**
 * Layers that onnxruntime would compute in floats, in integers instead: what an encrypted run is compared with. Each
 * becomes a float convolution of integers, whose sums stay below 2^24 and so are exact in any order, and the scale
 * comes after it:
 *
 *   y = fround(fround(accumulator) * scale[channel]) + bias[channel]
 */

/** A layer of a model with scales that stay behind it. */
export interface ScaledLayer {
  readonly spec: ConvSpec;
  readonly input: LayerInput;
  readonly output: ScaledOutput;
}

/** Integers up to here are exact in float32. */
const LARGEST_EXACT = 2 ** 24;

/** Whether every partial sum of the layer, in any order, is exact in float32. */
export function isExactInFloat32(spec: ConvSpec): boolean {
  const { lo, hi } = centredInputRange(spec.input);
  const largest = Math.max(Math.abs(lo), Math.abs(hi));
  const weights = centredWeights(spec.weights);
  const perOutput = weights.length / spec.weights.outChannels;
  return spec.bias.every((bias, output) => {
    let norm = 0;
    for (let tap = output * perOutput; tap < (output + 1) * perOutput; tap++) norm += Math.abs(weights[tap]!);
    return norm * largest + Math.abs(bias) <= LARGEST_EXACT;
  });
}

/** Collects the nodes of one layer. */
class Chain {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names: FreshNames;
  readonly #base: string;
  current: string;

  constructor(names: FreshNames, base: string, start: string) {
    this.#names = names;
    this.#base = base;
    this.current = start;
  }

  constant(type: 'float32' | 'int64', shape: readonly number[], values: ArrayLike<number>): string {
    const name = this.#names.fresh(`${this.#base}/constant`);
    this.initializers.push(initializer(name, type, shape, values));
    return name;
  }

  /** Applies an operator to the current tensor. */
  apply(op: string, others: readonly string[] = [], attributes: NodeProto['attribute'] = []): void {
    const output = this.#names.fresh(`${this.#base}/${op}`);
    this.nodes.push(node(op, [this.current, ...others], [output], attributes));
    this.current = output;
  }

  reshape(shape: readonly number[]): void {
    this.apply('Reshape', [this.constant('int64', [shape.length], shape)]);
  }

  finish(output: string): void {
    this.nodes.push(node('Identity', [this.current], [output]));
  }
}

/** 1.5 * 2^23: added and taken off again, it rounds to integers below 2^22. */
const ROUNDING_CONSTANT = 1.5 * 2 ** 23;

/** The current tensor becomes q - zeroPoint, as floats. */
function toIntegers(chain: Chain, { spec, input }: ScaledLayer, opset: number): void {
  if (input.kind === 'scaled') {
    if (input.scale === null) throw internalError(`no scale for ${input.tensor}`);
    chain.apply('Div', [chain.constant('float32', [], [input.scale])]);
    if (opset >= 11) {
      chain.apply('Round');
      return;
    }
    const constant = chain.constant('float32', [], [ROUNDING_CONSTANT]);
    chain.apply('Add', [constant]);
    chain.apply('Sub', [constant]);
    return;
  }
  const floating = 1;
  if (isQuantizedType(input.type) && /4$|2$/.test(input.type)) {
    chain.apply('DequantizeLinear', [chain.constant('float32', [], [1])]);
  } else chain.apply('Cast', [], [integerAttribute('to', floating)]);
  chain.apply('Sub', [chain.constant('float32', [], [spec.input.zeroPoint])]);
}

function layerNodes(layer: ScaledLayer, names: FreshNames, opset: number): Chain {
  const { spec, input, output } = layer;
  const { batch, height, width } = spec.input;
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const chain = new Chain(names, output.tensor, input.tensor);
  toIntegers(chain, layer, opset);
  if (input.permutation !== null)
    chain.apply('Transpose', [], [integersAttribute('perm', input.permutation)]);
  chain.reshape([batch, spec.input.channels, height, width]);
  const filter = [outChannels, channelsPerGroup, kernelHeight, kernelWidth];
  chain.apply(
    'Conv',
    [
      chain.constant('float32', filter, centredWeights(spec.weights)),
      chain.constant('float32', [outChannels], spec.bias),
    ],
    [
      integersAttribute('kernel_shape', [kernelHeight, kernelWidth]),
      integersAttribute('strides', spec.strides),
      integersAttribute('pads', spec.pads),
      integersAttribute('dilations', spec.dilations),
      integerAttribute('group', spec.group),
    ],
  );
  // The reshape in between keeps onnxruntime from folding the scale into the weights.
  const channels = output.scales.length;
  chain.reshape([batch, channels, -1]);
  const perChannel = [1, channels, 1];
  chain.apply('Mul', [chain.constant('float32', perChannel, output.scales)]);
  if (output.bias !== null) chain.apply('Add', [chain.constant('float32', perChannel, output.bias)]);
  chain.reshape(output.shape);
  chain.finish(output.tensor);
  return chain;
}

/** A copy of the model with these layers in integers. Every one of them must be `isExactInFloat32`. */
export function integerReference(model: ModelProto, layers: readonly ScaledLayer[]): ModelProto {
  const copy = clone(ModelProtoSchema, model);
  const { graph } = copy;
  if (graph === undefined) throw internalError('a model without a graph');
  const names = new FreshNames(graph);
  const opset = standardOpset(model);
  const replacements = new Map(layers.map((layer) => [layer.output.tensor, layer]));
  graph.node = graph.node.flatMap((original) => {
    const layer = original.output.map((name) => replacements.get(name)).find((found) => found !== undefined);
    if (layer === undefined) return [original];
    const chain = layerNodes(layer, names, opset);
    graph.initializer.push(...chain.initializers);
    return chain.nodes;
  });
  return copy;
}
