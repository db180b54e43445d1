import { elementCount } from '../../../../compiler/base/tensor.ts';
import { broadcastShape, broadcastSteps, reshaped, strided, transpose } from '../../../interpreter/moves.ts';
import { picked } from '../../../interpreter/resize.ts';
import { intAttribute, intsAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, normalAxis, numbersOf, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { sameBounds } from './bounds.ts';
import { selecting, whileLeadingExtentsStay } from './grids.ts';
import { listOf, unknown } from './lists.ts';
import { computes } from './operator.ts';
import type { ClearRule, Family, Operator, ShapeRule } from './operator.ts';

/** Operators that give the elements another shape or order, or repeat them. */

const reshapeShape: ShapeRule = (view) => {
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

const flattenShape: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  if (shape === null) return unknown(view);
  const axis = intAttribute(view.node, 'axis', 1);
  const split = axis === shape.length ? axis : normalAxis(view.node, axis, shape.length || 1);
  const flat = [elementCount(shape.slice(0, split)), elementCount(shape.slice(split))];
  return [{ type: inputType(view, 0), shape: flat }];
};

const squeezeShape: ShapeRule = (view) => {
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

const unsqueezeShape: ShapeRule = (view) => {
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
function permutationOf(view: NodeView, rank: number): number[] {
  const permutation =
    intsAttribute(view.node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const isOne = permutation.length === rank && new Set(permutation).size === rank;
  if (!isOne || permutation.some((axis) => axis < 0 || axis >= rank))
    contradiction(view.node, 'perm is no permutation', `one of ${rank} axes`, `[${permutation.join(', ')}]`);
  return [...permutation];
}

const transposeShape: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  if (shape === null) return unknown(view);
  return [{ type: inputType(view, 0), shape: permutationOf(view, shape.length).map((axis) => shape[axis]!) }];
};

const expandShape: ShapeRule = (view) => {
  const [shape, wanted] = [inputShape(view, 0), numbersOf(view, 1)];
  if (shape === null || wanted === null) return unknown(view);
  return [{ type: inputType(view, 0), shape: broadcastShape(shape, wanted) }];
};

const tileShape: ShapeRule = (view) => {
  const [shape, repeats] = [inputShape(view, 0), numbersOf(view, 1)];
  if (shape === null || repeats?.length !== shape.length) return unknown(view);
  return [{ type: inputType(view, 0), shape: shape.map((extent, axis) => extent * repeats[axis]!) }];
};

const sameShape: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];

const sameData = computes(1, (inputs, { output }) => reshaped(inputs[0]!, output.shape));
const transposeClear = computes(1, (inputs, { view }) =>
  transpose(inputs[0]!, permutationOf(view, inputs[0]!.shape.length)),
);
const expandClear = computes(2, (inputs, { output: { shape } }) =>
  strided(inputs[0]!, shape, broadcastSteps(inputs[0]!.shape, shape)),
);

const tileClear = computes(2, (inputs, { output: { shape } }) => {
  const input = inputs[0]!;
  const positions = shape.map((extent, axis) =>
    Int32Array.from({ length: extent }, (_, cell) => cell % input.shape[axis]!),
  );
  return picked(input, positions);
});

const reshapes = (shape: ShapeRule): Operator => ({
  shape,
  grid: selecting(whileLeadingExtentsStay, sameData),
  bounds: sameBounds,
  clear: sameData,
  folds: 'values',
});
const keeps = (clear: ClearRule): Operator => ({
  shape: sameShape,
  grid: selecting((_, axis) => axis, clear),
  bounds: sameBounds,
  clear,
  folds: 'values',
});

export const RESHAPING: Family = new Map<string, Operator>([
  ['Identity', keeps(sameData)],
  ['Dropout', keeps(sameData)],
  ['Reshape', reshapes(reshapeShape)],
  ['Flatten', reshapes(flattenShape)],
  ['Squeeze', reshapes(squeezeShape)],
  ['Unsqueeze', reshapes(unsqueezeShape)],
  [
    'Transpose',
    {
      shape: transposeShape,
      grid: selecting(
        (view, axis) => permutationOf(view, inputShape(view, 0)?.length ?? 0).indexOf(axis),
        transposeClear,
      ),
      bounds: sameBounds,
      clear: transposeClear,
      folds: 'values',
    },
  ],
  [
    'Expand',
    {
      shape: expandShape,
      grid: selecting(() => null, expandClear),
      clear: expandClear,
      folds: 'values',
    },
  ],
  ['Tile', { shape: tileShape, grid: selecting(() => null), clear: tileClear, folds: 'values' }],
]);
