import { hull } from '../../../../compiler/base/interval.ts';
import { concatenate, gather, strided, stridesOf } from '../../../interpreter/moves.ts';
import { padded, padPositions } from '../../../interpreter/resize.ts';
import type { PadMode } from '../../../interpreter/resize.ts';
import { floatAttribute, intAttribute, textAttribute } from '../graph/attributes.ts';
import {
  constantInput,
  contradiction,
  inputName,
  inputShape,
  inputType,
  normalAxis,
  shapeText,
} from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { QuantizedTensor } from '../types.ts';
import type { OnnxTensor } from '../types.ts';
import { together } from './bounds.ts';
import { facts, hullOf, sameGrid, selecting } from './grids.ts';
import { listOf, unknown } from './lists.ts';
import { computes, inputAt } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule } from './operator.ts';

/** Operators that pick elements, or put tensors together. */

const concatShape: ShapeRule = (view) => {
  const shapes = view.node.inputs.map((_, index) => inputShape(view, index));
  const first = shapes[0];
  if (first === null || first === undefined || shapes.includes(null)) return unknown(view);
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 1), first.length);
  let extent = 0;
  for (const shape of shapes) {
    if (
      shape?.length !== first.length ||
      shape.some((size, other) => other !== axis && size !== first[other])
    )
      contradiction(view.node, 'the inputs do not go together', shapeText(first), shapeText(shape ?? null));
    else extent += shape[axis]!;
  }
  return [{ type: inputType(view, 0), shape: first.map((size, other) => (other === axis ? extent : size)) }];
};

const gatherShape: ShapeRule = (view) => {
  const [shape, indices] = [inputShape(view, 0), inputShape(view, 1)];
  if (shape === null || indices === null) return unknown(view);
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 0), shape.length);
  const result = [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)];
  return [{ type: inputType(view, 0), shape: result }];
};

/** Start, step and count of a Slice on each axis; null when they are not constant. */
function sliceOf(
  view: NodeView,
  shape: readonly number[],
): readonly { readonly start: number; readonly step: number; readonly count: number }[] | null {
  const { node } = view;
  const [starts, ends] = [listOf(view, 'starts', 1), listOf(view, 'ends', 2)];
  const [axes, steps] = [listOf(view, 'axes', 3), listOf(view, 'steps', 4)];
  if (starts === null || ends === null || axes === null || steps === null) return null;
  if (starts === 'none' || ends === 'none') return null;
  const result = shape.map((count) => ({ start: 0, step: 1, count }));
  starts.forEach((first, index) => {
    const axis = normalAxis(node, axes === 'none' ? index : (axes[index] ?? NaN), shape.length);
    const step = steps === 'none' ? 1 : (steps[index] ?? 0);
    if (step === 0) contradiction(node, 'a step is out of range', 'not 0', '0');
    const extent = shape[axis]!;
    const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
    const clamp = (position: number): number =>
      Math.min(Math.max(position < 0 ? position + extent : position, least), most);
    const start = Math.max(0, clamp(first));
    const end = clamp(ends[index] ?? extent);
    result[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
  return result;
}

const sliceShape: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  const parts = shape === null ? null : sliceOf(view, shape);
  return [{ type: inputType(view, 0), shape: parts?.map(({ count }) => count) ?? null }];
};

/** Extents of the parts of a Split along its axis; null when they are not constant. */
function splitOf(view: NodeView, extent: number): readonly number[] | null {
  const parts = view.node.outputs.length;
  const listed = listOf(view, 'split', 1);
  if (listed === null) return null;
  const size = Math.ceil(extent / parts);
  const sizes =
    listed === 'none' || listed.length === 0
      ? view.node.outputs.map((_, index) => Math.min(size, extent - size * index))
      : listed;
  const total = sizes.reduce((sum, part) => sum + part, 0);
  if (sizes.length !== parts || total !== extent || sizes.some((part) => part < 0))
    contradiction(view.node, 'the parts do not add up', `${parts} parts of ${extent}`, sizes.join(' + '));
  return sizes;
}

const splitShape: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  if (shape === null) return unknown(view);
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 0), shape.length);
  const sizes = splitOf(view, shape[axis]!);
  if (sizes === null) return unknown(view);
  return sizes.map((size) => ({
    type: inputType(view, 0),
    shape: shape.map((extent, other) => (other === axis ? size : extent)),
  }));
};

/** Begins and ends of a Pad on each axis; null when they are not constant. */
function padsOf(view: NodeView, rank: number): readonly (readonly [number, number])[] | null {
  const [pads, axes] = [listOf(view, 'pads', 1), listOf(view, 'axes', 3)];
  if (pads === null || pads === 'none' || axes === null) return null;
  const chosen =
    axes === 'none'
      ? Array.from({ length: rank }, (_, axis) => axis)
      : axes.map((axis) => normalAxis(view.node, axis, rank));
  if (pads.length !== 2 * chosen.length)
    contradiction(view.node, 'wrong number of pads', String(2 * chosen.length), String(pads.length));
  const result = Array.from({ length: rank }, (): [number, number] => [0, 0]);
  chosen.forEach((axis, index) => {
    result[axis] = [pads[index]!, pads[index + chosen.length]!];
  });
  return result;
}

const padShape: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  const pads = shape === null ? null : padsOf(view, shape.length);
  if (shape === null || pads === null) return unknown(view);
  const result = shape.map((extent, axis) => extent + pads[axis]![0] + pads[axis]![1]);
  if (result.some((extent) => extent < 0))
    contradiction(
      view.node,
      'negative pads take off more than there is',
      'extents of at least 0',
      shapeText(result),
    );
  return [{ type: inputType(view, 0), shape: result }];
};

const sliceClear = computes(1, (inputs, { view, output: { shape } }) => {
  const input = inputs[0]!;
  const parts = sliceOf(view, input.shape);
  if (parts === null) return null;
  const strides = stridesOf(input.shape);
  const start = parts.reduce((sum, part, axis) => sum + part.start * strides[axis]!, 0);
  const steps = parts.map(({ step }, axis) => step * strides[axis]!);
  return strided(input, shape, steps, start);
});

const concatClear = computes(1, (inputs, { view, output: { shape } }) => {
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 1), shape.length);
  return concatenate(inputs, axis, shape);
});

const gatherClear = computes(2, (inputs, { view, output: { shape } }) => {
  const [input, indices] = [inputs[0]!, inputs[1]!];
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 0), input.shape.length);
  const extent = input.shape[axis]!;
  const wrong = indices.data.find((index: number) => index < -extent || index >= extent);
  if (wrong !== undefined)
    contradiction(view.node, 'an index is out of range', `within [${-extent}, ${extent - 1}]`, String(wrong));
  return gather(input, indices, axis, shape);
});

const splitClear: ClearRule = (call) => {
  const input = inputAt(call, 0);
  if (input === null) return null;
  const { view, outputs } = call;
  const strides = stridesOf(input.shape);
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 0), input.shape.length);
  let start = 0;
  const parts: OnnxTensor[] = [];
  for (const { shape } of outputs) {
    if (shape === null) return null;
    parts.push(strided(input, shape, strides, start * strides[axis]!));
    start += shape[axis]!;
  }
  return parts;
};

const PAD_MODES: readonly PadMode[] = ['constant', 'edge', 'reflect', 'wrap'];

const padClear = computes(1, (inputs, { view }) => {
  const input = inputs[0]!;
  const pads = padsOf(view, input.shape.length);
  const text = textAttribute(view.node, 'mode', 'constant');
  const mode = PAD_MODES.find((known) => known === text);
  if (pads === null || mode === undefined) return null;
  const fill = constantInput(view, 2)?.data[0] ?? floatAttribute(view.node, 'value', 0);
  // What negative pads take off is cut away first.
  const positions = input.shape.map((extent, axis) => {
    const [before, after] = pads[axis]!;
    const cut = Math.max(0, -before);
    const kept = extent - cut - Math.max(0, -after);
    return padPositions(kept, Math.max(0, before), Math.max(0, after), mode).map((position) =>
      position < 0 ? position : position + cut,
    );
  });
  return padded(input, positions, fill);
});

/** Inputs that lie on one grid. */
function joined({ node, state }: NodeView, first: QuantizedTensor): QuantizedTensor | null {
  const parts = node.inputs.map((name) => state.quantized.get(name));
  let { range } = first;
  for (const part of parts) {
    if (part === undefined || !sameGrid(part, first)) return null;
    range = hull(range, part.range);
  }
  return { ...first, range, source: null, integers: null };
}

function withZero(input: QuantizedTensor): QuantizedTensor | null {
  if (input.axis !== null) return null;
  const zero = input.zeroPoints[0]!;
  return { ...input, range: hull(input.range, { lo: zero, hi: zero }), source: null, integers: null };
}

function padsWithZero(view: NodeView): boolean {
  if (textAttribute(view.node, 'mode', 'constant') !== 'constant') return true;
  if (inputName(view.node, 2) === null) return (view.node.attributes.get('value')?.f ?? 0) === 0;
  return constantInput(view, 2)?.data[0] === 0;
}

const concatGrid = facts(joined, (_, inputs) => (inputs.includes(null) ? null : { range: hullOf(inputs) }));
const padGrid = facts(
  (view, input) => (padsWithZero(view) ? withZero(input) : null),
  (view, [first]) =>
    first === null || first === undefined || !padsWithZero(view)
      ? null
      : { range: hullOf([first, { range: { lo: 0, hi: 0 } }]) },
);

export const SELECTIONS: Family = new Map<string, Operator>([
  [
    'Concat',
    { shape: concatShape, grid: concatGrid, bounds: together(), clear: concatClear, folds: 'values' },
  ],
  [
    'Gather',
    {
      shape: gatherShape,
      grid: selecting(() => null, gatherClear),
      clear: gatherClear,
      folds: 'values',
    },
  ],
  [
    'Slice',
    { shape: sliceShape, grid: selecting(() => null, sliceClear), clear: sliceClear, folds: 'values' },
  ],
  [
    'Split',
    { shape: splitShape, grid: selecting(() => null, splitClear, 'all'), clear: splitClear, folds: 'values' },
  ],
  ['Pad', { shape: padShape, grid: padGrid, clear: padClear, folds: 'values' }],
]);
