import type {
  FixedPointNode,
  FixedPointRounding,
  FixedPointTensor,
} from '../../interpreter/fixedPoint/node.ts';

/** The graph of a TFLite model. */
export interface TfliteSource {
  /** The discriminant. */
  readonly format: 'tflite';
  /** How 32-bit sums are scaled: see docs/tflite.md. */
  readonly rounding: FixedPointRounding;
  /** All operators, in the order of the file. */
  readonly nodes: readonly FixedPointNode[];
  /** The same, but for layers the half that the client computes: from accumulators to the output. */
  readonly clientNodes: readonly FixedPointNode[];
  /** All tensors, and the accumulators of layers. */
  readonly tensors: ReadonlyMap<string, FixedPointTensor>;
}

/** How a TFLite model is read; everything has a default. */
export interface TfliteOptions {
  /** Name for messages; the path, if one is given. */
  readonly file?: string;
  /** `double` (the default) as TensorFlow Lite Micro's reference kernels do it, `single` as XNNPACK and LiteRT do. */
  readonly rounding?: FixedPointRounding;
}
