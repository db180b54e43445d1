import type { DenseTensor } from '../../interpreter/values.ts';
import type { OnnxSource } from '../onnx/types.ts';
import type { TfliteSource } from '../tflite/types.ts';
import type { GraphValue, ImportedLayer, OpenExtent, OpenLayer, UnsupportedNode } from './types.ts';

/**
 * What an imported model is, whatever its format.
 *
 * Design. A model is read into a graph of nodes in topological order; what is constant is folded, so that `constants`
 * holds every tensor that does not depend on an input. Every linear node (of ONNX Conv, ConvTranspose, ConvInteger,
 * QLinearConv, Gemm, MatMul, MatMulInteger, QLinearMatMul; of TFLite CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV) whose operands are integers, or floats that are a scale times
 * integers, becomes an `ImportedLayer`: a `ConvSpec` with the way in and out of it. The rest of the graph stays as it is
 * and runs in the clear; it is the business of its format, `source`:
 *
 *   graph tensor input.tensor --(integers)--> permute, reshape --> ConvSpec --> accumulator --> reshape --> output.tensor
 *
 * - In: `input.tensor` holds the integers themselves (`integer`; of a quantized type, or floats that are whole, as in NEMO
 *   graphs), or floats scale * (q - zeroPoint) (`scaled`; QONNX), where q = round(x / scale) + zeroPoint. Behind a
 *   DequantizeLinear it is that node's input: integers. q lies in `spec.input.range`.
 * - Out: the accumulator (zero points taken off, integer bias added) becomes `output.tensor`, by `output.kind`. A layer may
 *   offer `output.requantized` too: the tensor behind the QuantizeLinear that follows, straight from the accumulator.
 * - Between: the graph is cut at `input.tensor` and `output.tensor`. Nodes that nobody needs any more then (the
 *   DequantizeLinear of an input, the linear node itself) simply drop out: a segment is what its outputs need.
 *
 * Dense layers are 1x1 convolutions over 1x1 images: the rows of the left operand become the batch, so that reshaping
 * [..., M, K] to [M', K, 1, 1] is free, and so is the way back. With a constant left operand, [..., K, N] becomes [batch, K,
 * 1, N]. 1-D convolutions have height 1; those over three axes and transposed ones become plane ones, whose accumulators
 * `arrangement` puts in order (compiler/convolution).
 */
export interface ImportedModel {
  /** As messages name it. */
  readonly file: string;
  /** Name of the graph. */
  readonly name: string;
  /** Inputs without those that an initializer or a binding makes constant. */
  readonly inputs: readonly GraphValue[];
  /** Outputs of the graph, in its order. */
  readonly outputs: readonly GraphValue[];
  /** Type and shape of every tensor, as far as they are known. */
  readonly values: ReadonlyMap<string, GraphValue>;
  /** Initializers, bindings and everything folded from them. */
  readonly constants: ReadonlyMap<string, DenseTensor>;
  /** In topological order. */
  readonly layers: readonly ImportedLayer[];
  /** Linear nodes whose weights, scales or zero points are graph inputs: only their types are known. */
  readonly openLayers: readonly OpenLayer[];
  /** Linear nodes that cannot be compiled, and nodes of operators that are not known: they run in the clear. */
  readonly unsupported: readonly UnsupportedNode[];
  /** Symbolic extents, by the name the model gives them, and what was taken for them. */
  readonly assumed: ReadonlyMap<string, number>;
  /** Symbolic extents of inputs that nothing is taken for: `extents` gives them. Shapes that depend on them are unknown. */
  readonly openExtents: readonly OpenExtent[];
  /** What is the format's own: the graph that is cut into segments. */
  readonly source: OnnxSource | TfliteSource;
}
