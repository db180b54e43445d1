import { analyzeAccumulator } from './exact.ts';
import { largestTapsOf } from './datatypeBound.ts';
import { contains, datatypeRange } from '../base/interval.ts';
import type { Interval, Width } from '../base/interval.ts';
import { centredInputRange } from '../convolution/shape.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/**
 * What would make an accumulator fit its declared width. Every remedy is found by changing the convolution and running
 * the exact analysis on the result, so each one is enough by itself; null where none of its kind is.
 */
export interface Remedies {
  /** Most taps that fit whatever the weights are. */
  readonly taps: number | null;
  /** Bits of the weights when low bits are dropped (magnitudes shifted right). */
  readonly weightBits: number | null;
  /** Bits of the inputs when low bits are dropped. */
  readonly inputBits: number | null;
  /** Largest L1 norm of the centred weights of channel `channel`, scaled down and rounded towards zero. */
  readonly norm: { readonly channel: number; readonly now: number; readonly largest: number } | null;
  /** Fewest convolutions over equal parts of the input channels, each of which fits; their results are added outside. */
  readonly split: number | null;
}

/** @param declared a width that the exact interval of some output channel leaves */
export function remediesFor(spec: ConvSpec, channels: readonly Interval[], declared: Width): Remedies {
  const limit = datatypeRange(declared.bits, declared.signed);
  const excess = ({ lo, hi }: Interval): number => Math.max(hi - limit.hi, limit.lo - lo);
  const bad = channels
    .map((interval, channel) => ({ channel, excess: excess(interval) }))
    .filter((entry) => entry.excess > 0)
    .sort((left, right) => right.excess - left.excess)
    .map(({ channel }) => channelSpec(spec, channel));
  const fits = (changed: ConvSpec): boolean => contains(limit, analyzeAccumulator(changed).interval);
  const taps = largestTapsOf(spec, declared);
  return {
    taps: taps === null || taps < 1n || taps > Number.MAX_SAFE_INTEGER ? null : Number(taps),
    weightBits: leastDrop(bad, spec.weights.bits, (one, drop) => fits(droppedWeights(one, drop))),
    inputBits: leastDrop(bad, spec.input.bits, (one, drop) => fits(droppedInputs(one, drop))),
    norm: largestNorm(bad[0], worstChannel(channels, excess), fits),
    split: fewestParts(bad, spec.weights.channelsPerGroup, fits),
  };
}

function worstChannel(channels: readonly Interval[], excess: (interval: Interval) => number): number {
  return channels.reduce(
    (worst, interval, channel) => (excess(interval) > excess(channels[worst]!) ? channel : worst),
    0,
  );
}

/** The convolution that computes one output channel alone, weights centred (so with zero point 0). */
export function channelSpec(spec: ConvSpec, channel: number): ConvSpec {
  const { weights, input } = spec;
  const perOutput = weights.channelsPerGroup * weights.kernelHeight * weights.kernelWidth;
  const values = weights.values.slice(channel * perOutput, (channel + 1) * perOutput);
  const zeroPoint = weights.zeroPoints[channel]!;
  const centred = centredWeights({ ...weights, outChannels: 1, values, zeroPoints: [zeroPoint] });
  return {
    ...spec,
    input: { ...input, channels: weights.channelsPerGroup },
    weights: { ...weights, outChannels: 1, values: [...centred], zeroPoints: [0] },
    bias: [spec.bias[channel]!],
    group: 1,
  };
}

/** Fewest bits that are left when every channel fits after dropping low bits; null when not even one bit does. */
function leastDrop(
  specs: readonly ConvSpec[],
  bits: number,
  fits: (spec: ConvSpec, drop: number) => boolean,
): number | null {
  let drop = 1;
  for (const spec of specs) {
    while (drop < bits && !fits(spec, drop)) drop++;
    if (drop >= bits) return null;
  }
  return bits - drop;
}

function droppedWeights(spec: ConvSpec, drop: number): ConvSpec {
  return withWeights(spec, (weight) => Math.trunc(weight / 2 ** drop));
}

function withWeights(spec: ConvSpec, change: (weight: number) => number): ConvSpec {
  return { ...spec, weights: { ...spec.weights, values: spec.weights.values.map(change) } };
}

function droppedInputs(spec: ConvSpec, drop: number): ConvSpec {
  const { range, zeroPoint } = spec.input;
  const shift = (value: number): number => Math.floor(value / 2 ** drop);
  const changed = { range: { lo: shift(range.lo), hi: shift(range.hi) }, zeroPoint: shift(zeroPoint) };
  return { ...spec, input: { ...spec.input, ...changed } };
}

/**
 * Scales the channel's weights to an L1 norm of at most n, towards zero as A2Q does. While 0 is a possible centred input,
 * less magnitude never widens the interval, so the largest n is found by bisection; otherwise there is no such order.
 */
function largestNorm(
  spec: ConvSpec | undefined,
  channel: number,
  fits: (spec: ConvSpec) => boolean,
): Remedies['norm'] {
  if (spec === undefined) return null;
  const range = centredInputRange(spec.input);
  if (range.lo > 0 || range.hi < 0) return null;
  const now = spec.weights.values.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const scaled = (norm: number): ConvSpec => withWeights(spec, (weight) => scaleDown(weight, norm, now));
  let [enough, tooMuch] = [0, now];
  while (tooMuch - enough > 1) {
    const middle = Math.floor((enough + tooMuch) / 2);
    if (fits(scaled(middle))) enough = middle;
    else tooMuch = middle;
  }
  return enough === 0 ? null : { channel, now, largest: enough };
}

/** weight * norm / now towards zero; in bigint, because the product may pass 2^53. */
function scaleDown(weight: number, norm: number, now: number): number {
  return Number((BigInt(weight) * BigInt(norm)) / BigInt(now));
}

function fewestParts(
  specs: readonly ConvSpec[],
  channels: number,
  fits: (spec: ConvSpec) => boolean,
): number | null {
  let parts = 2;
  for (const spec of specs) {
    while (parts <= channels && !channelParts(spec, parts).every(fits)) parts++;
    if (parts > channels) return null;
  }
  return channels < 2 ? null : parts;
}

/** The convolution cut into `parts` runs of input channels, equal but for the last; the bias goes with the first. */
function channelParts(spec: ConvSpec, parts: number): ConvSpec[] {
  const { channelsPerGroup, kernelHeight, kernelWidth, values } = spec.weights;
  const size = Math.ceil(channelsPerGroup / parts);
  const taps = kernelHeight * kernelWidth;
  const cuts: ConvSpec[] = [];
  for (let first = 0; first < channelsPerGroup; first += size) {
    const count = Math.min(size, channelsPerGroup - first);
    const weights = { channelsPerGroup: count, values: values.slice(first * taps, (first + count) * taps) };
    cuts.push({
      ...spec,
      input: { ...spec.input, channels: count },
      weights: { ...spec.weights, ...weights },
      bias: first === 0 ? spec.bias : [0],
    });
  }
  return cuts;
}
