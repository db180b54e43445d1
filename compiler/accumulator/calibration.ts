import { hull } from '../base/interval.ts';
import type { Interval } from '../base/interval.ts';

/**
 * Tier "calibrated", an estimate: what accumulators do on sample inputs. Real weights and inputs stay far from the worst
 * case, but nothing says that the next input will.
 */
export interface Calibration {
  /** Accumulators seen. */
  readonly count: number;
  /** Range seen over all channels. */
  readonly interval: Interval;
  /** Range seen in each output channel. */
  readonly channels: readonly Interval[];
  /** How often accumulators fell into each bin, ascending, at most 16 bins. */
  readonly histogram: readonly HistogramBin[];
}

/** Accumulators from `from` to `to`, both inclusive. */
export interface HistogramBin {
  /** Smallest accumulator of the bin. */
  readonly from: number;
  /** Largest accumulator of the bin. */
  readonly to: number;
  /** Accumulators seen in the bin. */
  readonly count: number;
}

const BINS = 16;

/**
 * Summary of sample accumulators. Integer bins of equal width (the last may be narrower), at most 16.
 * @param batches each NCHW flat, `channels` planes of any equal size, at least one value in all
 */
export function summarizeAccumulators(batches: readonly Float64Array[], channels: number): Calibration {
  const ranges = Array.from({ length: channels }, (): Interval => ({ lo: Infinity, hi: -Infinity }));
  for (const batch of batches) {
    const planeSize = batch.length / channels;
    for (let channel = 0; channel < channels; channel++) {
      let { lo, hi } = ranges[channel]!;
      for (let index = channel * planeSize; index < (channel + 1) * planeSize; index++) {
        lo = Math.min(lo, batch[index]!);
        hi = Math.max(hi, batch[index]!);
      }
      ranges[channel] = { lo, hi };
    }
  }
  const interval = ranges.reduce(hull);
  return {
    count: batches.reduce((sum, { length }) => sum + length, 0),
    interval,
    channels: ranges,
    histogram: histogramOf(batches, interval),
  };
}

function histogramOf(batches: readonly Float64Array[], { lo, hi }: Interval): HistogramBin[] {
  const width = Math.ceil((hi - lo + 1) / BINS);
  const counts = new Array<number>(Math.ceil((hi - lo + 1) / width)).fill(0);
  for (const batch of batches) for (const value of batch) counts[Math.floor((value - lo) / width)]!++;
  return counts.map((count, bin) => ({
    from: lo + bin * width,
    to: Math.min(hi, lo + (bin + 1) * width - 1),
    count,
  }));
}

/** How many of each raw value of [lo, hi] occur in each input channel. `images`: flat CHW each. */
export function inputHistograms(
  images: readonly Float64Array[],
  channels: number,
  { lo, hi }: Interval,
): Float64Array[] {
  const counts = Array.from({ length: channels }, () => new Float64Array(hi - lo + 1));
  for (const image of images) {
    const planeSize = image.length / channels;
    image.forEach((value, index) => {
      counts[Math.floor(index / planeSize)]![value - lo]!++;
    });
  }
  return counts;
}
