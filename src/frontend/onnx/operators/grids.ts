import { contains, datatypeRange, hull } from '../../../../compiler/base/interval.ts';
import type { Interval } from '../../../../compiler/base/interval.ts';
import { inputName, inputShape } from '../graph/state.ts';
import type { GraphState, NodeView } from '../graph/state.ts';
import type { QuantizedTensor } from '../types.ts';
import { ELEMENTS } from '../proto/codes.ts';
import type { OnnxTensor } from '../types.ts';
import type { ClearRule, GridRule, Whole } from './operator.ts';

/** Grids: what the records of operators share. */

/** The range of a tensor of whole numbers (null: not known), or null for one that may hold fractions. */
export function wholeOf(state: GraphState, name: string): Whole {
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

/** Integers that do not fit their type wrap: then only the type bounds them. */
export function withinType(state: GraphState, name: string, range: Interval | null): Interval | null {
  const type = state.values.get(name)?.type ?? null;
  if (type === null) return range;
  const { bits, kind } = ELEMENTS[type];
  if (kind !== 'signed' && kind !== 'unsigned') return range;
  const all = datatypeRange(bits, kind === 'signed');
  if (range !== null && contains(all, range)) return range;
  return bits <= 16 ? all : null;
}

/** What is known of the node's first input as quantized floats. */
function quantizedInput({ node, state }: NodeView, index = 0): QuantizedTensor | null {
  const name = inputName(node, index);
  return name === null ? null : (state.quantized.get(name) ?? null);
}

/** Ranges of the inputs; null for one that is left out or may hold fractions. */
function wholeInputs({ node, state }: NodeView): Whole[] {
  return node.inputs.map((name) => (name === '' ? null : wholeOf(state, name)));
}

/** A rule for operators with one output. */
export function facts(
  quantized: ((view: NodeView, input: QuantizedTensor) => QuantizedTensor | null) | null,
  whole: ((view: NodeView, inputs: readonly Whole[]) => Whole) | null,
): GridRule {
  return (view) => {
    const input = quantizedInput(view);
    return [
      {
        quantized: quantized === null || input === null ? null : quantized(view, input),
        whole: whole === null ? null : whole(view, wholeInputs(view)),
      },
    ];
  };
}

/** Where an axis of the first input is in the output; null when it is split, joined or picked from. */
export type FollowAxis = (view: NodeView, axis: number) => number | null;

/**
 * Operators all of whose output values are values of their first input.
 * @param clear how they move elements: a quantized constant moves in the same way; null where it need not be known
 * @param outputs how many outputs that holds for
 */
export function selecting(
  followAxis: FollowAxis,
  clear: ClearRule | null = null,
  outputs: 'first' | 'all' = 'first',
): GridRule {
  return (view) => {
    const input = quantizedInput(view);
    const whole = wholeInputs(view)[0] ?? null;
    const count = outputs === 'first' ? 1 : view.node.outputs.length;
    const integers = input === null || clear === null ? null : movedIntegers(view, input.integers, clear);
    return Array.from({ length: count }, (_, index) => ({
      quantized: input === null ? null : moved(view, input, followAxis, integers?.[index] ?? null),
      whole,
    }));
  };
}

function moved(
  view: NodeView,
  input: QuantizedTensor,
  followAxis: FollowAxis,
  integers: OnnxTensor | null,
): QuantizedTensor | null {
  const axis = input.axis === null ? null : followAxis(view, input.axis);
  if (input.axis !== null && axis === null) return null;
  const source = view.node.op === 'Identity' ? input.source : null;
  return { ...input, axis, integers, source };
}

function movedIntegers(
  view: NodeView,
  integers: OnnxTensor | null,
  clear: ClearRule,
): readonly OnnxTensor[] | null {
  const { node, state } = view;
  if (integers === null || integers.data.length > state.foldable) return null;
  const outputs = node.outputs.map((name) => ({
    type: integers.type,
    shape: state.values.get(name)?.shape ?? null,
  }));
  const shape = outputs[0]?.shape ?? null;
  if (shape === null) return null;
  state.foldable -= integers.data.length;
  const others = node.inputs.slice(1).map((name) => state.constants.get(name) ?? null);
  if (others.some((other, index) => other === null && node.inputs[index + 1] !== '')) return null;
  return clear({ view, inputs: [integers, ...others], output: { type: integers.type, shape }, outputs });
}

/** The axis stays where all extents up to it do: reshapes. */
export const whileLeadingExtentsStay: FollowAxis = (view, axis) => {
  const from = inputShape(view, 0);
  const to = view.state.values.get(view.node.outputs[0] ?? '')?.shape ?? null;
  if (from === null || to === null) return null;
  const stays = to.length > axis && from.slice(0, axis + 1).every((extent, other) => extent === to[other]);
  return stays ? axis : null;
};

/** Linear operators on whole numbers make whole numbers, but nothing bounds them. */
export const unbounded: GridRule = facts(null, (view, inputs) =>
  inputs.some((input, index) => input === null && view.node.inputs[index] !== '') ? null : { range: null },
);

export function hullOf(inputs: readonly Whole[]): Interval | null {
  let range: Interval | null = null;
  for (const input of inputs) {
    if (input?.range === null || input === null) return null;
    range = range === null ? input.range : hull(range, input.range);
  }
  return range;
}

export function intersect(range: Interval | null, lo: number, hi: number): Interval | null {
  const [least, most] = [Math.max(range?.lo ?? -Infinity, lo), Math.min(range?.hi ?? Infinity, hi)];
  return Number.isFinite(least) && Number.isFinite(most) && least <= most ? { lo: least, hi: most } : null;
}

/** A bound that falls between two values of the grid leaves it, unless it is past all of them. */
export function clipped(input: QuantizedTensor, lo: number, hi: number): QuantizedTensor | null {
  if (input.axis !== null) return null;
  const [least, most] = [gridPosition(input, lo), gridPosition(input, hi)];
  if (!Number.isInteger(least) && least > input.range.lo) return null;
  if (!Number.isInteger(most) && most < input.range.hi) return null;
  const range = { lo: Math.max(input.range.lo, least), hi: Math.min(input.range.hi, most) };
  return range.lo > range.hi ? null : { ...input, range, source: null, integers: null };
}

/** Which q a value stands for; whole where the float32 of that q is the value itself. */
function gridPosition({ scales, zeroPoints }: QuantizedTensor, bound: number): number {
  const [scale, zeroPoint] = [scales[0]!, zeroPoints[0]!];
  const exact = bound / scale + zeroPoint;
  const nearest = Math.round(exact);
  return Math.fround((nearest - zeroPoint) * scale) === Math.fround(bound) ? nearest : exact;
}

export function sameGrid(left: QuantizedTensor, right: QuantizedTensor): boolean {
  return (
    left.axis === null &&
    right.axis === null &&
    left.scales[0] === right.scales[0] &&
    left.zeroPoints[0] === right.zeroPoints[0]
  );
}
