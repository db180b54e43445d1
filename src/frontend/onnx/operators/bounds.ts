import { contains, hull } from '../../../../compiler/base/interval.ts';
import type { Interval } from '../../../../compiler/base/interval.ts';
import { elementCount } from '../../../../compiler/base/tensor.ts';
import { floatAttribute, intAttribute } from '../graph/attributes.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { GraphState, NodeView } from '../graph/state.ts';
import { ELEMENTS } from '../proto/codes.ts';
import { wholeOf } from './grids.ts';
import type { BoundsRule } from './operator.ts';

/**
 * What the values of a tensor lie between, fractions too. Rounding to a type keeps the order of values, so an interval of
 * exact results, its ends rounded, holds the rounded results. A Floor behind it makes whole numbers that are bounded: in NEMO
 * graphs the sum of two branches is one, with no Clip after it.
 */

/** What is known of the values of a tensor; null for nothing. */
function boundsOf(state: GraphState, name: string): Interval | null {
  const known = state.bounds.get(name);
  if (known !== undefined) return known;
  const range = wholeOf(state, name)?.range ?? null;
  if (range !== null) return range;
  const quantized = state.quantized.get(name);
  if (quantized !== undefined) {
    const [scale, zeroPoint] = [quantized.scales[0] ?? 1, quantized.zeroPoints[0] ?? 0];
    const end = (q: number): number => Math.fround((q - zeroPoint) * scale);
    return quantized.axis === null ? { lo: end(quantized.range.lo), hi: end(quantized.range.hi) } : null;
  }
  const constant = state.constants.get(name);
  if (constant === undefined || state.readable < elementCount(constant.shape)) return null;
  state.readable -= elementCount(constant.shape);
  const bounds = extremes(constant.data);
  if (bounds !== null) state.bounds.set(name, bounds);
  return bounds;
}

function extremes(values: Iterable<number>): Interval | null {
  let [lo, hi] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) return null;
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  // `+ 0` turns -0 into 0.
  return lo <= hi ? { lo: lo + 0, hi: hi + 0 } : null;
}

/** The whole numbers of an interval; null where there are none, or past 2^53. */
export function wholesWithin({ lo, hi }: Interval): Interval | null {
  const [least, most] = [Math.ceil(lo) + 0, Math.floor(hi) + 0];
  return Number.isSafeInteger(least) && Number.isSafeInteger(most) && least <= most
    ? { lo: least, hi: most }
    : null;
}

function inputBounds({ node, state }: NodeView): readonly (Interval | null)[] {
  return node.inputs.map((name) => (name === '' ? null : boundsOf(state, name)));
}

/** Ends rounded as the type of the output rounds; null for integers that may wrap, and where an end is not finite. */
function ofOutput({ node, state }: NodeView, lo: number, hi: number): Interval | null {
  const type = state.values.get(node.outputs[0] ?? '')?.type ?? null;
  if (type === null || !Number.isFinite(lo) || !Number.isFinite(hi)) return null;
  const { bits, kind } = ELEMENTS[type];
  if (kind === 'float') {
    // 16-bit floats round otherwise.
    if (bits < 32) return null;
    const round = bits === 32 ? Math.fround : (value: number): number => value;
    return { lo: round(lo) + 0, hi: round(hi) + 0 };
  }
  if (kind === 'bool') return { lo: 0, hi: 1 };
  const least = kind === 'signed' ? -(2 ** (bits - 1)) : 0;
  const whole = { lo: Math.trunc(lo) + 0, hi: Math.trunc(hi) + 0 };
  return contains({ lo: least, hi: least + 2 ** bits - 1 }, whole) ? whole : null;
}

/** A function of one value that keeps the order. */
export function rising(compute: (value: number) => number): BoundsRule {
  return (view) => {
    const [input] = inputBounds(view);
    return input === null || input === undefined
      ? null
      : ofOutput(view, compute(input.lo), compute(input.hi));
  };
}

/** The values of the first input. */
export const sameBounds: BoundsRule = rising((value) => value);

/** An operation on two values whose extremes are at the ends of both; nothing where it may divide by 0. */
export function atCorners(compute: (left: number, right: number) => number, divides = false): BoundsRule {
  return (view) => {
    const [left, right, ...others] = inputBounds(view);
    if (left === null || left === undefined || right === null || right === undefined) return null;
    if (others.length > 0 || (divides && right.lo <= 0 && right.hi >= 0)) return null;
    const ends = [left.lo, left.hi].flatMap((a) => [compute(a, right.lo), compute(a, right.hi)]);
    return ofOutput(view, Math.min(...ends), Math.max(...ends));
  };
}

/** All inputs, and perhaps 0. */
export function together(withZero: (view: NodeView) => boolean = () => false): BoundsRule {
  return (view) => {
    let all: Interval | null = withZero(view) ? { lo: 0, hi: 0 } : null;
    for (const next of inputBounds(view)) {
      if (next === null) return null;
      all = all === null ? next : hull(all, next);
    }
    return all;
  };
}

/** float32 adds whole numbers exactly up to here. */
const EXACT = { lo: -(2 ** 24), hi: 2 ** 24 };

/**
 * The sums of a linear operator on whole numbers, over all its outputs: of the weights (input 1) as they are, every tap of a
 * convolution possibly on padding.
 */
export const linearBounds: BoundsRule = (view) => {
  const { node, state } = view;
  const input = wholeOf(state, inputName(node, 0) ?? '')?.range ?? null;
  const weights = constantInput(view, 1);
  if (input === null || weights === null || wholeOf(state, inputName(node, 1) ?? '') === null) return null;
  if (floatAttribute(node, 'alpha', 1) !== 1 || floatAttribute(node, 'beta', 1) !== 1) return null;
  const isConvolution = node.op === 'Conv';
  const isByRow = isConvolution || (node.op === 'Gemm' && intAttribute(node, 'transB', 0) !== 0);
  const outputs = (isByRow ? weights.shape[0] : weights.shape.at(-1)) ?? 1;
  const taps = weights.data.length / outputs;
  const lo = new Float64Array(outputs);
  const hi = new Float64Array(outputs);
  weights.data.forEach((weight: number, index: number) => {
    const output = isByRow ? Math.floor(index / taps) : index % outputs;
    const ends = [weight * input.lo, weight * input.hi, ...(isConvolution ? [0] : [])];
    lo[output] = lo[output]! + Math.min(...ends);
    hi[output] = hi[output]! + Math.max(...ends);
  });
  const bias = inputName(node, 2);
  const added = bias === null ? { lo: 0, hi: 0 } : boundsOf(state, bias);
  const [least, most] = [extremes(lo), extremes(hi)];
  if (added === null || least === null || most === null) return null;
  const bounds = { lo: least.lo + added.lo, hi: most.hi + added.hi };
  return contains(EXACT, bounds) ? bounds : null;
};
