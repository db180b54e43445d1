import { outputShape } from '../../compiler/convolution/shape.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import { intAttribute } from '../frontend/onnx/graph/attributes.ts';
import type { GraphNode, OnnxSource } from '../frontend/onnx/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import type { TfliteSource } from '../frontend/tflite/types.ts';
import type { Macs } from './modelFlow.ts';

/** Multiply-accumulates of one run, padding counted: of the layers, and of linear nodes in the clear whose shapes are known. */
export function macsOf(model: ImportedModel): Macs {
  return model.source.format === 'onnx' ? macsOfOnnx(model, model.source) : macsOfTflite(model, model.source);
}

function macsOfOnnx({ layers, unsupported, values, constants }: ImportedModel, { nodes }: OnnxSource): Macs {
  const shapeOf = (name: string | undefined): readonly number[] | null =>
    name === undefined ? null : (constants.get(name)?.shape ?? values.get(name)?.shape ?? null);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const inClear = new Set(unsupported.map(({ name }) => name));
  const clear = nodes
    .filter(({ name }) => inClear.has(name))
    .reduce((sum, node) => sum + macsOfNode(node, shapeOf), 0);
  // A rewritten convolution has weights of zero that the node does not have.
  const encrypted = layers.reduce(
    (sum, { name, spec, arrangement }) =>
      sum + (arrangement.kind === 'same' ? productsOf(spec) : macsOfNode(byName.get(name), shapeOf)),
    0,
  );
  return { encrypted, total: encrypted + clear };
}

/** Filters are [outputs, height, width, inputs], but those of DEPTHWISE_CONV_2D: [1, height, width, outputs]. */
function macsOfTflite({ layers }: ImportedModel, { nodes, tensors }: TfliteSource): Macs {
  const encryptedNames = new Set(layers.map(({ name }) => name));
  const elements = (name: string | undefined): number => elementCount(tensors.get(name ?? '')?.shape ?? [0]);
  const macs = nodes.map(({ name, operation: { op }, inputs, outputs }) => {
    const filter = tensors.get(inputs[1] ?? '')?.shape ?? [0];
    const isEncrypted = encryptedNames.has(name);
    switch (op) {
      case 'CONV_2D':
      case 'FULLY_CONNECTED':
        return { isEncrypted, count: elements(outputs[0]) * elementCount(filter.slice(1)) };
      case 'DEPTHWISE_CONV_2D':
        return { isEncrypted, count: elements(outputs[0]) * elementCount(filter.slice(1, 3)) };
      case 'TRANSPOSE_CONV':
        // Every input is multiplied by the taps.
        return { isEncrypted, count: elements(inputs[2]) * elementCount(filter.slice(0, 3)) };
      default:
        return { isEncrypted, count: 0 };
    }
  });
  const sum = (list: typeof macs): number => list.reduce((total, { count }) => total + count, 0);
  return { encrypted: sum(macs.filter(({ isEncrypted }) => isEncrypted)), total: sum(macs) };
}

/** Products of one convolution, those with padding counted. */
export function productsOf(spec: ConvSpec): number {
  const { batch, channels, height, width } = outputShape(spec);
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  return batch * channels * height * width * channelsPerGroup * kernelHeight * kernelWidth;
}

/** Position of the weights of a convolution, by operator. */
const FILTERS: ReadonlyMap<string, number> = new Map([
  ['Conv', 1],
  ['ConvInteger', 1],
  ['ConvTranspose', 1],
  ['QLinearConv', 3],
]);
const PRODUCTS = new Set(['MatMul', 'MatMulInteger', 'QLinearMatMul', 'Gemm', 'QGemm']);

/** 0 for operators that are not linear, and for shapes that are not known. */
function macsOfNode(
  node: GraphNode | undefined,
  shapeOf: (name: string | undefined) => readonly number[] | null,
): number {
  if (node === undefined) return 0;
  const { op, inputs, outputs } = node;
  const [left, output] = [shapeOf(inputs[0]), shapeOf(outputs[0])];
  if (left === null || output === null) return 0;
  const filterIndex = FILTERS.get(op);
  if (filterIndex !== undefined) {
    const filter = shapeOf(inputs[filterIndex]);
    if (filter === null) return 0;
    // A transposed convolution multiplies every input by the taps, the others every output.
    return elementCount(op === 'ConvTranspose' ? left : output) * elementCount(filter.slice(1));
  }
  if (!PRODUCTS.has(op)) return 0;
  const isTurned = op.endsWith('Gemm') && intAttribute(node, 'transA', 0) !== 0;
  return elementCount(output) * (left.at(isTurned ? -2 : -1) ?? 0);
}
