import { elementCount } from '../../../../compiler/base/tensor.ts';
import { floatsAttribute, intAttribute, intsAttribute, textAttribute } from '../graph/attributes.ts';
import { elementTypeOf } from '../proto/codes.ts';
import type { ElementType } from '../proto/codes.ts';
import { broadcastShape } from './moves.ts';
import type { Inferred, ShapeRule } from './shapeRule.ts';
import {
  contradiction,
  inputName,
  inputShape,
  inputType,
  normalAxis,
  numbersOf,
  shapeText,
} from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';

/** Shapes of operators that move elements about. */

const unknown = (view: NodeView): Inferred[] =>
  view.node.outputs.map(() => ({ type: inputType(view, 0), shape: null }));

/** A list that older opsets have as attribute and newer ones as input; null when it is not constant. */
export function listOf(view: NodeView, attribute: string, index: number): readonly number[] | null | 'none' {
  if (inputName(view.node, index) !== null) return numbersOf(view, index);
  return intsAttribute(view.node, attribute) ?? 'none';
}

const reshape: ShapeRule = (view) => {
  const [shape, wanted, type] = [inputShape(view, 0), listOf(view, 'shape', 1), inputType(view, 0)];
  if (wanted === null || wanted === 'none') return unknown(view);
  const keepsZero = intAttribute(view.node, 'allowzero', 0) !== 0;
  if (shape === null) return [{ type, shape: wanted.every((extent) => extent > 0) ? wanted : null }];
  const extents = wanted.map((extent, axis) => (extent === 0 && !keepsZero ? (shape[axis] ?? -2) : extent));
  const open = extents.filter((extent) => extent === -1).length;
  const rest = elementCount(extents.filter((extent) => extent !== -1));
  const count = elementCount(shape);
  const full = extents.map((extent) => (extent === -1 ? count / rest : extent));
  const fits =
    open <= 1 &&
    full.every((extent) => Number.isInteger(extent) && extent >= 0) &&
    elementCount(full) === count;
  if (!fits)
    contradiction(
      view.node,
      'the new shape has another number of elements',
      `${count} elements`,
      shapeText(wanted),
    );
  return [{ type, shape: full }];
};

const flatten: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  if (shape === null) return unknown(view);
  const axis = intAttribute(view.node, 'axis', 1);
  const split = axis === shape.length ? axis : normalAxis(view.node, axis, shape.length || 1);
  const flat = [elementCount(shape.slice(0, split)), elementCount(shape.slice(split))];
  return [{ type: inputType(view, 0), shape: flat }];
};

const squeeze: ShapeRule = (view) => {
  const [shape, axes] = [inputShape(view, 0), listOf(view, 'axes', 1)];
  if (shape === null || axes === null) return unknown(view);
  const chosen =
    axes === 'none'
      ? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []))
      : axes.map((axis) => normalAxis(view.node, axis, shape.length));
  if (chosen.some((axis) => shape[axis] !== 1))
    contradiction(view.node, 'a squeezed axis is not 1', 'extent 1', shapeText(shape));
  return [{ type: inputType(view, 0), shape: shape.filter((_, axis) => !chosen.includes(axis)) }];
};

const unsqueeze: ShapeRule = (view) => {
  const [shape, axes] = [inputShape(view, 0), listOf(view, 'axes', 1)];
  if (shape === null || axes === null || axes === 'none') return unknown(view);
  const rank = shape.length + axes.length;
  const chosen = new Set(axes.map((axis) => normalAxis(view.node, axis, rank)));
  if (chosen.size !== axes.length)
    contradiction(view.node, 'an axis is there twice', 'each once', axes.join());
  let next = 0;
  const result = Array.from({ length: rank }, (_, axis) => (chosen.has(axis) ? 1 : shape[next++]!));
  return [{ type: inputType(view, 0), shape: result }];
};

/** The permutation of a Transpose: the axes in reverse unless it says otherwise. */
export function permutationOf(view: NodeView, rank: number): number[] {
  const permutation =
    intsAttribute(view.node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const isOne = permutation.length === rank && new Set(permutation).size === rank;
  if (!isOne || permutation.some((axis) => axis < 0 || axis >= rank))
    contradiction(view.node, 'perm is no permutation', `one of ${rank} axes`, `[${permutation.join(', ')}]`);
  return [...permutation];
}

const transpose: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  if (shape === null) return unknown(view);
  return [{ type: inputType(view, 0), shape: permutationOf(view, shape.length).map((axis) => shape[axis]!) }];
};

const concat: ShapeRule = (view) => {
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

const gather: ShapeRule = (view) => {
  const [shape, indices] = [inputShape(view, 0), inputShape(view, 1)];
  if (shape === null || indices === null) return unknown(view);
  const axis = normalAxis(view.node, intAttribute(view.node, 'axis', 0), shape.length);
  const result = [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)];
  return [{ type: inputType(view, 0), shape: result }];
};

/** Start, step and count of a Slice on each axis; null when they are not constant. */
export function sliceOf(
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

const slice: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  const parts = shape === null ? null : sliceOf(view, shape);
  return [{ type: inputType(view, 0), shape: parts?.map(({ count }) => count) ?? null }];
};

/** Extents of the parts of a Split along its axis; null when they are not constant. */
export function splitOf(view: NodeView, extent: number): readonly number[] | null {
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

const split: ShapeRule = (view) => {
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
export function padsOf(view: NodeView, rank: number): readonly (readonly [number, number])[] | null {
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

const pad: ShapeRule = (view) => {
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

const expand: ShapeRule = (view) => {
  const [shape, wanted] = [inputShape(view, 0), numbersOf(view, 1)];
  if (shape === null || wanted === null) return unknown(view);
  return [{ type: inputType(view, 0), shape: broadcastShape(shape, wanted) }];
};

const tile: ShapeRule = (view) => {
  const [shape, repeats] = [inputShape(view, 0), numbersOf(view, 1)];
  if (shape === null || repeats?.length !== shape.length) return unknown(view);
  return [{ type: inputType(view, 0), shape: shape.map((extent, axis) => extent * repeats[axis]!) }];
};

/** Resize: sizes (opset 11: fourth input), or scales (third, or second in opset 10 and Upsample). */
const resize: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  if (shape === null || view.node.attributes.has('axes')) return unknown(view);
  const sizes = numbersOf(view, 3);
  const hasRegion = view.node.op === 'Resize' && view.node.inputs.length > 2;
  const scales = numbersOf(view, hasRegion ? 2 : 1) ?? floatsAttribute(view.node, 'scales');
  if (
    sizes?.length === shape.length &&
    textAttribute(view.node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch'
  )
    return [{ type: inputType(view, 0), shape: sizes }];
  if (scales?.length !== shape.length) return unknown(view);
  return [
    { type: inputType(view, 0), shape: shape.map((extent, axis) => Math.floor(extent * scales[axis]!)) },
  ];
};

const depthToSpace: ShapeRule = (view) => {
  const [shape, block] = [inputShape(view, 0), intAttribute(view.node, 'blocksize', 1)];
  if (shape?.length !== 4) return unknown(view);
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const result =
    view.node.op === 'DepthToSpace'
      ? [batch, channels / (block * block), height * block, width * block]
      : [batch, channels * block * block, height / block, width / block];
  if (!result.every(Number.isInteger))
    contradiction(view.node, 'the block size does not divide the input', String(block), shapeText(shape));
  return [{ type: inputType(view, 0), shape: result }];
};

const constantOfShape: ShapeRule = (view) => {
  const type: ElementType = elementTypeOf(view.node.attributes.get('value')?.t?.dataType ?? 1) ?? 'float32';
  return [{ type, shape: numbersOf(view, 0) }];
};

export const MOVEMENT_SHAPES: ReadonlyMap<string, ShapeRule> = new Map([
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Gather', gather],
  ['Slice', slice],
  ['Split', split],
  ['Pad', pad],
  ['Expand', expand],
  ['Tile', tile],
  ['Resize', resize],
  ['Upsample', resize],
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', depthToSpace],
  ['ConstantOfShape', constantOfShape],
]);
