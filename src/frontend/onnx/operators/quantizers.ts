import type { Interval } from '../../../../compiler/base/interval.ts';
import { datatypeRange } from '../../../../compiler/base/interval.ts';
import { roundHalfEven } from '../../../../runtime/clear/requantize.ts';
import { intAttribute, textAttribute } from '../graph/attributes.ts';
import { ELEMENTS } from '../proto/codes.ts';
import { broadcastSteps, strided } from '../../../interpreter/moves.ts';
import { constantInput, inputName, inputShape, inputType, normalAxis } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { GraphNode, OnnxTensor } from '../types.ts';

/** Quantizers of QONNX and Brevitas; both names of the domain, FINN's older one, and exporters that leave it out. */
export const QONNX_DOMAINS: ReadonlySet<string> = new Set([
  'onnx.brevitas',
  'qonnx.custom_op.general',
  'finn.custom_op.general',
  '',
]);

/** How a quantizing node rounds, with its constants. Scales and zero points are float32 values. */
export interface Quantizer {
  readonly kind: 'affine' | 'bipolar';
  /** One, or one per index of `axis`. */
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis: number | null;
  /** Of q. */
  readonly range: Interval;
  readonly rounding: Rounding;
  /** `integer`: the output is q. `float`: it is scale * (q - zeroPoint). */
  readonly output: 'integer' | 'float';
}

type Rounding = (value: number) => number;

const awayFromZero = (round: (magnitude: number) => number): Rounding => {
  return (value) => Math.sign(value) * round(Math.abs(value));
};

/** Names of QONNX (custom_op/general/quant.py); upper and lower case mean the same there. */
const ROUNDINGS: Readonly<Record<string, Rounding>> = {
  ROUND: roundHalfEven,
  HALF_EVEN: roundHalfEven,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
  UP: awayFromZero(Math.ceil),
  DOWN: Math.trunc,
  ROUND_TO_ZERO: Math.trunc,
  HALF_UP: awayFromZero((magnitude) => Math.floor(magnitude + 0.5)),
  HALF_DOWN: awayFromZero((magnitude) => Math.ceil(magnitude - 0.5)),
};

/** The modes of QuantizeLinear. */
export const HALF_TO_EVEN: readonly string[] = ['ROUND', 'HALF_EVEN'];

/** Either what a node quantizes by, or why that cannot be said. */
export type QuantizerResult =
  { readonly ok: true; readonly quantizer: Quantizer } | { readonly ok: false; readonly reason: string };

const no = (reason: string): QuantizerResult => ({ ok: false, reason });

/** Whether it is a Quant, BipolarQuant or QuantizeLinear node. */
export function isQuantizer({ node: { op, domain } }: Pick<NodeView, 'node'>): boolean {
  if (op === 'QuantizeLinear') return domain === '' || domain === 'com.microsoft';
  return (op === 'Quant' || op === 'BipolarQuant') && QONNX_DOMAINS.has(domain);
}

/** @throws CipherconvError `malformed-model` for attributes of the wrong type or an axis out of range. */
export function quantizerOf(view: NodeView): QuantizerResult {
  switch (view.node.op) {
    case 'QuantizeLinear':
      return linearQuantizer(view);
    case 'BipolarQuant':
      return bipolarQuantizer(view);
    default:
      return quantQuantizer(view);
  }
}

/** Scales and zero points as lists over one axis of the input. */
export interface Affine {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis: number | null;
}

/**
 * Scale and zero point of QuantizeLinear and DequantizeLinear (inputs 1 and 2); a sentence when they cannot be used. One
 * number of any rank is one for all; with inputs of rank 1 there is but one axis, whatever the attribute says.
 */
export function linearAffine(view: NodeView): Affine | string {
  const scale = constantInput(view, 1);
  const zero = constantInput(view, 2);
  if (scale === null) return 'its scale is not constant';
  if (zero === null && inputName(view.node, 2) !== null) return 'its zero point is not constant';
  const block = intAttribute(view.node, 'block_size', 0);
  if (block !== 0) return `not supported yet: quantization in blocks (block_size ${block})`;
  const scales = Array.from(scale.data, Math.fround);
  const zeroPoints = zero === null ? scales.map(() => 0) : Array.from(zero.data);
  if (zeroPoints.length !== scales.length || (scale.shape.length > 1 && scales.length > 1))
    return 'its scale and zero point do not have one shape of at most one axis';
  const fault = scaleFault(scales, constantInput(view, 0) !== null);
  if (fault !== null) return fault;
  if (scales.length === 1) return { scales, zeroPoints, axis: null };
  const rank = inputShape(view, 0)?.length;
  if (rank === undefined) return 'the shape of its input is not known';
  const axis = rank === 1 ? 0 : normalAxis(view.node, intAttribute(view.node, 'axis', 1), rank);
  return { scales, zeroPoints, axis };
}

/**
 * What is wrong with a scale, null for nothing. A pruned channel of constant weights may have scale 0: all its values are 0.
 */
function scaleFault(scales: readonly number[], isConstant: boolean): string | null {
  const mayHaveZeros = isConstant && scales.some((value) => value > 0);
  for (const [index, value] of scales.entries()) {
    if ((value > 0 && Number.isFinite(value)) || (value === 0 && mayHaveZeros)) continue;
    return `its scale${scales.length === 1 ? '' : `[${index}]`} is ${value}, not positive and finite`;
  }
  return null;
}

function linearQuantizer(view: NodeView): QuantizerResult {
  const affine = linearAffine(view);
  if (typeof affine === 'string') return no(affine);
  const type = view.state.values.get(view.node.outputs[0] ?? '')?.type ?? inputType(view, 2) ?? 'uint8';
  const { bits, kind } = ELEMENTS[type];
  if (bits > 16 || (kind !== 'signed' && kind !== 'unsigned')) return no(`not supported yet: ${type}`);
  const range = datatypeRange(bits, kind === 'signed');
  const quantizer: Quantizer = {
    kind: 'affine',
    ...affine,
    range,
    rounding: roundHalfEven,
    output: 'integer',
  };
  return { ok: true, quantizer };
}

/** Scale and zero point of any shape that varies over one axis at most. */
function broadcastAffine(view: NodeView, zeroInput: number | null): Affine | string {
  const shape = inputShape(view, 0);
  const scale = constantInput(view, 1);
  const zero = zeroInput === null ? null : constantInput(view, zeroInput);
  if (scale === null) return 'its scale is not constant';
  if (zeroInput !== null && zero === null) return 'its zero point is not constant';
  if (shape === null) return 'the shape of its input is not known';
  const tensors = zero === null ? [scale] : [scale, zero];
  const axes = new Set(tensors.flatMap((tensor) => varyingAxes(tensor, shape.length)));
  if (axes.size > 1) return 'not supported yet: scales over more than one axis';
  const axis = [...axes][0] ?? null;
  const over = shape.map((extent, other) => (other === axis ? extent : 1));
  const spread = (tensor: OnnxTensor): number[] =>
    Array.from(strided(tensor, over, broadcastSteps(tensor.shape, over)).data);
  const scales = spread(scale).map(Math.fround);
  const zeroPoints = zero === null ? scales.map(() => 0) : spread(zero);
  const fault = scaleFault(scales, constantInput(view, 0) !== null);
  if (fault !== null) return fault;
  if (!zeroPoints.every(Number.isInteger)) return 'its zero point is not whole';
  return { scales, zeroPoints, axis };
}

/** Axes, counted as those of a tensor of rank `rank`, along which a parameter has more than one value. */
function varyingAxes(tensor: OnnxTensor, rank: number): number[] {
  return tensor.shape.flatMap((extent, axis) => (extent === 1 ? [] : [axis + rank - tensor.shape.length]));
}

/** Of q; empty where a narrow one has no bits. */
export function quantRange(node: GraphNode, bits: number): Interval {
  const isSigned = intAttribute(node, 'signed', 1) !== 0;
  const { lo, hi } = datatypeRange(bits, isSigned);
  if (intAttribute(node, 'narrow', 0) === 0) return { lo, hi };
  return isSigned ? { lo: lo + 1, hi } : { lo, hi: hi - 1 };
}

/** Its rounding mode, a name in upper case. */
export function quantMode(node: GraphNode): string {
  return textAttribute(node, 'rounding_mode', 'ROUND').toUpperCase();
}

/** QONNX Quant: x, scale, zero point, bit width; signed, narrow, rounding_mode. */
function quantQuantizer(view: NodeView): QuantizerResult {
  const affine = broadcastAffine(view, 2);
  if (typeof affine === 'string') return no(affine);
  const width = constantInput(view, 3);
  if (width?.data.length !== 1) return no('its bit width is not one constant');
  const bits = width.data[0]!;
  if (!Number.isInteger(bits) || bits < 1 || bits > 32) return no(`not supported yet: ${bits} bits`);
  const mode = quantMode(view.node);
  const rounding = Object.hasOwn(ROUNDINGS, mode) ? ROUNDINGS[mode] : undefined;
  if (rounding === undefined) return no(`not supported yet: rounding mode ${mode}`);
  const range = quantRange(view.node, bits);
  if (range.lo > range.hi) return no(`a narrow range of ${bits} bits is empty`);
  return { ok: true, quantizer: { kind: 'affine', ...affine, range, rounding, output: 'float' } };
}

function bipolarQuantizer(view: NodeView): QuantizerResult {
  const affine = broadcastAffine(view, null);
  if (typeof affine === 'string') return no(affine);
  const range = { lo: -1, hi: 1 };
  return { ok: true, quantizer: { kind: 'bipolar', ...affine, range, rounding: Math.sign, output: 'float' } };
}

/**
 * q of constant floats, all in float32. QuantizeLinear rounds before it adds the zero point, Quant after it, and Quant clamps
 * before it rounds.
 */
export function quantizeConstant(tensor: OnnxTensor, quantizer: Quantizer): OnnxTensor {
  const { scales, zeroPoints, axis, range, kind, rounding, output } = quantizer;
  const clamp = (value: number): number => Math.min(Math.max(value, range.lo), range.hi);
  const data = new Int32Array(tensor.data.length);
  const at = axisIndexer(tensor.shape, axis);
  for (let index = 0; index < data.length; index++) {
    const value = tensor.data[index]!;
    const entry = at(index);
    const [scaled, zeroPoint] = [Math.fround(value / scales[entry]!), zeroPoints[entry]!];
    if (kind === 'bipolar') data[index] = value >= 0 ? 1 : -1;
    // A pruned channel: whatever q is, it stands for 0.
    else if (scales[entry] === 0) data[index] = zeroPoint;
    else if (output === 'integer') data[index] = clamp(rounding(scaled) + zeroPoint);
    else data[index] = rounding(clamp(Math.fround(scaled + zeroPoint)));
  }
  return { type: 'int32', shape: tensor.shape, data };
}

/** scale * (q - zeroPoint) of constant integers, in float32. */
export function dequantizeConstant(integers: OnnxTensor, { scales, zeroPoints, axis }: Affine): OnnxTensor {
  const data = new Float32Array(integers.data.length);
  const at = axisIndexer(integers.shape, axis);
  for (let index = 0; index < data.length; index++) {
    const entry = at(index);
    data[index] = (integers.data[index]! - zeroPoints[entry]!) * scales[entry]!;
  }
  return { type: 'float32', shape: integers.shape, data };
}

/** Index along `axis` of a flat index; 0 for no axis. */
function axisIndexer(shape: readonly number[], axis: number | null): (index: number) => number {
  if (axis === null) return () => 0;
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const extent = shape[axis]!;
  return (index) => Math.floor(index / inner) % extent;
}
