import { datatypeRange } from '../../../../compiler/base/interval.ts';
import { elementCount } from '../../../../compiler/base/tensor.ts';
import { annotate } from './annotate.ts';
import { ELEMENTS, isQuantizedType } from '../proto/codes.ts';
import { constantValue, converted, foldedShape, foldRuleOf } from './fold.ts';
import { clipBounds } from './foldMath.ts';
import type { KnownOutput } from './foldRule.ts';
import {
  dequantizeConstant,
  isQuantizer,
  linearAffine,
  quantizeConstant,
  quantizerOf,
} from './quantizers.ts';
import type { Affine } from './quantizers.ts';
import type { Inferred } from './shapeRule.ts';
import { shapeRuleOf } from './shapes.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { GraphState, NodeView } from '../graph/state.ts';
import type { GraphNode, GraphValue, OnnxTensor } from '../types.ts';

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
  const constant = node.op === 'Constant' && node.domain === '' ? constantValue(view) : null;
  if (constant !== null) {
    setConstant(state, node.outputs[0] ?? '', constant);
    return { node, folded: true, known: true };
  }
  const rule = shapeRuleOf(view);
  const inferred = rule?.(view) ?? [];
  node.outputs.forEach((name, index) => {
    if (name !== '') state.values.set(name, valueOf(name, inferred[index], declared.get(name)));
  });
  const folded = fold(view, inferred);
  annotate(view);
  return { node, folded, known: rule !== null };
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

function fold(view: NodeView, inferred: readonly Inferred[]): boolean {
  const { node, state } = view;
  const output = node.outputs[0] ?? '';
  if (output === '') return false;
  const shape = foldedShape(view);
  if (shape !== null) {
    setConstant(state, output, shape);
    return true;
  }
  const tensors = constantInputs(view);
  if (tensors === null) return false;
  const made = isQuantizer(view)
    ? foldQuantizer(view)
    : node.op === 'DequantizeLinear'
      ? foldDequantizer(view)
      : foldByRule(view, tensors, inferred[0]);
  if (made === null) return false;
  setConstant(state, output, made);
  // A mask of Dropout, or the like: nobody may need it.
  return node.outputs.every((name) => name === '' || state.constants.has(name));
}

/** All inputs that are there, if all of them are constant. */
function constantInputs({ node, state }: NodeView): OnnxTensor[] | null {
  const tensors: OnnxTensor[] = [];
  for (const name of node.inputs) {
    if (name === '') continue;
    const tensor = state.constants.get(name);
    if (tensor === undefined) return null;
    state.readable -= elementCount(tensor.shape);
    if (state.readable < 0) return null;
    // A copy, because floats that are made when asked for would be made again for every element.
    tensors.push({ ...tensor });
  }
  return tensors.length > 0 ? tensors : null;
}

function foldByRule(
  view: NodeView,
  tensors: readonly OnnxTensor[],
  inferred: Inferred | undefined,
): OnnxTensor | null {
  const rule = foldRuleOf(view);
  if (rule === null || inferred === undefined || tensors.length < rule.arity) return null;
  if (view.node.inputs.slice(0, rule.arity).includes('')) return null;
  const { type, shape } = inferred;
  if (type === null || shape === null) return null;
  const known: KnownOutput = { type, shape };
  const count = elementCount(shape);
  // Checked before anything is allocated: a few bytes of shape can ask for any size.
  if (count > view.state.foldable) return null;
  view.state.foldable -= count;
  const made = rule.compute(view, tensors, known);
  if (made !== null) noteRange(view, made);
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

function foldQuantizer(view: NodeView): OnnxTensor | null {
  const [result, input] = [quantizerOf(view), constantInput(view, 0)];
  const output = view.node.outputs[0] ?? '';
  if (!result.ok || input === null || !mayFold(view, input)) return null;
  const integers = quantizeConstant(input, result.quantizer);
  if (result.quantizer.output === 'float') {
    view.state.integersOf.set(output, integers);
    return lazyFloats(integers, result.quantizer);
  }
  const type = view.state.values.get(output)?.type ?? 'uint8';
  view.state.constantRanges.set(output, result.quantizer.range);
  return converted(integers, type);
}

function foldDequantizer(view: NodeView): OnnxTensor | null {
  const [affine, integers] = [linearAffine(view), constantInput(view, 0)];
  const name = inputName(view.node, 0);
  if (typeof affine === 'string' || integers === null || name === null) return null;
  if (isQuantizedType(integers.type) && !view.state.constantRanges.has(name)) {
    const { bits, kind } = ELEMENTS[integers.type];
    view.state.constantRanges.set(name, datatypeRange(bits, kind === 'signed'));
  }
  return lazyFloats(integers, affine);
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
