import { firstChannelOf } from '../convolution/shape.ts';
import type { AccumulatorAnalysis } from './exact.ts';
import { addScaled, pointDistribution } from './distribution.ts';
import type { Distribution } from './distribution.ts';
import { contains } from '../base/interval.ts';
import type { Interval } from '../base/interval.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/**
 * Tier "probabilistic", an estimate: if the inputs under the kernel were independent, with given distributions, how
 * often would the accumulator leave its width? The distribution of the sum is exact for that model (distribution.ts);
 * the estimate is the model, because neighbouring pixels are not independent.
 */
export interface OverflowModel {
  readonly spec: ConvSpec;
  readonly analysis: AccumulatorAnalysis;
  /** What the declared accumulator holds. */
  readonly limit: Interval;
  /** Distribution of raw inputs, one for each input channel. */
  readonly inputs: readonly Distribution[];
  /** Additions that may be spent. */
  readonly budget: number;
}

export interface OverflowProbability {
  /** Of one output of each output channel; null where the budget did not reach. */
  readonly channels: readonly (number | null)[];
  /** Largest of them; null when one is null. */
  readonly largest: number | null;
}

/**
 * P(overflow) of each output channel: of its two windows that reach the ends of its interval (at the border they
 * differ), the likelier one. Channels whose exact interval fits have probability 0, which is a proof.
 */
export function overflowProbability(model: OverflowModel): OverflowProbability {
  const { spec, analysis, limit } = model;
  const centred = centredWeights(spec.weights);
  let budget = model.budget;
  const channels = analysis.channels.map(({ interval, lowCell, highCell }, channel) => {
    if (contains(limit, interval)) return 0;
    const cells = lowCell.join() === highCell.join() ? [lowCell] : [lowCell, highCell];
    let largest = 0;
    for (const cell of cells) {
      const window = windowOf(model, centred, channel, cell);
      const cost = additions(window.above, model.inputs) + additions(window.below, model.inputs);
      if (cost > budget) return null;
      budget -= cost;
      largest = Math.max(largest, tail(window.above, model.inputs) + tail(window.below, model.inputs));
    }
    return largest;
  });
  const largest = channels.reduce((most, probability) =>
    most === null || probability === null ? null : Math.max(most, probability),
  );
  return { channels, largest };
}

interface Term {
  readonly inputChannel: number;
  readonly weight: number;
}

/**
 * The lowest `values` values of a sum of terms: one end of an accumulator, turned so that it is the low one. The whole
 * distribution is never needed: what overflows lies within `values` of the end.
 */
interface Tail {
  readonly terms: readonly Term[];
  readonly values: number;
}

interface Window {
  readonly above: Tail;
  readonly below: Tail;
}

function windowOf(
  { spec, limit, inputs }: OverflowModel,
  centred: Int32Array,
  channel: number,
  cell: readonly [number, number],
): Window {
  const terms = windowTerms(spec, centred, channel, cell);
  let [lo, hi] = [spec.bias[channel]!, spec.bias[channel]!];
  for (const { inputChannel, weight } of terms) {
    const { lo: least, probabilities } = inputs[inputChannel]!;
    const first = weight * (least - spec.input.zeroPoint);
    const last = first + weight * (probabilities.length - 1);
    lo += Math.min(first, last);
    hi += Math.max(first, last);
  }
  const negated = terms.map(({ inputChannel, weight }) => ({ inputChannel, weight: -weight }));
  return {
    above: { terms: negated, values: Math.min(hi - lo + 1, Math.max(0, hi - limit.hi)) },
    below: { terms, values: Math.min(hi - lo + 1, Math.max(0, limit.lo - lo)) },
  };
}

/** The taps of one output cell that fall on the image and have a weight. */
function windowTerms(
  spec: ConvSpec,
  centred: Int32Array,
  channel: number,
  [row, column]: readonly [number, number],
): Term[] {
  const { input, weights, strides, pads, dilations } = spec;
  const { channelsPerGroup, kernelHeight, kernelWidth } = weights;
  const firstChannel = firstChannelOf(spec, channel);
  const terms: Term[] = [];
  for (let c = 0; c < channelsPerGroup; c++) {
    for (let kernelRow = 0; kernelRow < kernelHeight; kernelRow++) {
      const y = row * strides[0] - pads[0] + kernelRow * dilations[0];
      if (y < 0 || y >= input.height) continue;
      for (let kernelColumn = 0; kernelColumn < kernelWidth; kernelColumn++) {
        const x = column * strides[1] - pads[1] + kernelColumn * dilations[1];
        if (x < 0 || x >= input.width) continue;
        const weight =
          centred[
            ((channel * channelsPerGroup + c) * kernelHeight + kernelRow) * kernelWidth + kernelColumn
          ]!;
        if (weight !== 0) terms.push({ inputChannel: firstChannel + c, weight });
      }
    }
  }
  // Narrow terms first keep the intermediate supports, and so the work, small.
  return terms.sort((left, right) => Math.abs(left.weight) - Math.abs(right.weight));
}

/** Additions that `tail` takes, at most. */
function additions({ terms, values: most }: Tail, inputs: readonly Distribution[]): number {
  let support = 1;
  let total = 0;
  for (const { inputChannel, weight } of terms) {
    const { probabilities, isUniform } = inputs[inputChannel]!;
    const before = Math.min(support, most);
    support += Math.abs(weight) * (probabilities.length - 1);
    total += isUniform ? 3 * Math.min(support, most) : before * probabilities.length;
  }
  return total;
}

/** Probability of the values of a tail, summed from the far end inwards, small terms first. */
function tail({ terms, values }: Tail, inputs: readonly Distribution[]): number {
  if (values === 0) return 0;
  const sum = terms.reduce<Distribution>(
    (before, { inputChannel, weight }) => addScaled(before, weight, inputs[inputChannel]!, values),
    pointDistribution(0),
  );
  return sum.probabilities.subarray(0, values).reduce((total, probability) => total + probability, 0);
}
