import type { Interval, Width } from '../../../compiler/base/interval.ts';
import type { DenseTensor } from '../../interpreter/values.ts';
import type { GraphValue } from '../imported/types.ts';
import type { AttributeProto, ModelProto } from './proto/onnx_pb.ts';

/** Values of a tensor, C order. Integers past 2^53 (int64, uint64) are rounded to doubles; 4 and 2-bit ones are unpacked. */
export type OnnxTensor = DenseTensor;

/** The graph of an ONNX model. */
export interface OnnxSource {
  /** The discriminant. */
  readonly format: 'onnx';
  /** Version by domain; the standard operators have domain "". */
  readonly opsets: ReadonlyMap<string, number>;
  /**
   * What was read, with composed operators written out and the nodes that dynamic quantization takes (graph/composed.ts,
   * graph/centred.ts): sub-models are cut from it. External data are not in it, but in `constants`.
   */
  readonly proto: ModelProto;
  /** In topological order, without what was folded. */
  readonly nodes: readonly GraphNode[];
  /** Floats that are a scale times integers, by name; those that were folded included. */
  readonly quantized: ReadonlyMap<string, QuantizedTensor>;
}

/** value = scale * (q - zeroPoint), q whole and in `range`. */
export interface QuantizedTensor {
  /** One, or one per index of `axis`; float32 values. */
  readonly scales: readonly number[];
  /** As many as scales. */
  readonly zeroPoints: readonly number[];
  /** null for one scale. */
  readonly axis: number | null;
  /** Of q. */
  readonly range: Interval;
  /** Graph tensor that holds q itself: what a DequantizeLinear reads. */
  readonly source: string | null;
  /** q of a constant. */
  readonly integers: OnnxTensor | null;
}

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
