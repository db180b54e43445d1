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

interface Bins extends Interval {
  /** Integers in each. */
  readonly width: number;
  readonly counts: number[];
}

/**
 * Accumulators that come batch by batch, none of them kept: every batch is seen twice, first for the ranges and then for
 * the bins. Integer bins of equal width (the last may be narrower), at most 16.
 */
export class CalibrationFold {
  readonly #ranges: Interval[];
  #count = 0;
  #bins: Bins | null = null;

  /** @param channels planes of every batch */
  constructor(channels: number) {
    this.#ranges = Array.from({ length: channels }, () => ({ lo: Infinity, hi: -Infinity }));
  }

  /** The first pass. @param batch NCHW flat, planes of any equal size */
  addRanges(batch: Float64Array): void {
    const channels = this.#ranges.length;
    const planeSize = batch.length / channels;
    this.#count += batch.length;
    for (let channel = 0; channel < channels; channel++) {
      let { lo, hi } = this.#ranges[channel]!;
      for (let index = channel * planeSize; index < (channel + 1) * planeSize; index++) {
        lo = Math.min(lo, batch[index]!);
        hi = Math.max(hi, batch[index]!);
      }
      this.#ranges[channel] = { lo, hi };
    }
  }

  /** The second pass, over the same batches. */
  addCounts(batch: Float64Array): void {
    const { lo, width, counts } = (this.#bins ??= this.#emptyBins());
    for (const value of batch) counts[Math.floor((value - lo) / width)]!++;
  }

  /** After both passes, of one batch at least. */
  summary(): Calibration {
    const { lo, hi, width, counts } = (this.#bins ??= this.#emptyBins());
    return {
      count: this.#count,
      interval: { lo, hi },
      channels: this.#ranges,
      histogram: counts.map((count, bin) => ({
        from: lo + bin * width,
        to: Math.min(hi, lo + (bin + 1) * width - 1),
        count,
      })),
    };
  }

  #emptyBins(): Bins {
    const { lo, hi } = this.#ranges.reduce(hull);
    const width = Math.ceil((hi - lo + 1) / BINS);
    return { lo, hi, width, counts: new Array<number>(Math.ceil((hi - lo + 1) / width)).fill(0) };
  }
}

/**
 * Summary of sample accumulators that are all there.
 * @param batches each NCHW flat, `channels` planes of any equal size, at least one value in all
 */
export function summarizeAccumulators(batches: readonly Float64Array[], channels: number): Calibration {
  const fold = new CalibrationFold(channels);
  for (const batch of batches) fold.addRanges(batch);
  for (const batch of batches) fold.addCounts(batch);
  return fold.summary();
}

/** No value of [lo, hi] yet, in any input channel. */
export function emptyHistograms(channels: number, { lo, hi }: Interval): Float64Array[] {
  return Array.from({ length: channels }, () => new Float64Array(hi - lo + 1));
}

/** Counts the raw values of images, flat CHW one after the other. */
export function countInputs(
  counts: readonly Float64Array[],
  images: Float64Array,
  { lo }: Interval,
  planeSize: number,
): void {
  images.forEach((value, index) => {
    counts[Math.floor(index / planeSize) % counts.length]![value - lo]!++;
  });
}

/** How many of each raw value of [lo, hi] occur in each input channel. `images`: flat CHW each. */
export function inputHistograms(
  images: readonly Float64Array[],
  channels: number,
  range: Interval,
): Float64Array[] {
  const counts = emptyHistograms(channels, range);
  for (const image of images) countInputs(counts, image, range, image.length / channels);
  return counts;
}
