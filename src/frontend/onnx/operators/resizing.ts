import { floatsAttribute, intAttribute, textAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, numbersOf, shapeText } from '../graph/state.ts';
import { selecting } from './grids.ts';
import { unknown } from './lists.ts';
import { named } from './operator.ts';
import type { Family, ShapeRule } from './operator.ts';

/** Operators that change the size of pictures. */

/** Resize: sizes (opset 11: fourth input), or scales (third, or second in opset 10 and Upsample). */
const resizeShape: ShapeRule = (view) => {
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

const depthToSpaceShape: ShapeRule = (view) => {
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

const moves = selecting(() => null);

export const RESIZING: Family = new Map([
  ...named('Resize Upsample', { shape: resizeShape, grid: null, clear: null, folds: 'never' }),
  ...named('DepthToSpace SpaceToDepth', {
    shape: depthToSpaceShape,
    grid: moves,
    clear: null,
    folds: 'values',
  }),
]);
