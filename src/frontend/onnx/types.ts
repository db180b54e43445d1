import type { Interval, Width } from '../../../compiler/base/interval.ts';
import type { OutputArrangement } from '../../../compiler/convolution/arrangement.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import type { QlinearRequantization } from '../../../runtime/clear/requantize.ts';
import type { DenseTensor, NumericArray } from '../../interpreter/values.ts';
import type { ElementType } from './proto/codes.ts';
import type { AttributeProto, ModelProto } from './proto/onnx_pb.ts';

/**
 * What an imported ONNX model is.
 *
 * Design. A model is read into a graph of nodes in topological order; what is constant is folded, so that `constants`
 * holds every tensor that does not depend on an input and `nodes` only what is left. Every linear node (Conv, ConvTranspose, ConvInteger,
 * QLinearConv, Gemm, MatMul, MatMulInteger, QLinearMatMul) whose operands are integers, or floats that are a scale times
 * integers, becomes an `ImportedLayer`: a `ConvSpec` with the way in and out of it. The rest of the graph stays as it is
 * and runs in the clear:
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
  /** Version by domain; the standard operators have domain "". */
  readonly opsets: ReadonlyMap<string, number>;
  /**
   * What was read, with composed operators written out and the nodes that dynamic quantization takes (graph/composed.ts,
   * graph/centred.ts): sub-models are cut from it. External data are not in it, but in `constants`.
   */
  readonly proto: ModelProto;
  /** Inputs without those that an initializer or a binding makes constant. */
  readonly inputs: readonly GraphValue[];
  /** Outputs of the graph, in its order. */
  readonly outputs: readonly GraphValue[];
  /** Type and shape of every tensor, as far as they are known. */
  readonly values: ReadonlyMap<string, GraphValue>;
  /** Initializers, bindings and everything folded from them. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** In topological order, without what was folded. */
  readonly nodes: readonly GraphNode[];
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
}

/** An extent of a graph input that the file leaves open. */
export interface OpenExtent {
  /** Its name in the file, or `input[axis]` for one without a name. */
  readonly symbol: string;
  /** Name of the graph input. */
  readonly input: string;
  /** Position of the extent in its shape, from 0. */
  readonly axis: number;
}

/** A tensor of the graph, as far as the file tells. */
export interface GraphValue {
  /** Name of the tensor in the graph. */
  readonly name: string;
  /** Element type; null where it is not known. */
  readonly type: ElementType | null;
  /** Extents; null where any is not known. */
  readonly shape: readonly number[] | null;
}

/** Values of a tensor, C order. Integers past 2^53 (int64, uint64) are rounded to doubles; 4 and 2-bit ones are unpacked. */
export type OnnxTensor = DenseTensor;
export type { DenseTensor };
export type { NumericArray };

/** A node of the graph. */
export interface GraphNode {
  /** Position in proto.graph.node. */
  readonly index: number;
  /** The node's own name, or its first output's; unique within the model. */
  readonly name: string;
  /** Operator, such as Conv. */
  readonly op: string;
  /** "" for the standard operators, also when the model says "ai.onnx". */
  readonly domain: string;
  /** "" for an optional input that is left out. */
  readonly inputs: readonly string[];
  /** Tensors of this graph that the node's sub-graphs read by name. */
  readonly captured: readonly string[];
  /** Nodes in the node's sub-graphs, at any depth. */
  readonly inner: readonly InnerNode[];
  /** Names of the tensors that it makes. */
  readonly outputs: readonly string[];
  /** Attributes by name, as the protocol buffer has them. */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

/** A node of a sub-graph: it runs in the clear, as part of the node whose sub-graph it is. */
export type InnerNode = Pick<GraphNode, 'name' | 'op' | 'domain'>;

/** One linear node as a convolution. */
export interface ImportedLayer {
  /** Of the node. */
  readonly name: string;
  /** Operator of the node, such as QLinearConv. */
  readonly op: string;
  /** The node of the graph. */
  readonly node: GraphNode;
  /** Its `accumulator` is the width that the model's own arithmetic has: 32 signed bits, or null for float graphs. */
  readonly spec: ConvSpec;
  /** How the accumulators lie in the node's output. */
  readonly arrangement: OutputArrangement;
  /** Where the integers come from, and how they are laid out. */
  readonly input: LayerInput;
  /** One per output channel; null for operators without scales (ConvInteger, MatMulInteger, NEMO). */
  readonly weightScales: readonly number[] | null;
  /** What the accumulators become. */
  readonly output: LayerOutput;
}

/** Where the integers come from. */
export interface LayerInput {
  /** Name of the tensor in the graph. */
  readonly tensor: string;
  /** Its element type. */
  readonly type: ElementType;
  /** In the graph. */
  readonly shape: readonly number[];
  /**
   * Axes in the order that makes it the convolution's (transposed[i] = shape[permutation[i]]), before it is reshaped to
   * [batch, channels, height, width]; null for none: then only the shape changes.
   */
  readonly permutation: readonly number[] | null;
  /** `integer`: values are q. `scaled`: values are scale * (q - zeroPoint), with the zero point of the spec. */
  readonly kind: 'integer' | 'scaled';
  /** Real value of q: scale * (q - zeroPoint). null where the graph has no scale. */
  readonly scale: number | null;
}

/** What an accumulator becomes. The shape is that of the graph; from the convolution's it takes only a reshape. */
export type LayerOutput = AccumulatorOutput | RequantizedOutput | ScaledLayerOutput;

/** A tensor of the graph that a layer makes. */
interface MadeTensor {
  /** Name of the tensor in the graph. */
  readonly tensor: string;
  /** Its element type. */
  readonly type: ElementType;
  /** Its extents in the graph. */
  readonly shape: readonly number[];
}

/** The accumulator itself: ConvInteger and MatMulInteger (int32), NEMO (whole floats). */
export interface AccumulatorOutput extends MadeTensor {
  /** The discriminant. */
  readonly kind: 'accumulator';
}

/** fround(fround(accumulator) * scales[channel]), plus bias[channel] in float32 where there is one. */
export interface ScaledOutput extends MadeTensor {
  /** The discriminant. */
  readonly kind: 'scaled';
  /** fround(input scale * weight scale), one per output channel. */
  readonly scales: readonly number[];
  /** A bias that is no whole multiple of the scales, or what rounding took off it: added in the clear. */
  readonly bias: readonly number[] | null;
}

/** A scaled output, with what may be taken in its place. */
export interface ScaledLayerOutput extends ScaledOutput {
  /** The quantized tensor that follows, where nothing but a redundant Relu or Clip stands between. */
  readonly requantized: RequantizedOutput | null;
}

/** Scaled, rounded half to even, zero point added, clamped: see runtime/clear/requantize.ts. */
export interface RequantizedOutput extends MadeTensor {
  /** The discriminant. */
  readonly kind: 'requantized';
  /** How the integer is made; lists have one entry per output channel, or one for all. */
  readonly requantization: QlinearRequantization;
}

/** A linear node that only the datatype tier can judge. */
export interface OpenLayer {
  /** Name of the node. */
  readonly name: string;
  /** Operator of the node. */
  readonly op: string;
  /** The node of the graph. */
  readonly node: GraphNode;
  /** Graph inputs that `bind` can make constant. */
  readonly open: readonly string[];
  /** Products that one output sums. */
  readonly taps: number;
  /** Output channels. */
  readonly outputChannels: number;
  /** x - zeroPoint, over all zero points that may come. */
  readonly inputRange: Interval;
  /** w - zeroPoint, over all zero points that may come. */
  readonly weightRange: Interval;
  /** Of the bias, over all channels. */
  readonly biasRange: Interval;
  /** Whether a tap may fall on padding and add nothing. */
  readonly isPadded: boolean;
  /** Width of the model's own arithmetic. */
  readonly accumulator: Width;
}

/** A node that runs in the clear, and why. */
export interface UnsupportedNode {
  /** Name of the node. */
  readonly name: string;
  /** Operator of the node. */
  readonly op: string;
  /** Why it cannot be a layer, as one sentence. */
  readonly reason: string;
  /** `linear`: a linear node that cannot be compiled. `operator`: the operator is not known. */
  readonly kind: 'linear' | 'operator';
}

/** How the floats of a graph input stand for integers, where the model does not say it. */
export interface InputQuantization extends Width {
  /** Positive factor: x = scale * (q - zeroPoint). */
  readonly scale: number;
  /** The integer q that stands for 0. */
  readonly zeroPoint: number;
}

/** How a model is read; everything has a default. */
export interface ImportOptions {
  /** Name for messages; the path, if one is given. */
  readonly file?: string;
  /** Folder that external data must lie in; that of the path, if one is given. Without it external data are refused. */
  readonly folder?: string;
  /** Values for graph inputs, which makes them constant. */
  readonly bind?: ReadonlyMap<string, OnnxTensor>;
  /** Float graph inputs that hold scale * (q - zeroPoint). */
  readonly inputQuantization?: ReadonlyMap<string, InputQuantization>;
  /**
   * What becomes of average pools whose input is quantized: by default the client computes them in the clear, which costs
   * no round trip; `encrypted` makes layers of them.
   */
  readonly averagePools?: 'clear' | 'encrypted';
  /** Types and shapes of tensors within the graph that neither the model nor its operators tell. */
  readonly observed?: ReadonlyMap<string, GraphValue>;
  /** Symbolic extents, by name; those that are not given are 1 as the first extent of an input, and open elsewhere. */
  readonly extents?: ReadonlyMap<string, number>;
}
