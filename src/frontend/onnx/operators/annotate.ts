import { contains, datatypeRange, hull } from '../../../../compiler/base/interval.ts';
import type { Interval } from '../../../../compiler/base/interval.ts';
import { textAttribute } from '../graph/attributes.ts';
import { ELEMENTS } from '../proto/codes.ts';
import { clipBounds } from './foldMath.ts';
import { dequantized, moveQuantized, selects } from './annotateMoves.ts';
import { isQuantizer, linearAffine, quantizerOf } from './quantizers.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { GraphState, NodeView, Quantized } from '../graph/state.ts';
import type { OnnxTensor } from '../types.ts';

/** Which tensors hold integers, or a scale times integers, and in which range: node by node. */

/** The range of a tensor of whole numbers (null: not known), or null for one that may hold fractions. */
export function wholeOf(state: GraphState, name: string): { readonly range: Interval | null } | null {
  const known = state.wholes.get(name);
  if (known !== undefined) return { range: known };
  const constant = state.constants.get(name);
  // Dequantized weights are fractions as a rule, and looking at all of them takes its time.
  if (constant !== undefined && state.quantized.has(name)) return null;
  if (constant !== undefined) {
    const range = state.fractions.has(name) ? null : wholeRange(constant);
    if (range === null) {
      state.fractions.add(name);
      return null;
    }
    state.wholes.set(name, range);
    return { range };
  }
  const type = state.values.get(name)?.type ?? null;
  if (type === null) return null;
  const { bits, kind } = ELEMENTS[type];
  if (kind !== 'signed' && kind !== 'unsigned') return null;
  return { range: bits <= 16 ? datatypeRange(bits, kind === 'signed') : null };
}

/** Smallest and largest of a constant of safe integers; null when it has others, or none. */
function wholeRange({ data }: OnnxTensor): Interval | null {
  let [lo, hi] = [Infinity, -Infinity];
  for (const value of data) {
    if (!Number.isSafeInteger(value)) return null;
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  // `+ 0` turns -0 into 0.
  return lo <= hi ? { lo: lo + 0, hi: hi + 0 } : null;
}

/** Notes what is known of the node's first output; the constants are folded already. */
export function annotate(view: NodeView): void {
  const { node, state } = view;
  const output = node.outputs[0] ?? '';
  if (output === '') return;
  if (isQuantizer(view)) {
    annotateQuantizer(view, output);
    return;
  }
  if (node.op === 'DequantizeLinear') {
    const quantized = dequantized(view, linearAffine(view), (name) => wholeOf(state, name)?.range ?? null);
    if (quantized !== null) state.quantized.set(output, quantized);
    return;
  }
  if (node.domain !== '') return;
  const quantized = quantizedOutput(view);
  if (quantized !== null) state.quantized.set(output, quantized);
  if (state.constants.has(output)) return;
  const whole = wholeOutput(view);
  if (whole !== null) state.wholes.set(output, withinType(state, output, whole.range));
}

/** Integers that do not fit their type wrap: then only the type bounds them. */
function withinType(state: GraphState, name: string, range: Interval | null): Interval | null {
  const type = state.values.get(name)?.type ?? null;
  if (type === null) return range;
  const { bits, kind } = ELEMENTS[type];
  if (kind !== 'signed' && kind !== 'unsigned') return range;
  const all = datatypeRange(bits, kind === 'signed');
  if (range !== null && contains(all, range)) return range;
  return bits <= 16 ? all : null;
}

function annotateQuantizer(view: NodeView, output: string): void {
  const result = quantizerOf(view);
  if (!result.ok) return;
  const { scales, zeroPoints, axis, range } = result.quantizer;
  if (result.quantizer.output === 'integer') {
    if (!view.state.constants.has(output)) view.state.wholes.set(output, range);
    return;
  }
  const integers = view.state.integersOf.get(output) ?? null;
  view.state.quantized.set(output, { scales, zeroPoints, axis, range, source: null, integers });
}

/** What becomes of scale and zero point, where the operator leaves the grid of values alone. */
function quantizedOutput(view: NodeView): Quantized | null {
  const { node, state } = view;
  const name = inputName(node, 0);
  const input = name === null ? undefined : state.quantized.get(name);
  if (input === undefined) return null;
  switch (node.op) {
    case 'Relu':
      return clipped(input, 0, Infinity);
    case 'Clip': {
      const [lo, hi] = clipBounds(view);
      return lo === null || hi === null ? null : clipped(input, lo, hi);
    }
    case 'Concat':
      return joined(view, input);
    case 'Pad':
      return padsWithZero(view) ? withZero(input) : null;
    default:
      return moveQuantized(view, input);
  }
}

/** A bound that falls between two values of the grid leaves it, unless it is past all of them. */
function clipped(input: Quantized, lo: number, hi: number): Quantized | null {
  if (input.axis !== null) return null;
  const [least, most] = [gridPosition(input, lo), gridPosition(input, hi)];
  if (!Number.isInteger(least) && least > input.range.lo) return null;
  if (!Number.isInteger(most) && most < input.range.hi) return null;
  const range = { lo: Math.max(input.range.lo, least), hi: Math.min(input.range.hi, most) };
  return range.lo > range.hi ? null : { ...input, range, source: null, integers: null };
}

/** Which q a value stands for; whole where the float32 of that q is the value itself. */
function gridPosition({ scales, zeroPoints }: Quantized, bound: number): number {
  const [scale, zeroPoint] = [scales[0]!, zeroPoints[0]!];
  const exact = bound / scale + zeroPoint;
  const nearest = Math.round(exact);
  return Math.fround((nearest - zeroPoint) * scale) === Math.fround(bound) ? nearest : exact;
}

function sameGrid(left: Quantized, right: Quantized): boolean {
  return (
    left.axis === null &&
    right.axis === null &&
    left.scales[0] === right.scales[0] &&
    left.zeroPoints[0] === right.zeroPoints[0]
  );
}

function joined({ node, state }: NodeView, first: Quantized): Quantized | null {
  const parts = node.inputs.map((name) => state.quantized.get(name));
  let { range } = first;
  for (const part of parts) {
    if (part === undefined || !sameGrid(part, first)) return null;
    range = hull(range, part.range);
  }
  return { ...first, range, source: null, integers: null };
}

function withZero(input: Quantized): Quantized | null {
  if (input.axis !== null) return null;
  const zero = input.zeroPoints[0]!;
  return { ...input, range: hull(input.range, { lo: zero, hi: zero }), source: null, integers: null };
}

function padsWithZero(view: NodeView): boolean {
  if (textAttribute(view.node, 'mode', 'constant') !== 'constant') return true;
  if (inputName(view.node, 2) === null) return (view.node.attributes.get('value')?.f ?? 0) === 0;
  return constantInput(view, 2)?.data[0] === 0;
}

/** The range of an output of whole numbers; null for one that may hold fractions. */
function wholeOutput(view: NodeView): { readonly range: Interval | null } | null {
  const { node, state } = view;
  const inputs = node.inputs.map((name) => (name === '' ? null : wholeOf(state, name)));
  const first = inputs[0] ?? null;
  if (selects(node.op)) return first;
  switch (node.op) {
    case 'Relu':
      return first === null ? null : { range: intersect(first.range, 0, Infinity) };
    case 'Clip':
      return first === null ? null : clippedWhole(view, first.range);
    case 'Floor':
    case 'Ceil':
    case 'Round':
      return first ?? { range: null };
    case 'Cast':
      return castWhole(view, first);
    case 'Concat':
      return inputs.includes(null) ? null : { range: hullOf(inputs) };
    case 'Pad':
      return first === null || !padsWithZero(view)
        ? null
        : { range: hullOf([first, { range: { lo: 0, hi: 0 } }]) };
    case 'Add':
    case 'Sub':
    case 'Mul':
      return inputs.length !== 2 || inputs.includes(null) ? null : { range: arithmetic(node.op, inputs) };
    case 'Conv':
    case 'MatMul':
    case 'Gemm':
      return inputs.some((input, index) => input === null && node.inputs[index] !== '')
        ? null
        : { range: null };
    default:
      return null;
  }
}

type Whole = { readonly range: Interval | null } | null;

function hullOf(inputs: readonly Whole[]): Interval | null {
  let range: Interval | null = null;
  for (const input of inputs) {
    if (input?.range === null || input === null) return null;
    range = range === null ? input.range : hull(range, input.range);
  }
  return range;
}

function intersect(range: Interval | null, lo: number, hi: number): Interval | null {
  const [least, most] = [Math.max(range?.lo ?? -Infinity, lo), Math.min(range?.hi ?? Infinity, hi)];
  return Number.isFinite(least) && Number.isFinite(most) && least <= most ? { lo: least, hi: most } : null;
}

function clippedWhole(view: NodeView, range: Interval | null): Whole {
  const [lo, hi] = clipBounds(view);
  const isWhole = (bound: number | null): bound is number =>
    bound !== null && (Number.isInteger(bound) || !Number.isFinite(bound));
  return isWhole(lo) && isWhole(hi) ? { range: intersect(range, lo, hi) } : null;
}

/** A cast to integers makes whole numbers of anything; what does not fit the type wraps. */
function castWhole({ node, state }: NodeView, input: Whole): Whole {
  const type = state.values.get(node.outputs[0] ?? '')?.type ?? null;
  if (type === null) return null;
  const { bits, kind } = ELEMENTS[type];
  if (kind === 'float') return input;
  if (kind === 'bool') return null;
  const all = datatypeRange(bits, kind === 'signed');
  const range = input?.range ?? null;
  if (range !== null && contains(all, range)) return { range };
  return { range: bits <= 16 ? all : null };
}

/** Interval arithmetic, as long as it stays exact. */
function arithmetic(op: 'Add' | 'Sub' | 'Mul', inputs: readonly Whole[]): Interval | null {
  const [left, right] = [inputs[0]?.range ?? null, inputs[1]?.range ?? null];
  if (left === null || right === null) return null;
  const pairs = [left.lo, left.hi].flatMap((a) => [right.lo, right.hi].map((b) => [a, b] as const));
  const compute = (a: number, b: number): number => (op === 'Add' ? a + b : op === 'Sub' ? a - b : a * b);
  const ends = pairs.map(([a, b]) => compute(a, b));
  const range = { lo: Math.min(...ends) + 0, hi: Math.max(...ends) + 0 };
  // float32 holds whole numbers exactly up to 2^24; the integers of a graph are in floats.
  return contains({ lo: -(2 ** 24), hi: 2 ** 24 }, range) ? range : null;
}
