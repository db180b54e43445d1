import { analyzeAccumulator } from '../../compiler/accumulator.ts';
import type { AccumulatorAnalysis } from '../../compiler/accumulator.ts';
import { datatypeRange, requiredWidth } from '../../compiler/interval.ts';
import type { Interval, Width } from '../../compiler/interval.ts';
import type { ConvSpec } from '../../compiler/spec.ts';

/** One way to bound the accumulator. Both here are proofs: no input can leave the interval. */
export interface Tier {
  readonly kind: 'proof';
  readonly interval: Interval;
  readonly required: Width;
}

/** What the datatypes alone say. */
export interface DatatypeTier extends Tier {
  /** How many taps fit the declared accumulator whatever the weights are; null when none is declared or all fit. */
  readonly largestTaps: number | null;
}

/** The accumulator of one convolution, tier by tier. */
export interface Analysis {
  /** Products that one output sums. */
  readonly taps: number;
  readonly declared: Width | null;
  readonly datatype: DatatypeTier;
  /** The exact range over all inputs, weights and borders counted: both ends are reached. */
  readonly exact: Tier;
  /** Exact ranges per output channel, and the cells that reach them. */
  readonly accumulator: AccumulatorAnalysis;
}

/** Analyses the accumulator of a convolution. Loads no cryptography. */
export function analyze(spec: ConvSpec): Analysis {
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const taps = channelsPerGroup * kernelHeight * kernelWidth;
  const accumulator = analyzeAccumulator(spec);
  return {
    taps,
    declared: spec.accumulator,
    datatype: datatypeTier(spec, taps),
    exact: proof(accumulator.interval),
    accumulator,
  };
}

function proof(interval: Interval): Tier {
  return { kind: 'proof', interval, required: requiredWidth(interval) };
}

/**
 * K taps of any w-bit weight times any x-bit input, zero points and bias counted. With unsigned operands, no zero points
 * and no bias the largest K for P bits is floor((2^P - 1) / ((2^w - 1)(2^x - 1))) (A2Q, arXiv 2308.13504, section 3).
 */
function datatypeTier(spec: ConvSpec, taps: number): DatatypeTier {
  const product = productRange(spec);
  const [smallestBias, largestBias] = minMax(spec.bias);
  const bias = { lo: smallestBias, hi: largestBias };
  const interval = { lo: taps * product.lo + bias.lo, hi: taps * product.hi + bias.hi };
  return { ...proof(interval), largestTaps: largestTaps(spec.accumulator, product, bias) };
}

function minMax(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([lo, hi], value) => [Math.min(lo, value), Math.max(hi, value)],
    [Infinity, -Infinity],
  );
}

/** Range of one product of any weight and any input of the declared datatypes; 0 where a tap may be padding. */
function productRange(spec: ConvSpec): Interval {
  const input = datatypeRange(spec.input.bits, spec.input.signed);
  const weight = datatypeRange(spec.weights.bits, spec.weights.signed);
  const [smallestZero, largestZero] = minMax(spec.weights.zeroPoints);
  const inputs = [input.lo - spec.input.zeroPoint, input.hi - spec.input.zeroPoint];
  const weights = [weight.lo - largestZero, weight.hi - smallestZero];
  const corners = inputs.flatMap((x) => weights.map((w) => x * w));
  const padded = spec.pads.some((pad) => pad > 0) ? [0] : [];
  const [lo, hi] = minMax([...corners, ...padded]);
  return { lo, hi };
}

function largestTaps(declared: Width | null, product: Interval, bias: Interval): number | null {
  if (declared === null) return null;
  const limit = datatypeRange(declared.bits, declared.signed);
  const above = product.hi > 0 ? Math.floor((limit.hi - bias.hi) / product.hi) : Infinity;
  const below = product.lo < 0 ? Math.floor((limit.lo - bias.lo) / product.lo) : Infinity;
  const largest = Math.min(above, below);
  return Number.isFinite(largest) ? Math.max(0, largest) : null;
}

/**
 * Bits that an interval needs in an accumulator of this signedness; null when no number of unsigned bits holds it.
 */
export function requiredBitsAs(interval: Interval, signed: boolean): number | null {
  const width = requiredWidth(interval);
  if (signed) return width.signed ? width.bits : width.bits + 1;
  return width.signed ? null : width.bits;
}
