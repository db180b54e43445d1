import { reshaped, transpose } from '../../../interpreter/moves.ts';
import { nearestPositions, picked } from '../../../interpreter/resize.ts';
import type { CoordinateMode, NearestMode } from '../../../interpreter/resize.ts';
import { floatsAttribute, intAttribute, textAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, numbersOf, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { selecting } from './grids.ts';
import { unknown } from './lists.ts';
import { computes, named } from './operator.ts';
import type { Family, GridRule, ShapeRule } from './operator.ts';

/** Operators that change the size of pictures. */

/** The scales that the model gives; null for none (then it gives sizes). */
function givenScales(view: NodeView): readonly number[] | null {
  const hasRegion = view.node.op === 'Resize' && view.node.inputs.length > 2;
  const scales = numbersOf(view, hasRegion ? 2 : 1) ?? floatsAttribute(view.node, 'scales');
  return scales === null || scales.length === 0 ? null : scales;
}

/** Resize: sizes (opset 11: fourth input), or scales (third, or second in opset 10 and Upsample). */
const resizeShape: ShapeRule = (view) => {
  const shape = inputShape(view, 0);
  if (shape === null || view.node.attributes.has('axes')) return unknown(view);
  const sizes = numbersOf(view, 3);
  const scales = givenScales(view);
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

const COORDINATES: readonly CoordinateMode[] = [
  'half_pixel',
  'asymmetric',
  'align_corners',
  'pytorch_half_pixel',
];
const NEAREST: readonly NearestMode[] = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];

interface NearestModes {
  readonly coordinates: CoordinateMode;
  readonly nearest: NearestMode;
}

/** null for modes that are not computed. Old versions (10, and Upsample) take the whole part of cell / scale. */
function nearestModes({ node, state }: NodeView): NearestModes | null {
  if (node.op === 'Upsample' || state.opset < 11) return { coordinates: 'asymmetric', nearest: 'floor' };
  const coordinateText = textAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const nearestText = textAttribute(node, 'nearest_mode', 'round_prefer_floor');
  const coordinates = COORDINATES.find((known) => known === coordinateText);
  const nearest = NEAREST.find((known) => known === nearestText);
  return coordinates === undefined || nearest === undefined ? null : { coordinates, nearest };
}

/** Nearest neighbours; linear and cubic are not computed. */
const resizeClear = computes(1, (inputs, { view, output: { shape } }) => {
  const input = inputs[0]!;
  const modes = nearestModes(view);
  if (modes === null || textAttribute(view.node, 'mode', 'nearest') !== 'nearest') return null;
  const given = givenScales(view);
  const positions = shape.map((size, axis) => {
    const extent = input.shape[axis]!;
    const scale = Math.fround(given === null ? size / extent : given[axis]!);
    if (scale === 1) return Int32Array.from({ length: size }, (_, cell) => cell);
    return nearestPositions({ size: extent, outputSize: size, scale, ...modes });
  });
  return picked(input, positions);
});

/** [N, C, H, W] read as six axes, in another order. */
const depthToSpaceClear = computes(1, (inputs, { view, output: { shape } }) => {
  const input = inputs[0]!;
  const block = intAttribute(view.node, 'blocksize', 1);
  const isToSpace = view.node.op === 'DepthToSpace';
  const [batch = 1, channels = 1, height = 1, width = 1] = isToSpace ? shape : input.shape;
  const [rows, columns] = [height / block, width / block];
  if (!isToSpace) {
    const cut = reshaped(input, [batch, channels, rows, block, columns, block]);
    return reshaped(transpose(cut, [0, 3, 5, 1, 2, 4]), shape);
  }
  const isColumnFirst = textAttribute(view.node, 'mode', 'DCR') === 'CRD';
  const from = isColumnFirst
    ? [batch, channels, block, block, rows, columns]
    : [batch, block, block, channels, rows, columns];
  const order = isColumnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return reshaped(transpose(reshaped(input, from), order), shape);
});

const grid = selecting(() => null);
/** Nearest neighbours are values of the input, the others are not. */
const nearestGrid: GridRule = (view) =>
  textAttribute(view.node, 'mode', 'nearest') === 'nearest' ? grid(view) : [];

export const RESIZING: Family = new Map([
  ...named('Resize Upsample', { shape: resizeShape, grid: nearestGrid, clear: resizeClear, folds: 'values' }),
  ...named('DepthToSpace SpaceToDepth', {
    shape: depthToSpaceShape,
    grid,
    clear: depthToSpaceClear,
    folds: 'values',
  }),
]);
