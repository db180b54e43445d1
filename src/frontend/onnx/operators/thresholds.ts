import { emptyArray } from '../../../interpreter/values.ts';
import { floatAttribute, textAttribute } from '../graph/attributes.ts';
import { constantInput, inputShape, inputType } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import { computes } from './operator.ts';
import type { Family, GridRule, ShapeRule } from './operator.ts';
import { thresholdWork } from './work.ts';

/**
 * MultiThreshold of QONNX and FINN: how many thresholds of its channel a value reaches (QONNX,
 * custom_op/general/multithreshold.py):
 *
 *   y = rn(rn(out_scale * #{ t : x >= t }) + out_bias)      thresholds [channels or 1, count]
 */

const sameAsFirst: ShapeRule = (view) => [{ type: inputType(view, 0), shape: inputShape(view, 0) }];

function affineOf({ node }: NodeView): { readonly scale: number; readonly bias: number } {
  return { scale: floatAttribute(node, 'out_scale', 1), bias: floatAttribute(node, 'out_bias', 0) };
}

/** Whole numbers, or a scale times whole numbers where the bias is a multiple of it. */
const grid: GridRule = (view) => {
  const { scale, bias } = affineOf(view);
  const count = constantInput(view, 1)?.shape[1];
  if (count === undefined || !(scale > 0)) return [];
  if (Number.isInteger(scale) && Number.isInteger(bias))
    return [{ quantized: null, whole: { range: { lo: bias, hi: bias + scale * count } } }];
  const zeroPoint = -bias / scale + 0;
  if (!Number.isInteger(zeroPoint)) return [];
  const affine = { scales: [scale], zeroPoints: [zeroPoint], axis: null };
  return [
    { quantized: { ...affine, range: { lo: 0, hi: count }, source: null, integers: null }, whole: null },
  ];
};

const clear = computes(2, (inputs, { view, output }) => {
  const [input, thresholds] = [inputs[0]!, inputs[1]!];
  const { scale, bias } = affineOf(view);
  const isLast = textAttribute(view.node, 'data_layout', 'NCHW').endsWith('C');
  const axis = isLast ? input.shape.length - 1 : 1;
  const channels = input.shape[axis];
  const [rows, count] = thresholds.shape;
  if (channels === undefined || rows === undefined || count === undefined) return null;
  if (thresholds.shape.length !== 2 || (rows !== 1 && rows !== channels)) return null;
  const inner = input.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const data = emptyArray(output.type, input.data.length);
  for (let index = 0; index < data.length; index++) {
    const row = rows === 1 ? 0 : Math.floor(index / inner) % channels;
    let reached = 0;
    for (let entry = row * count; entry < (row + 1) * count; entry++)
      if (input.data[index]! >= thresholds.data[entry]!) reached++;
    data[index] = Math.fround(scale * reached) + bias;
  }
  return { ...output, data };
});

export const THRESHOLDS: Family = new Map([
  ['MultiThreshold', { shape: sameAsFirst, grid, clear, folds: 'never', work: thresholdWork }],
]);
