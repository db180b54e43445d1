import type { Interval } from '../../../../compiler/base/interval.ts';
import { describeNode } from './attributes.ts';
import type { ElementType } from '../proto/codes.ts';
import { MAX_LIST_LENGTH } from '../limits.ts';
import { malformed } from '../refusal.ts';
import type { GraphNode, OnnxTensor, QuantizedTensor } from '../types.ts';
import type { GraphValue, OpenExtent } from '../../imported/types.ts';

/** What is known of a graph's tensors while its nodes are gone through in order. */
export interface GraphState {
  readonly file: string;
  readonly opset: number;
  readonly constants: Map<string, OnnxTensor>;
  /** Symbolic extents of inputs that nobody gave. */
  readonly openExtents: readonly OpenExtent[];
  /** Inputs that nothing makes constant. */
  readonly graphInputs: ReadonlySet<string>;
  readonly values: Map<string, GraphValue>;
  /** Floats that are a scale times integers. */
  readonly quantized: Map<string, QuantizedTensor>;
  /** Tensors of whole numbers, and the range they lie in; null for unknown. Types of at most 16 bits need no entry. */
  readonly wholes: Map<string, Interval | null>;
  /** What values lie between, fractions too, where nothing narrower is noted above (operators/bounds.ts). */
  readonly bounds: Map<string, Interval>;
  /** Of tensors whose shape is not known: the node from which on it is not. */
  readonly unshaped: Map<string, string>;
  /** Why floats are not quantized that come from quantized ones, or from a node that quantizes. */
  readonly offGrid: Map<string, string>;
  /** q of the constants that quantizing nodes make of constants, by the name of their output. */
  readonly integersOf: Map<string, OnnxTensor>;
  /** Range of q where it is not that of the type: integer constants behind a QuantizeLinear or Clip. */
  readonly constantRanges: Map<string, Interval>;
  /** By layer: what its input is without the zero point that is computed at run time (centred.ts). */
  readonly centred: Map<string, string>;
  /** Elements that folding may still make. */
  foldable: number;
  /** Elements that folding may still read. */
  readable: number;
  /** Constants that are known to hold fractions. */
  readonly fractions: Set<string>;
}

/** A node with what is known of its inputs. */
export interface NodeView {
  readonly node: GraphNode;
  readonly state: GraphState;
}

/** Name of an input, or null when it is left out. */
export function inputName({ inputs }: GraphNode, index: number): string | null {
  const name = inputs[index];
  return name === undefined || name === '' ? null : name;
}

export function constantInput({ node, state }: NodeView, index: number): OnnxTensor | null {
  const name = inputName(node, index);
  const tensor = name === null ? undefined : state.constants.get(name);
  // A copy: floats that are made when asked for (walk.ts) would be made again for every element.
  return tensor === undefined ? null : { ...tensor };
}

export function inputShape({ node, state }: NodeView, index: number): readonly number[] | null {
  const name = inputName(node, index);
  return name === null ? null : (state.values.get(name)?.shape ?? null);
}

export function inputType({ node, state }: NodeView, index: number): ElementType | null {
  const name = inputName(node, index);
  return name === null ? null : (state.values.get(name)?.type ?? null);
}

/** A list of axes, extents or pads; null when it is left out, not constant, or absurdly long. */
export function numbersOf(view: NodeView, index: number): readonly number[] | null {
  const tensor = constantInput(view, index);
  return tensor === null || tensor.data.length > MAX_LIST_LENGTH ? null : Array.from(tensor.data);
}

/** A shape or attribute that does not go with the inputs. */
export function contradiction(node: GraphNode, message: string, expected: string, found: string): never {
  throw malformed({ where: describeNode(node), message, expected, found });
}

/** An axis counted from the front. */
export function normalAxis(node: GraphNode, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(normal) && normal >= 0 && normal < rank) return normal;
  return contradiction(node, 'an axis is out of range', `within [${-rank}, ${rank - 1}]`, String(axis));
}

export function shapeText(shape: readonly number[] | null): string {
  return shape === null ? 'unknown' : `[${shape.join(', ')}]`;
}
