import { CipherconvError } from '../base/errors.ts';
import { bitLength, datatypeRange } from '../base/interval.ts';
import type { Width } from '../base/interval.ts';
import { deepFreeze } from '../base/freeze.ts';
import { checkShape, describeWidth, refuse, requireCount, requireInteger } from './checkShape.ts';
import { centredInputRange } from './shape.ts';
import type { ConvShape, WeightShape } from './shape.ts';

/** The filter: its shape [O, I/group, kH, kW], zero points and values. */
export interface WeightSpec extends WeightShape {
  /** One zero point per output channel. */
  readonly zeroPoints: readonly number[];
  /** Raw values, flat OIHW: index ((o * channelsPerGroup + c) * kernelHeight + a) * kernelWidth + e. */
  readonly values: readonly number[];
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

/** Weights with their zero points taken off, flat OIHW as in `WeightSpec.values`. */
export function centredWeights(weights: WeightSpec): Int32Array {
  const perOutput = weights.channelsPerGroup * weights.kernelHeight * weights.kernelWidth;
  const { values } = weights;
  // A plain loop: Int32Array.from and set walk an iterator over a frozen array, which takes several times as long.
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
