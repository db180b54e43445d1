import type { Interval } from '../../../../compiler/base/interval.ts';
import { moveOf } from './fold.ts';
import type { Affine } from './quantizers.ts';
import { permutationOf } from './shapesMove.ts';
import { inputName, inputShape } from '../graph/state.ts';
import type { NodeView, Quantized } from '../graph/state.ts';
import type { OnnxTensor } from '../types.ts';

/** Operators whose output values are values of their first input. */
const SELECTING = new Set(
  (
    'Identity Dropout Reshape Flatten Squeeze Unsqueeze Transpose Expand Slice Gather Split Tile MaxPool GlobalMaxPool ' +
    'DepthToSpace SpaceToDepth'
  ).split(' '),
);

/** Whether every value of the output is a value of the first input. */
export function selects(op: string): boolean {
  return SELECTING.has(op);
}

/** What a DequantizeLinear makes: floats whose integers are its input. null when that cannot be said. */
export function dequantized(
  { node, state }: NodeView,
  affine: Affine | string,
  rangeOf: (name: string) => Interval | null,
): Quantized | null {
  const name = inputName(node, 0);
  if (typeof affine === 'string' || name === null) return null;
  const integers = state.constants.get(name) ?? null;
  const range = state.constantRanges.get(name) ?? rangeOf(name);
  if (range === null) return null;
  return { ...affine, range, source: integers === null ? name : null, integers };
}

/** A tensor of quantized values with its elements moved about; scales over an axis stay where the axis can be followed. */
export function moveQuantized(view: NodeView, input: Quantized): Quantized | null {
  if (view.node.domain !== '' || !selects(view.node.op)) return null;
  const axis = input.axis === null ? null : followAxis(view, input.axis);
  if (input.axis !== null && axis === null) return null;
  const integers = input.integers === null ? null : movedIntegers(view, input.integers);
  const source = view.node.op === 'Identity' ? input.source : null;
  return { ...input, axis, integers, source };
}

function movedIntegers(view: NodeView, integers: OnnxTensor): OnnxTensor | null {
  const rule = moveOf(view);
  const shape = view.state.values.get(view.node.outputs[0] ?? '')?.shape ?? null;
  if (rule === null || shape === null || view.node.op === 'Concat') return null;
  if (integers.data.length > view.state.foldable) return null;
  view.state.foldable -= integers.data.length;
  const others = view.node.inputs.slice(1).map((name) => view.state.constants.get(name));
  if (others.includes(undefined)) return null;
  const inputs = [integers, ...others.filter((other) => other !== undefined)];
  return rule.compute(view, inputs, { type: integers.type, shape });
}

/** Where an axis is after the move; null when it is split, joined or picked from. */
function followAxis(view: NodeView, axis: number): number | null {
  const from = inputShape(view, 0);
  const to = view.state.values.get(view.node.outputs[0] ?? '')?.shape ?? null;
  if (from === null || to === null) return null;
  switch (view.node.op) {
    case 'Identity':
    case 'Dropout':
    case 'MaxPool':
    case 'GlobalMaxPool':
      return axis;
    case 'Transpose':
      return permutationOf(view, from.length).indexOf(axis);
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze':
      return sameExtents(from, to, axis + 1) ? axis : null;
    default:
      return null;
  }
}

function sameExtents(left: readonly number[], right: readonly number[], count: number): boolean {
  return right.length >= count && left.slice(0, count).every((extent, axis) => extent === right[axis]);
}
