import type { Interval, Width } from '../../../compiler/base/interval.ts';
import type { OutputArrangement } from '../../../compiler/convolution/arrangement.ts';
import type { ConvSpec } from '../../../compiler/convolution/spec.ts';
import type { QlinearRequantization } from '../../../runtime/clear/requantize.ts';
import type { ElementType } from '../onnx/proto/codes.ts';

/** What every importer gives: tensors of a graph, and its linear layers as convolutions. */

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

/** One linear node as a convolution. */
export interface ImportedLayer {
  /** Of the node. */
  readonly name: string;
  /** Operator of the node, such as QLinearConv. */
  readonly op: string;
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

/** What an accumulator becomes. The shape is that of the graph; from the arranged accumulators it takes a reshape. */
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
  /**
   * Axes of the arranged accumulators [batch, channels, ...extents] in the order that makes them the graph's, before they
   * are reshaped; null for none.
   */
  readonly permutation: readonly number[] | null;
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
