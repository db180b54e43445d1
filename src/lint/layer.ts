import { largestTaps } from '../../compiler/accumulator/datatypeBound.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import { datatypeRange, requiredWidth } from '../../compiler/base/interval.ts';
import type { Interval } from '../../compiler/base/interval.ts';

import { requiredBitsAs } from '../../compiler/accumulator/declaredWidth.ts';
import { largest } from './analyze.ts';
import type { Analysis, Tier } from './analyze.ts';
import type { Layer, LayerTier, LayerTiers } from './finding.ts';
import type { OpenSourceLayer, SourceLayer } from './rule.ts';

/** The analysis of one convolution as reports have it. */
export function layerOf(
  file: string,
  { name, op, spec }: Pick<SourceLayer, 'name' | 'op' | 'spec'>,
  analysis: Analysis,
): Layer {
  const { taps, declared, exact } = analysis;
  const { batch, channels, height, width } = outputShape(spec);
  return {
    file,
    name,
    op,
    taps,
    products: batch * channels * height * width * taps,
    interval: ends(exact.interval),
    requiredBits: exact.required.bits,
    declaredBits: declared?.bits ?? null,
    declaredRange: declared === null ? null : ends(datatypeRange(declared.bits, declared.signed)),
    tiers: {
      datatype: { ...tierOf(analysis.datatype), largestTaps: analysis.datatype.largestTaps },
      l1: { ...tierOf(analysis.l1), norm: largest(analysis.l1.norms), a2qBits: analysis.l1.a2qBits },
      exact: { ...tierOf(exact), decodeWidth: exact.decodeWidth },
      calibrated: calibratedOf(analysis),
      probabilistic: probabilisticOf(analysis),
    },
  };
}

/** A layer of which only the types are known. */
export function openLayerOf(file: string, layer: OpenSourceLayer): Layer {
  const { name, op, taps, outputChannels, declared } = layer;
  const interval = openInterval(layer);
  const range = ends(interval);
  const requiredBits = requiredWidth(interval).bits;
  const channels = new Array<[number, number]>(outputChannels).fill(range);
  const most = mostTaps(layer);
  return {
    file,
    name,
    op,
    taps,
    products: null,
    interval: range,
    requiredBits,
    declaredBits: declared.bits,
    declaredRange: ends(datatypeRange(declared.bits, declared.signed)),
    tiers: {
      datatype: { kind: 'proof', interval: range, requiredBits, channels, largestTaps: most },
      l1: null,
      exact: null,
      calibrated: null,
      probabilistic: null,
    },
  };
}

/** Any inputs times any weights. */
export function openInterval({ taps, product, bias }: OpenSourceLayer): Interval {
  return { lo: taps * product.lo + bias.lo, hi: taps * product.hi + bias.hi };
}

/** Most taps that the declared width holds; null when any number fits. */
export function mostTaps({ declared, product, bias }: OpenSourceLayer): number | null {
  const counts = [largestTaps(declared, product, bias.lo), largestTaps(declared, product, bias.hi)];
  const known = counts.filter((count) => count !== null);
  if (known.length === 0) return null;
  const most = Number(known.reduce((left, right) => (left < right ? left : right)));
  return most > Number.MAX_SAFE_INTEGER ? null : most;
}

function ends({ lo, hi }: Interval): [number, number] {
  return [lo, hi];
}

function tierOf<Kind extends 'proof' | 'estimate'>(tier: Tier<Kind>): LayerTier<Kind> {
  return {
    kind: tier.kind,
    interval: ends(tier.interval),
    requiredBits: tier.required.bits,
    channels: tier.channels.map(ends),
  };
}

function calibratedOf({ calibrated, declared, exact }: Analysis): LayerTiers['calibrated'] {
  if (calibrated === null) return null;
  const { samples, interval } = calibrated;
  const required = declared === null ? null : requiredBitsAs(interval, declared.signed);
  return {
    ...tierOf(calibrated),
    samples: samples.count,
    headroom: declared === null || required === null ? null : declared.bits - required,
    timesWider: (exact.interval.hi - exact.interval.lo + 1) / (interval.hi - interval.lo + 1),
    histogram: samples.histogram,
  };
}

function probabilisticOf({ probabilistic }: Analysis): LayerTiers['probabilistic'] {
  if (probabilistic === null) return null;
  const { kind, inputs, largest: probability, channels } = probabilistic;
  const minusLog2 = probability === null || probability === 0 ? null : Math.abs(Math.log2(probability));
  return { kind, inputs, overflowProbability: probability, minusLog2, channels };
}
