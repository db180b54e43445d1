import type { AccumulatorAnalysis } from './accumulator.ts';
import { addScaled, pointDistribution, probabilityOutside, shifted } from './distribution.ts';
import type { Distribution } from './distribution.ts';
import { contains } from './interval.ts';
import type { Interval } from './interval.ts';
import { centredWeights } from './spec.ts';
import type { ConvSpec } from './spec.ts';

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
      const terms = windowTerms(spec, centred, channel, cell);
      const cost = additions(terms, model.inputs);
      if (cost > budget) return null;
      budget -= cost;
      const sum = shifted(windowSum(terms, model.inputs, spec.input.zeroPoint), spec.bias[channel]!);
      largest = Math.max(largest, probabilityOutside(sum, limit));
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

/** The taps of one output cell that fall on the image and have a weight. */
function windowTerms(
  spec: ConvSpec,
  centred: Int32Array,
  channel: number,
  [row, column]: readonly [number, number],
): Term[] {
  const { input, weights, strides, pads, dilations } = spec;
  const { channelsPerGroup, kernelHeight, kernelWidth } = weights;
  const firstChannel = Math.floor(channel / (weights.outChannels / spec.group)) * channelsPerGroup;
  const terms: Term[] = [];
  for (let c = 0; c < channelsPerGroup; c++) {
    for (let a = 0; a < kernelHeight; a++) {
      const y = row * strides[0] - pads[0] + a * dilations[0];
      if (y < 0 || y >= input.height) continue;
      for (let e = 0; e < kernelWidth; e++) {
        const x = column * strides[1] - pads[1] + e * dilations[1];
        if (x < 0 || x >= input.width) continue;
        const weight = centred[((channel * channelsPerGroup + c) * kernelHeight + a) * kernelWidth + e]!;
        if (weight !== 0) terms.push({ inputChannel: firstChannel + c, weight });
      }
    }
  }
  // Narrow terms first keep the intermediate supports, and so the work, small.
  return terms.sort((left, right) => Math.abs(left.weight) - Math.abs(right.weight));
}

/** Additions that `windowSum` takes, at most; doubles, because it may be far past 2^53. */
function additions(terms: readonly Term[], inputs: readonly Distribution[]): number {
  let support = 1;
  let total = 0;
  for (const { inputChannel, weight } of terms) {
    const { probabilities, isUniform } = inputs[inputChannel]!;
    const before = support;
    support += Math.abs(weight) * (probabilities.length - 1);
    total += isUniform ? 3 * support : before * probabilities.length;
  }
  return total;
}

function windowSum(terms: readonly Term[], inputs: readonly Distribution[], zeroPoint: number): Distribution {
  return terms.reduce<Distribution>(
    (sum, { inputChannel, weight }) => addScaled(sum, weight, shifted(inputs[inputChannel]!, -zeroPoint)),
    pointDistribution(0),
  );
}
