import { CipherconvError } from '../base/errors.ts';
import { bitLength, contains, datatypeRange } from '../base/interval.ts';
import type { Interval, Width } from '../base/interval.ts';
import { elementCount } from '../base/tensor.ts';
import { deepFreeze } from '../base/freeze.ts';

/** The integers that enter: shape NCHW, declared width, zero point and the range that really occurs. */
export interface InputSpec extends Width {
  /** Images of one run, 1 to 2^24. */
  readonly batch: number;
  /** Input channels of all groups, 1 to 2^24. */
  readonly channels: number;
  /** Rows of an image, 1 to 2^24. */
  readonly height: number;
  /** Columns of an image, 1 to 2^24. */
  readonly width: number;
  /** The raw value that stands for 0; it is taken off every input. */
  readonly zeroPoint: number;
  /** Raw values (before the zero point is taken off), within what `bits` and `signed` allow. */
  readonly range: Interval;
}

/** The shape of the filter: OIHW, with I the input channels of one group. */
export interface WeightShape extends Width {
  /** Output channels of all groups (O), 1 to 2^24. */
  readonly outChannels: number;
  /** Input channels that one output channel sums over (I / group), 1 to 2^24. */
  readonly channelsPerGroup: number;
  /** Rows of the kernel (kH), 1 to 2^24. */
  readonly kernelHeight: number;
  /** Columns of the kernel (kW), 1 to 2^24. */
  readonly kernelWidth: number;
}

/** The filter: its shape [O, I/group, kH, kW], zero points and values. */
export interface WeightSpec extends WeightShape {
  /** One zero point per output channel. */
  readonly zeroPoints: readonly number[];
  /** Raw values, flat OIHW: index ((o * channelsPerGroup + c) * kernelHeight + a) * kernelWidth + e. */
  readonly values: readonly number[];
}

/** All of a convolution that does not reveal a weight. */
export interface ConvShape {
  /** Name of the layer, for messages and reports. */
  readonly name: string;
  /** The integers that enter, [batch, channels, height, width]. */
  readonly input: InputSpec;
  /** Shape and width of the filter. */
  readonly weights: WeightShape;
  /** [vertical, horizontal], as every pair here. */
  readonly strides: readonly [number, number];
  /** [top, left, bottom, right]; a padded tap contributes 0 to the sum. */
  readonly pads: readonly [number, number, number, number];
  /** Distance of neighbouring taps in input positions, each 1 to 2^16. */
  readonly dilations: readonly [number, number];
  /** Number of groups; it divides the input and the output channels. */
  readonly group: number;
}

/** One checked integer convolution, canonical NCHW / OIHW. Made by `makeSpec` only. */
export interface ConvSpec extends ConvShape {
  /** The filter, weights included. */
  readonly weights: WeightSpec;
  /** One per output channel, added after the sum. */
  readonly bias: readonly number[];
  /** The width that the author wants the accumulator held to, or null. */
  readonly accumulator: Width | null;
}

/** Shape of the accumulators, NCHW. */
export interface OutputShape {
  /** Images, as in the input. */
  readonly batch: number;
  /** Output channels. */
  readonly channels: number;
  /** Rows of an output plane. */
  readonly height: number;
  /** Columns of an output plane. */
  readonly width: number;
}

/** Bits of inputs and weights that are supported. */
export const MAX_BITS = 16;

/**
 * Output extent of one axis: floor((size + pads - (dilation * (kernel - 1) + 1)) / stride) + 1 (ONNX Conv).
 * @throws CipherconvError `shape-mismatch` when the kernel does not fit into the padded input.
 */
function outputExtent(
  axis: 'height' | 'width',
  size: number,
  padBegin: number,
  padEnd: number,
  kernel: number,
  dilation: number,
  stride: number,
): number {
  const padded = size + padBegin + padEnd;
  const reach = dilation * (kernel - 1) + 1;
  if (reach > padded) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      message: `the kernel does not fit into the padded input ${axis}`,
      expected: `a dilated kernel ${axis} of at most ${padded}`,
      found: `${reach} (kernel ${kernel}, dilation ${dilation})`,
      hint: 'add pads, or use a smaller kernel or dilation',
    });
  }
  return Math.floor((padded - reach) / stride) + 1;
}

/** Shape of the output, NCHW. Throws as `outputExtent` says. */
export function outputShape(shape: ConvShape): OutputShape {
  const { input, weights, pads, strides, dilations } = shape;
  const [top, left, bottom, right] = pads;
  return {
    batch: input.batch,
    channels: weights.outChannels,
    height: outputExtent('height', input.height, top, bottom, weights.kernelHeight, dilations[0], strides[0]),
    width: outputExtent('width', input.width, left, right, weights.kernelWidth, dilations[1], strides[1]),
  };
}

/** Range of x - zeroPoint, the values that are really multiplied. */
export function centredInputRange(input: InputSpec): Interval {
  return { lo: input.range.lo - input.zeroPoint, hi: input.range.hi - input.zeroPoint };
}

/** Weights with their zero points taken off, flat OIHW as in `WeightSpec.values`. */
export function centredWeights(weights: WeightSpec): Int32Array {
  const perOutput = weights.channelsPerGroup * weights.kernelHeight * weights.kernelWidth;
  const { values } = weights;
  // A plain loop: Int32Array.from walks an iterator, which takes five times as long.
  const centred = new Int32Array(values.length);
  for (let index = 0; index < centred.length; index++) centred[index] = values[index]!;
  for (let output = 0; output < weights.outChannels; output++) {
    const zeroPoint = weights.zeroPoints[output]!;
    if (zeroPoint === 0) continue;
    for (let index = output * perOutput; index < (output + 1) * perOutput; index++)
      centred[index]! -= zeroPoint;
  }
  return centred;
}

function refuse(where: string, message: string, expected: string, found: string, hint?: string): never {
  throw new CipherconvError({
    code: 'out-of-range',
    where,
    message,
    expected,
    found,
    ...(hint === undefined ? {} : { hint }),
  });
}

function requireInteger(where: string, value: number, lo: number, hi: number): void {
  if (!Number.isInteger(value) || value < lo || value > hi) {
    refuse(where, 'out of range', `an integer from ${lo} to ${hi}`, String(value));
  }
}

function requireCount(where: string, what: string, expected: number, found: number): void {
  if (expected === found) return;
  throw new CipherconvError({
    code: 'shape-mismatch',
    where,
    message: `wrong number of ${what}`,
    expected: String(expected),
    found: String(found),
  });
}

function describeWidth(width: Width): string {
  return `${width.bits}-bit ${width.signed ? 'signed' : 'unsigned'}`;
}

function checkInput(input: InputSpec): void {
  const largest = 2 ** 24;
  for (const axis of ['batch', 'channels', 'height', 'width'] as const) {
    requireInteger(`input.${axis}`, input[axis], 1, largest);
  }
  requireInteger('input.bits', input.bits, 1, MAX_BITS);
  const range = datatypeRange(input.bits, input.signed);
  requireInteger('input.zeroPoint', input.zeroPoint, range.lo, range.hi);
  if (
    !Number.isInteger(input.range.lo) ||
    !Number.isInteger(input.range.hi) ||
    input.range.lo > input.range.hi
  ) {
    refuse(
      'input.range',
      'not a range',
      '[lo, hi] with integers lo <= hi',
      `[${input.range.lo}, ${input.range.hi}]`,
    );
  }
  if (!contains(range, input.range)) {
    refuse(
      'input.range',
      'wider than the declared bits',
      `within [${range.lo}, ${range.hi}] (${describeWidth(input)})`,
      `[${input.range.lo}, ${input.range.hi}]`,
    );
  }
}

function checkWeightShape(weights: WeightShape): void {
  const largest = 2 ** 24;
  for (const axis of ['outChannels', 'channelsPerGroup', 'kernelHeight', 'kernelWidth'] as const) {
    requireInteger(`weights.${axis}`, weights[axis], 1, largest);
  }
  requireInteger('weights.bits', weights.bits, 1, MAX_BITS);
}

function checkWeights(weights: WeightSpec): void {
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = weights;
  requireCount(
    'weights.values',
    'weights',
    outChannels * channelsPerGroup * kernelHeight * kernelWidth,
    weights.values.length,
  );
  requireCount('weights.zeroPoint', 'weight zero points', outChannels, weights.zeroPoints.length);
  const range = datatypeRange(weights.bits, weights.signed);
  weights.zeroPoints.forEach((zeroPoint, index) => {
    requireInteger(`weights.zeroPoint[${index}]`, zeroPoint, range.lo, range.hi);
  });
  const wrong = weights.values.findIndex(
    (value) => !Number.isInteger(value) || value < range.lo || value > range.hi,
  );
  if (wrong >= 0) {
    refuse(
      `weights.values[${wrong}]`,
      'weight outside its declared bits',
      `an integer from ${range.lo} to ${range.hi} (${describeWidth(weights)})`,
      String(weights.values[wrong]),
      'declare more bits, or clip the weight',
    );
  }
}

function checkAttributes(spec: ConvShape): void {
  spec.strides.forEach((stride, index) => {
    requireInteger(`strides[${index}]`, stride, 1, 2 ** 16);
  });
  spec.dilations.forEach((dilation, index) => {
    requireInteger(`dilations[${index}]`, dilation, 1, 2 ** 16);
  });
  spec.pads.forEach((pad, index) => {
    requireInteger(`pads[${index}]`, pad, 0, 2 ** 16);
  });
  const { group, input, weights } = spec;
  requireInteger('group', group, 1, input.channels);
  if (input.channels !== weights.channelsPerGroup * group) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      where: 'weights.shape',
      message: 'input channels do not match the filter',
      expected: `${weights.channelsPerGroup} x group ${group} = ${weights.channelsPerGroup * group} input channels`,
      found: `${input.channels} input channels`,
      hint: 'the second extent of an OIHW filter is the number of input channels divided by group',
    });
  }
  if (weights.outChannels % group !== 0) {
    refuse(
      'group',
      'output channels do not split into groups',
      `a divisor of ${weights.outChannels}`,
      String(group),
    );
  }
}

function checkSums(spec: ConvSpec): void {
  requireCount('bias', 'biases', spec.weights.outChannels, spec.bias.length);
  spec.bias.forEach((bias, index) => {
    if (!Number.isSafeInteger(bias)) {
      refuse(`bias[${index}]`, 'out of range', 'an integer below 2^53 in magnitude', String(bias));
    }
  });
  if (spec.accumulator !== null) requireInteger('accumulator.bits', spec.accumulator.bits, 1, 64);
}

/**
 * Every sum stays an exact double: taps * max|x| * max|w| < 2^51, so that t <= 2^52 and a sum of two residues is below
 * 2^53; with the bias the accumulator stays below 2^53. With at most 17-bit centred operands this allows 2^19 taps.
 */
function checkExactness(spec: ConvSpec): void {
  const input = centredInputRange(spec.input);
  const range = datatypeRange(spec.weights.bits, spec.weights.signed);
  const largestInput = Math.max(Math.abs(input.lo), Math.abs(input.hi));
  const largestWeight = spec.weights.zeroPoints.reduce(
    (largest, zeroPoint) => Math.max(largest, zeroPoint - range.lo, range.hi - zeroPoint),
    0,
  );
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const taps = channelsPerGroup * kernelHeight * kernelWidth;
  const largestBias = spec.bias.reduce((largest, bias) => Math.max(largest, Math.abs(bias)), 0);
  const sum = BigInt(taps) * BigInt(largestInput) * BigInt(largestWeight);
  if (sum < 2n ** 51n && sum + BigInt(largestBias) < 2n ** 53n) return;
  throw new CipherconvError({
    code: 'beyond-bfv',
    message: 'the accumulator is too wide',
    expected: 'taps x largest |input| x largest |weight| below 2^51, and below 2^53 with the largest bias',
    found: `${taps} x ${largestInput} x ${largestWeight} needs ${bitLength(sum)} bits, largest bias ${largestBias}`,
    hint: 'use fewer bits for inputs or weights, or split the input channels over several convolutions',
  });
}

/** Elements of one tensor; a tensor of doubles then takes at most 512 MiB. */
export const MAX_ELEMENTS = 2 ** 26;

function checkSize(what: string, shape: readonly number[]): void {
  // Products of up to four extents below 2^25: no overflow to infinity, and far above the limit before rounding.
  const elements = elementCount(shape);
  if (elements <= MAX_ELEMENTS) return;
  throw new CipherconvError({
    code: 'unsupported',
    where: what,
    message: 'not supported yet: tensors of this size',
    expected: `at most ${MAX_ELEMENTS} elements`,
    found: `${elements} elements, [${shape.join(', ')}]`,
    hint: 'run smaller batches, or cut the image into parts',
  });
}

/**
 * Checks all of a convolution but its weights and biases.
 * @throws CipherconvError as `makeSpec` does.
 */
export function checkShape(shape: ConvShape): void {
  checkInput(shape.input);
  const { batch, channels, height, width } = shape.input;
  checkSize('input.shape', [batch, channels, height, width]);
  checkWeightShape(shape.weights);
  checkAttributes(shape);
  const output = outputShape(shape);
  checkSize('output', [output.batch, output.channels, output.height, output.width]);
}

/**
 * The one constructor of a `ConvSpec`: checks every field against every other, freezes and returns it.
 * @throws CipherconvError `out-of-range`, `shape-mismatch`, `unsupported` for tensors of more than 2^26 elements, or
 * `beyond-bfv` for sums past 2^53.
 */
export function makeSpec(spec: ConvSpec): ConvSpec {
  checkShape(spec);
  checkWeights(spec.weights);
  checkSums(spec);
  checkExactness(spec);
  return deepFreeze(copyOfSpec(spec));
}

/** A copy with exactly the fields of a spec: nothing the caller holds can change it later, no stray key enters a digest. */
function copyOfSpec(spec: ConvSpec): ConvSpec {
  const { name, input, weights, bias, strides, pads, dilations, group, accumulator } = spec;
  return {
    name,
    input: {
      batch: input.batch,
      channels: input.channels,
      height: input.height,
      width: input.width,
      bits: input.bits,
      signed: input.signed,
      zeroPoint: input.zeroPoint,
      range: { lo: input.range.lo, hi: input.range.hi },
    },
    weights: {
      outChannels: weights.outChannels,
      channelsPerGroup: weights.channelsPerGroup,
      kernelHeight: weights.kernelHeight,
      kernelWidth: weights.kernelWidth,
      bits: weights.bits,
      signed: weights.signed,
      zeroPoints: [...weights.zeroPoints],
      values: [...weights.values],
    },
    bias: [...bias],
    strides: [strides[0], strides[1]],
    pads: [pads[0], pads[1], pads[2], pads[3]],
    dilations: [dilations[0], dilations[1]],
    group,
    accumulator: accumulator === null ? null : { bits: accumulator.bits, signed: accumulator.signed },
  };
}
