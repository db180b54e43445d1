import { internalError } from '../../compiler/base/errors.ts';
import type { ModelProto, NodeProto } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ImportedLayer, ImportedModel, LayerInput, LayerOutput } from '../frontend/onnx/types.ts';
import type { Arithmetic, ModelLayer, ModelLayerOutput } from './modelPlan.ts';

/** Where the graph is cut at a layer: what goes in, what comes out. */
export type LayerEnds = Pick<ModelLayer, 'input' | 'output'>;

/**
 * The ends of every layer. Inside QDQ groups the graph is cut right at the linear node, between floats, so that segments
 * keep every QuantizeLinear and DequantizeLinear; the floats are whole multiples of their scales.
 */
export function layerEnds(model: ImportedModel, standard: ModelProto, arithmetic: Arithmetic): LayerEnds[] {
  const nodes = standard.graph?.node ?? [];
  const producers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const readers = new Map<string, number>();
  const read = [...nodes.flatMap(({ input }) => input), ...model.outputs.map(({ name }) => name)];
  for (const name of read) readers.set(name, (readers.get(name) ?? 0) + 1);
  const graph: Graph = { model, producers, readers, arithmetic };
  return model.layers.map((layer) => ({
    input: inputEnd(layer, graph),
    output: outputEnd(layer.output, graph),
  }));
}

interface Graph {
  readonly model: ImportedModel;
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly readers: ReadonlyMap<string, number>;
  readonly arithmetic: Arithmetic;
}

/** Behind the DequantizeLinear rather than before it. */
function inputEnd({ node, input }: ImportedLayer, { producers }: Graph): LayerInput {
  if (input.kind !== 'integer' || input.scale === null) return input;
  const floats = node.inputs.find((name) => {
    const producer = producers.get(name);
    return producer?.opType === 'DequantizeLinear' && producer.input[0] === input.tensor;
  });
  return floats === undefined ? input : { ...input, tensor: floats, type: 'float32', kind: 'scaled' };
}

/**
 * A QuantizeLinear behind the layer, where onnxruntime too computes it from the accumulators, belongs to the layer, unless
 * something else reads the floats before it.
 */
function outputEnd(output: LayerOutput, graph: Graph): ModelLayerOutput {
  if (output.kind === 'accumulator') return output;
  if (output.kind === 'requantized') {
    const { kind, tensor, type, shape, requantization } = output;
    return { kind, tensor, type, shape, requantization, realScale: null };
  }
  const { kind, tensor, type, shape, scales, bias, requantized } = output;
  const isFused = requantized?.fused === true && graph.arithmetic === 'integers';
  if (isFused && isOnlyWay(tensor, requantized.tensor, graph)) {
    return {
      kind: 'requantized',
      tensor,
      type,
      shape,
      requantization: requantized.requantization,
      realScale: scaleOf(requantized.tensor, graph),
    };
  }
  return { kind, tensor, type, shape, scales, bias };
}

/** Whether every tensor from the layer's up to the quantized one is read once: by the next node. */
function isOnlyWay(from: string, quantized: string, { producers, readers }: Graph): boolean {
  for (let tensor = producers.get(quantized)?.input[0]; tensor !== undefined;) {
    if (readers.get(tensor) !== 1) return false;
    if (tensor === from) return true;
    tensor = producers.get(tensor)?.input[0];
  }
  return false;
}

function scaleOf(quantized: string, { model, producers }: Graph): number {
  const scale = model.constants.get(producers.get(quantized)?.input[1] ?? '')?.data[0];
  if (scale === undefined) throw internalError(`the scale of ${quantized} is not constant`);
  return scale;
}
