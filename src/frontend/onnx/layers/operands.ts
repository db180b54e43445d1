import { hull, requiredWidth } from '../../../../compiler/base/interval.ts';
import type { Interval, Width } from '../../../../compiler/base/interval.ts';
import { wholeOf } from '../operators/grids.ts';
import { ELEMENTS } from '../proto/codes.ts';
import type { ElementType } from '../proto/codes.ts';
import { quoted } from '../refusal.ts';
import { extentFlags } from '../graph/extents.ts';
import { constantInput, inputName } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { GraphNode, OnnxTensor } from '../types.ts';

/** What a linear node multiplies: its running operand and its constant one. */

/** Why a linear node is no layer. Thrown and caught within the importer. */
export class NotALayer extends Error {
  /** `float`: an operand is not quantized at all. */
  readonly kind: 'float' | 'other';

  constructor(reason: string, kind: 'float' | 'other' = 'other') {
    super(reason);
    this.kind = kind;
  }
}

/** Operands that graph inputs could be bound to. */
export class OpenOperands extends Error {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    super(`${names.map(quoted).join(', ')} ${names.length === 1 ? 'is a graph input' : 'are graph inputs'}`);
    this.names = names;
  }
}

/** What comes at run time. */
export interface RunningOperand {
  readonly tensor: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly kind: 'integer' | 'scaled';
  readonly scale: number | null;
  readonly zeroPoint: number;
  readonly range: Interval;
}

/** What is constant. Integers as the graph has them, in the graph's shape. */
export interface ConstantOperand {
  readonly integers: OnnxTensor;
  /** One, or one per index of `axis`; null for none. */
  readonly scales: readonly number[] | null;
  /** One, or as many as scales. */
  readonly zeroPoints: readonly number[];
  readonly axis: number | null;
  readonly range: Interval;
}

/** Smallest datatype for a range and its zero points. */
export function widthFor(range: Interval, zeroPoints: readonly number[]): Width {
  const whole = zeroPoints.reduce((all, zero) => hull(all, { lo: zero, hi: zero }), range);
  const { bits, signed } = requiredWidth(whole);
  return { bits: Math.max(1, bits), signed };
}

/** The one value of a constant parameter. @throws NotALayer when it is computed at run time or has several. */
export function scalarOf(view: NodeView, index: number, what: string): number {
  const values = listOfParameter(view, index, what);
  const first = values[0];
  if (first === undefined || values.some((value) => value !== first))
    throw new NotALayer(`not supported yet: ${what} with more than one value`);
  return first;
}

/** All values of a constant parameter. @throws NotALayer when it is computed at run time. */
export function listOfParameter(view: NodeView, index: number, what: string): readonly number[] {
  const tensor = constantInput(view, index);
  if (tensor === null) throw new NotALayer(`${what} is computed at run time: quantize statically`);
  return Array.from(tensor.data);
}

export function zeroPointOf(view: NodeView, index: number, what: string): number {
  return inputName(view.node, index) === null ? 0 : scalarOf(view, index, what);
}

export function shapeOfTensor(view: NodeView, name: string): readonly number[] {
  const shape = view.state.values.get(name)?.shape ?? null;
  if (shape !== null) return shape;
  const { openExtents, unshaped } = view.state;
  const cause = unshaped.get(name);
  const source = cause === undefined ? '' : ` from ${cause} on`;
  const remedy =
    openExtents.length === 0 ? 'export the model with fixed shapes' : `say ${extentFlags(openExtents)}`;
  throw new NotALayer(`the shape of ${quoted(name)} is not known${source}: ${remedy}`);
}

function typeOfTensor(view: NodeView, name: string): ElementType {
  const type = view.state.values.get(name)?.type ?? null;
  if (type === null) throw new NotALayer(`the type of ${quoted(name)} is not known`);
  return type;
}

/** An operand of an integer operator: q is the tensor itself. */
export function integerOperand(
  view: NodeView,
  tensor: string,
  affine: { readonly scale: number | null; readonly zeroPoint: number },
): RunningOperand {
  const range = wholeOf(view.state, tensor)?.range ?? null;
  if (range === null) throw new NotALayer(`${quoted(tensor)} is not of a quantized type`);
  const [type, shape] = [typeOfTensor(view, tensor), shapeOfTensor(view, tensor)];
  return { tensor, type, shape, kind: 'integer', range, ...affine };
}

export function requiredName(node: GraphNode, index: number): string {
  const name = inputName(node, index);
  if (name === null) throw new NotALayer(`input ${index} is missing`);
  return name;
}

/** An operand of a float operator: quantized floats, or floats that are whole. */
export function floatOperand(view: NodeView, index: number): RunningOperand {
  const { state } = view;
  const name = requiredName(view.node, index);
  const quantized = state.quantized.get(name);
  const shape = shapeOfTensor(view, name);
  if (quantized !== undefined) {
    const [scale, zeroPoint] = [quantized.scales[0], quantized.zeroPoints[0]];
    if (quantized.axis !== null || scale === undefined || zeroPoint === undefined)
      throw new NotALayer(`not supported yet: an input with one scale per channel`);
    const { range, source } = quantized;
    return source === null
      ? { tensor: name, type: typeOfTensor(view, name), shape, kind: 'scaled', scale, zeroPoint, range }
      : { tensor: source, type: typeOfTensor(view, source), shape, kind: 'integer', scale, zeroPoint, range };
  }
  const whole = wholeOf(state, name);
  if (whole === null) {
    const reason = state.offGrid.get(name);
    const remedy = state.graphInputs.has(name)
      ? ' (say what integers it stands for: --input-type, inputQuantization)'
      : '';
    if (reason !== undefined) throw new NotALayer(`its input ${quoted(name)} is not quantized: ${reason}`);
    throw new NotALayer(`its input ${quoted(name)} is not quantized${remedy}`, 'float');
  }
  if (whole.range === null)
    throw new NotALayer(`its input ${quoted(name)} is whole, but nothing bounds it: clip it`);
  return {
    tensor: name,
    type: typeOfTensor(view, name),
    shape,
    kind: 'integer',
    scale: null,
    zeroPoint: 0,
    range: whole.range,
  };
}

/** The constant operand of an integer operator. */
export function integerConstant(
  view: NodeView,
  index: number,
  affine: Pick<ConstantOperand, 'scales' | 'zeroPoints' | 'axis'>,
): ConstantOperand {
  const name = requiredName(view.node, index);
  const integers = view.state.constants.get(name);
  if (integers === undefined) throw new NotALayer(`both operands are computed at run time`);
  const { bits, kind } = ELEMENTS[integers.type];
  if (bits > 16 || (kind !== 'signed' && kind !== 'unsigned'))
    throw new NotALayer(`its weights are of type ${integers.type}`);
  const lo = kind === 'signed' ? -(2 ** (bits - 1)) : 0;
  return { integers, range: { lo, hi: lo + 2 ** bits - 1 }, ...affine };
}

/** The constant operand of a float operator. */
export function floatConstant(view: NodeView, index: number): ConstantOperand {
  const { state } = view;
  const name = requiredName(view.node, index);
  const quantized = state.quantized.get(name);
  if (quantized !== undefined) {
    const { integers, scales, zeroPoints, axis, range, source } = quantized;
    if (integers !== null) return { integers, scales, zeroPoints, axis, range };
    if (source !== null && state.graphInputs.has(source)) throw new OpenOperands([source]);
  }
  const constant = state.constants.get(name);
  if (constant === undefined) {
    const reason = state.offGrid.get(name);
    if (reason !== undefined) throw new NotALayer(`its weights ${quoted(name)} are not quantized: ${reason}`);
    throw state.graphInputs.has(name)
      ? new NotALayer(`its weights ${quoted(name)} are floats that come as a graph input`, 'float')
      : new NotALayer('both operands are computed at run time');
  }
  const range = wholeOf(state, name)?.range ?? null;
  if (range === null) throw new NotALayer(`its weights ${quoted(name)} are not quantized`, 'float');
  return { integers: constant, scales: null, zeroPoints: [0], axis: null, range };
}
