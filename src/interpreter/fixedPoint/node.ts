import type { ElementType } from '../../frontend/onnx/proto/codes.ts';

/**
 * Operators of TensorFlow Lite as plain data: what a model plan keeps of them. Their arithmetic follows the portable reference
 * kernels of tensorflow/tflite-micro at 90b983c2; docs/tflite.md has the table.
 */

/** A tensor as operators know it; the values of constants come at run time. */
export interface FixedPointTensor {
  /** Element type. */
  readonly type: ElementType;
  /** Extents of the axes, the slowest first. */
  readonly shape: readonly number[];
  /** float32 values: none, one, or one per index of `axis`. */
  readonly scales: readonly number[];
  /** None for 0, one for all, or as many as scales. */
  readonly zeroPoints: readonly number[];
  /** Axis that several scales run along: quantized_dimension. */
  readonly axis: number;
}

/** Clamps at the end of an operator, in real values. */
export type FusedActivation = 'NONE' | 'RELU' | 'RELU_N1_TO_1' | 'RELU6';

/** SAME: ceil(extent / stride) outputs; VALID: the window stays inside. */
export type Padding = 'SAME' | 'VALID';

/** Rows, columns. */
export type Pair = readonly [number, number];

/** The 32-bit arithmetic at the end: rounded twice, as the reference does by default, or once, as LiteRT with XNNPACK does. */
export type FixedPointRounding = 'double' | 'single';

/** Operators that can be encrypted: an accumulator per output, which is then brought to the scale of the output. */
export type LinearOperator = 'CONV_2D' | 'DEPTHWISE_CONV_2D' | 'FULLY_CONNECTED' | 'TRANSPOSE_CONV';

interface Window {
  readonly padding: Padding;
  readonly strides: Pair;
  readonly activation: FusedActivation;
}

interface Dilated extends Window {
  readonly dilations: Pair;
}

/** What 16-bit inputs are summed in where there is no bias to say it: quantized_bias_type, null where it is not INT32. */
interface BiasType {
  readonly biasType: 'int32' | null;
}

interface Pool extends Window {
  /** filter_height, filter_width. */
  readonly window: Pair;
}

interface Fused {
  readonly activation: FusedActivation;
}

/** The options of each operator; inputs and outputs are in the order of the file. */
interface Options {
  /** Input [n, h, w, c], filter [o, kh, kw, c / groups], bias [o] or none. */
  CONV_2D: Dilated & BiasType;
  /** Input [n, h, w, c], filter [1, kh, kw, o], bias [o] or none. */
  DEPTHWISE_CONV_2D: Dilated;
  /** Input of n d elements, filter [o, d], bias [o] or none. */
  FULLY_CONNECTED: Fused & BiasType;
  /** Shape of the output, filter [o, kh, kw, c], input [n, h, w, c], bias [o] or none. */
  TRANSPOSE_CONV: Window;
  /**
   * The end of a linear operator (`of`): accumulators, bias included, to its output. Inputs: the accumulators, then input,
   * filter and bias of the operator, of which only scales and zero points count.
   */
  REQUANTIZE: Fused & {
    readonly of: LinearOperator;
    /** Whether the 64-bit arithmetic with its 15-bit multiplier is meant (accumulatorOf). */
    readonly wide: boolean;
  };
  ADD: Fused;
  SUB: Fused;
  MUL: Fused;
  AVERAGE_POOL_2D: Pool;
  MAX_POOL_2D: Pool;
  /** Input, axes. */
  MEAN: { readonly keepDims: boolean };
  SOFTMAX: { readonly beta: number };
  LOGISTIC: object;
  /** Input, paddings [rank, 2]. */
  PAD: object;
  /** Input, paddings [rank, 2], value. */
  PADV2: object;
  /** Input, and a shape that is not looked at: the output has it. */
  RESHAPE: object;
  SQUEEZE: object;
  /** Input, permutation. */
  TRANSPOSE: object;
  CONCATENATION: Fused & {
    /** From the last axis on where it is negative. */
    readonly axis: number;
  };
  /** Input, begin, end, strides. A bit of a mask is an axis. */
  STRIDED_SLICE: {
    readonly beginMask: number;
    readonly endMask: number;
    readonly ellipsisMask: number;
    readonly newAxisMask: number;
    readonly shrinkAxisMask: number;
  };
  QUANTIZE: object;
  DEQUANTIZE: object;
  RELU: object;
  RELU6: object;
  RELU_N1_TO_1: object;
  RELU_0_TO_1: object;
  LEAKY_RELU: { readonly alpha: number };
}

/** Names of the operators that have arithmetic here. */
export type OperatorName = keyof Options;

/** An operator with its options. */
export type OperationOf<K extends OperatorName> = K extends OperatorName
  ? { readonly op: K } & Options[K]
  : never;

/** Any operator with its options. */
export type FixedPointOperation = OperationOf<OperatorName>;

/** One operator of a file. */
export interface FixedPointNode {
  /** For messages. */
  readonly name: string;
  /** What it computes, with its options. */
  readonly operation: FixedPointOperation;
  /** Names of tensors; "" for one that is left out. */
  readonly inputs: readonly string[];
  /** Names of the tensors that it makes. */
  readonly outputs: readonly string[];
}
