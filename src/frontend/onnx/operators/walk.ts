import { datatypeRange } from '../../../../compiler/base/interval.ts';
import { elementCount } from '../../../../compiler/base/tensor.ts';
import { describeNode } from '../graph/attributes.ts';
import { annotate } from './annotate.ts';
import { ELEMENTS, isQuantizedType } from '../proto/codes.ts';
import { clipBounds } from './activations.ts';
import { converted } from './constants.ts';
import type { Inferred, Operator } from './operator.ts';
import {
  dequantizeConstant,
  isQuantizer,
  linearAffine,
  quantizeConstant,
  quantizerOf,
} from './quantizers.ts';
import type { Affine } from './quantizers.ts';
import { operatorOf } from './registry.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { GraphState, NodeView } from '../graph/state.ts';
import type { GraphNode, OnnxTensor } from '../types.ts';
import type { GraphValue } from '../../imported/types.ts';

/** One node after the other: shapes, constants, and what is quantized. */

/** What the walk found of a node. */
export interface Visited {
  readonly node: GraphNode;
  /** Whether all its outputs are constant now. */
  readonly folded: boolean;
  /** Whether the operator is known. */
  readonly known: boolean;
}

/**
 * @param declared types and shapes that the model itself states, for what cannot be inferred
 * @throws CipherconvError `malformed-model` for shapes that contradict each other
 */
export function visit(
  node: GraphNode,
  state: GraphState,
  declared: ReadonlyMap<string, GraphValue>,
): Visited {
  const view: NodeView = { node, state };
  const operator = operatorOf(view);
  const inferred = operator?.shape(view) ?? [];
  node.outputs.forEach((name, index) => {
    if (name !== '') state.values.set(name, valueOf(name, inferred[index], declared.get(name)));
  });
  noteUnshaped(view);
  const folded = fold(view, operator, inferred);
  annotate(view, operator);
  return { node, folded, known: operator !== null };
}

/** An input without a shape hands its reason on; else it is this node that loses the shape. */
function noteUnshaped({ node, state }: NodeView): void {
  const lost = node.outputs.filter((name) => state.values.get(name)?.shape === null);
  if (lost.length === 0) return;
  const causes = [...node.inputs, ...node.captured].map((name) => state.unshaped.get(name));
  const cause = causes.find((known) => known !== undefined) ?? describeNode(node);
  for (const name of lost) state.unshaped.set(name, cause);
}

function valueOf(name: string, inferred: Inferred | undefined, stated: GraphValue | undefined): GraphValue {
  return {
    name,
    type: inferred?.type ?? stated?.type ?? null,
    shape: inferred?.shape ?? stated?.shape ?? null,
  };
}

export function setConstant(state: GraphState, name: string, tensor: OnnxTensor): void {
  if (name === '') return;
  state.constants.set(name, tensor);
  state.values.set(name, { name, type: tensor.type, shape: tensor.shape });
}

/** Whether all outputs are constant now. */
function fold(view: NodeView, operator: Operator | null, inferred: readonly Inferred[]): boolean {
  const { node, state } = view;
  const tensors = operator?.folds === 'shapes' ? [] : constantInputs(view);
  if (tensors === null) return false;
  const made = isQuantizer(view)
    ? foldQuantizer(view)
    : node.op === 'DequantizeLinear'
      ? foldDequantizer(view)
      : foldByRule(view, operator, tensors, inferred);
  if (made === null) return false;
  for (const [index, tensor] of made.entries()) setConstant(state, node.outputs[index] ?? '', tensor);
  // A mask of Dropout, or the like: nobody may need it.
  return node.outputs.every((name) => name === '' || state.constants.has(name));
}

/** The inputs (null: left out), if all of them are constant, and there is one. */
function constantInputs({ node, state }: NodeView): (OnnxTensor | null)[] | null {
  const tensors: (OnnxTensor | null)[] = [];
  for (const name of node.inputs) {
    if (name === '') {
      tensors.push(null);
      continue;
    }
    const tensor = state.constants.get(name);
    if (tensor === undefined) return null;
    state.readable -= elementCount(tensor.shape);
    if (state.readable < 0) return null;
    // A copy, because floats that are made when asked for would be made again for every element.
    tensors.push({ ...tensor });
  }
  return tensors.some((tensor) => tensor !== null) ? tensors : null;
}

function foldByRule(
  view: NodeView,
  operator: Operator | null,
  inputs: readonly (OnnxTensor | null)[],
  outputs: readonly Inferred[],
): readonly OnnxTensor[] | null {
  const { type = null, shape = null } = outputs[0] ?? {};
  if (operator?.clear === null || operator === null || operator.folds === 'never') return null;
  if (type === null || shape === null) return null;
  const count = outputs.reduce((sum, output) => sum + elementCount(output.shape ?? []), 0);
  // Checked before anything is allocated: a few bytes of shape can ask for any size.
  if (count > view.state.foldable) return null;
  view.state.foldable -= count;
  const made = operator.clear({ view, inputs, output: { type, shape }, outputs });
  const [first] = made ?? [];
  if (first !== undefined) noteRange(view, first);
  return made;
}

/** A Clip of an integer constant says how many bits are meant. */
function noteRange(view: NodeView, made: OnnxTensor): void {
  if (view.node.op !== 'Clip' || !isQuantizedType(made.type)) return;
  const [lo, hi] = clipBounds(view);
  const whole = datatypeRange(ELEMENTS[made.type].bits, ELEMENTS[made.type].kind === 'signed');
  const range = { lo: Math.max(lo ?? -Infinity, whole.lo), hi: Math.min(hi ?? Infinity, whole.hi) };
  const output = view.node.outputs[0] ?? '';
  if (Number.isInteger(range.lo) && Number.isInteger(range.hi) && range.lo <= range.hi)
    view.state.constantRanges.set(output, range);
}

function foldQuantizer(view: NodeView): OnnxTensor[] | null {
  const [result, input] = [quantizerOf(view), constantInput(view, 0)];
  const output = view.node.outputs[0] ?? '';
  if (!result.ok || input === null || !mayFold(view, input)) return null;
  const integers = quantizeConstant(input, result.quantizer);
  if (result.quantizer.output === 'float') {
    view.state.integersOf.set(output, integers);
    return [lazyFloats(integers, result.quantizer)];
  }
  const type = view.state.values.get(output)?.type ?? 'uint8';
  view.state.constantRanges.set(output, result.quantizer.range);
  return [converted(integers, type)];
}

function foldDequantizer(view: NodeView): OnnxTensor[] | null {
  const [affine, integers] = [linearAffine(view), constantInput(view, 0)];
  const name = inputName(view.node, 0);
  if (typeof affine === 'string' || integers === null || name === null) return null;
  if (isQuantizedType(integers.type) && !view.state.constantRanges.has(name)) {
    const { bits, kind } = ELEMENTS[integers.type];
    view.state.constantRanges.set(name, datatypeRange(bits, kind === 'signed'));
  }
  return [lazyFloats(integers, affine)];
}

function mayFold({ state }: NodeView, input: OnnxTensor): boolean {
  if (input.data.length > state.foldable) return false;
  state.foldable -= input.data.length;
  return true;
}

/** Weights are needed as integers; the floats that they stand for are made when somebody asks, and not kept. */
function lazyFloats(integers: OnnxTensor, affine: Affine): OnnxTensor {
  return {
    type: 'float32',
    shape: integers.shape,
    get data() {
      return dequantizeConstant(integers, affine).data;
    },
  };
}
