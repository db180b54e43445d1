import { analyzeAccumulator } from '../../compiler/accumulator/exact.ts';
import type { AccumulatorAnalysis } from '../../compiler/accumulator/exact.ts';
import type { Calibration } from '../../compiler/accumulator/calibration.ts';
import { datatypeBound, largestTapsOf, tapsOf } from '../../compiler/accumulator/datatypeBound.ts';
import {
  histogramDistribution,
  SMALLEST_PROBABILITY,
  uniformDistribution,
} from '../../compiler/accumulator/distribution.ts';
import type { Distribution } from '../../compiler/accumulator/distribution.ts';
import { contains, datatypeRange, requiredWidth } from '../../compiler/base/interval.ts';
import type { Interval, Width } from '../../compiler/base/interval.ts';
import { a2qBits, normBound } from '../../compiler/accumulator/normBound.ts';
import { overflowProbability } from '../../compiler/accumulator/overflowProbability.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';

/** One way to bound the accumulator. A proof holds for every input; an estimate says what to expect. */
export interface Tier<Kind extends 'proof' | 'estimate' = 'proof'> {
  /** Whether the bound is proved or estimated. */
  readonly kind: Kind;
  /** Hull of the intervals of all output channels, bias included. */
  readonly interval: Interval;
  /** Width that holds `interval`. */
  readonly required: Width;
  /** Interval of each output channel. */
  readonly channels: readonly Interval[];
}

/** The bound from the datatypes alone: any inputs times any weights of the declared bits. */
export interface DatatypeTier extends Tier {
  /** How many taps fit the declared accumulator whatever the weights are; null when none is declared or all fit. */
  readonly largestTaps: number | null;
}

/** The bound from the L1 norms of the weights, inputs anywhere in their range. */
export interface NormTier extends Tier {
  /** L1 norm of the centred weights of each output channel. */
  readonly norms: readonly number[];
  /** A2Q's closed form; null with zero points, biases or a narrowed range, which it does not know. */
  readonly a2qBits: number | null;
}

/** The exact range over all inputs. */
export interface ExactTier extends Tier {
  /** Largest hi - lo + 1 of a channel: values that one decode window tells apart. */
  readonly decodeWidth: number;
}

/** What sample inputs gave; nothing says that the next input stays within. */
export interface CalibratedTier extends Tier<'estimate'> {
  /** The accumulators seen. */
  readonly samples: Calibration;
}

/** Probability that an output leaves the declared width when inputs are random. */
export interface ProbabilisticTier {
  /** It is an estimate: it depends on the distribution of the inputs. */
  readonly kind: 'estimate';
  /** Distribution of the inputs: uniform over their range, or that of the sample inputs. */
  readonly inputs: 'uniform' | 'calibration';
  /** Largest P(overflow) over the channels; null when it takes too long to compute. */
  readonly largest: number | null;
  /** P(overflow) of one output of each channel; null where it takes too long to compute. */
  readonly channels: readonly (number | null)[];
}

/** The accumulator of one convolution, tier by tier. */
export interface Analysis {
  /** Products that one output sums. */
  readonly taps: number;
  /** The width that the author declared; null for none. */
  readonly declared: Width | null;
  /** The bound from the datatypes alone. */
  readonly datatype: DatatypeTier;
  /** The bound from the norms of the weights. */
  readonly l1: NormTier;
  /** The exact range over all inputs, weights and borders counted: both ends are reached. */
  readonly exact: ExactTier;
  /** Only with sample inputs. */
  readonly calibrated: CalibratedTier | null;
  /** Only with a declared width. */
  readonly probabilistic: ProbabilisticTier | null;
  /** Exact ranges per output channel, and the cells that reach them. */
  readonly accumulator: AccumulatorAnalysis;
}

/** Sample inputs of a convolution, and the accumulators that they gave. */
export interface Samples {
  /** How often each raw value of the input's range occurs, for each input channel; null where no width is declared. */
  readonly histograms: readonly Float64Array[] | null;
  /** Summary of the accumulators. */
  readonly calibration: Calibration;
}

/** Additions that the probabilistic tier may spend on one convolution: some tenths of a second. */
export const PROBABILITY_BUDGET = 2 ** 27;

/**
 * Analyses the accumulator of a convolution. Loads no cryptography.
 * @param probabilityBudget additions for the probabilistic tier; what it does not reach is null
 */
export function analyze(
  spec: ConvSpec,
  samples: Samples | null = null,
  probabilityBudget = PROBABILITY_BUDGET,
): Analysis {
  const accumulator = analyzeAccumulator(spec);
  const intervals = accumulator.channels.map(({ interval }) => interval);
  return {
    taps: tapsOf(spec),
    declared: spec.accumulator,
    datatype: datatypeTier(spec),
    l1: normTier(spec),
    exact: { ...tier('proof', accumulator.interval, intervals), decodeWidth: accumulator.decodeWidth },
    calibrated:
      samples === null
        ? null
        : {
            ...tier('estimate', samples.calibration.interval, samples.calibration.channels),
            samples: samples.calibration,
          },
    probabilistic: probabilisticTier(spec, accumulator, samples, probabilityBudget),
    accumulator,
  };
}

function tier<Kind extends 'proof' | 'estimate'>(
  kind: Kind,
  interval: Interval,
  channels: readonly Interval[],
): Tier<Kind> {
  return { kind, interval, required: requiredWidth(interval), channels };
}

function datatypeTier(spec: ConvSpec): DatatypeTier {
  const { interval, channels } = datatypeBound(spec);
  const most = spec.accumulator === null ? null : largestTapsOf(spec, spec.accumulator);
  const largestTaps = most === null || most > Number.MAX_SAFE_INTEGER ? null : Number(most);
  return { ...tier('proof', interval, channels), largestTaps };
}

function normTier(spec: ConvSpec): NormTier {
  const { norms, interval, channels } = normBound(spec);
  const { bits, signed, zeroPoint, range } = spec.input;
  const whole = datatypeRange(bits, signed);
  const isPlain =
    zeroPoint === 0 &&
    spec.weights.zeroPoints.every((zero) => zero === 0) &&
    spec.bias.every((bias) => bias === 0) &&
    range.lo === whole.lo &&
    range.hi === whole.hi;
  const norm = largest(norms);
  return {
    ...tier('proof', interval, channels),
    norms,
    a2qBits: isPlain ? a2qBits(norm, bits, signed) : null,
  };
}

export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function probabilisticTier(
  spec: ConvSpec,
  analysis: AccumulatorAnalysis,
  samples: Samples | null,
  budget: number,
): ProbabilisticTier | null {
  if (spec.accumulator === null) return null;
  const limit = datatypeRange(spec.accumulator.bits, spec.accumulator.signed);
  if (contains(limit, analysis.interval)) {
    const channels = analysis.channels.map(() => 0);
    return { kind: 'estimate', inputs: samples === null ? 'uniform' : 'calibration', largest: 0, channels };
  }
  const inputs = inputDistributions(spec, samples);
  const found = overflowProbability({ spec, analysis, limit, inputs, budget });
  const clamp = (probability: number | null): number | null =>
    probability === null || probability === 0 ? probability : Math.max(probability, SMALLEST_PROBABILITY);
  return {
    kind: 'estimate',
    inputs: samples === null ? 'uniform' : 'calibration',
    largest: clamp(found.largest),
    channels: found.channels.map(clamp),
  };
}

function inputDistributions(spec: ConvSpec, samples: Samples | null): Distribution[] {
  const { channels, range } = spec.input;
  const histograms = samples?.histograms ?? null;
  if (histograms === null) {
    const uniform = uniformDistribution(range);
    return Array.from({ length: channels }, () => uniform);
  }
  return histograms.map((counts) => histogramDistribution(range.lo, counts));
}
