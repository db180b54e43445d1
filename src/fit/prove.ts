import { internalError } from '../../compiler/base/errors.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import type { IntegerNetwork } from './integerNetwork.ts';
import { linearMaps } from './linearMaps.ts';
import type { LinearMap } from './linearMaps.ts';

/** What is certain of the values of a trained network, over all inputs. */
export interface NetworkBounds {
  /** Of each linear layer, over all its outputs. */
  readonly layers: readonly { readonly name: string; readonly interval: Interval }[];
  /** Of each score. */
  readonly scores: readonly Interval[];
  /** The largest number of values that a score may take: what a modulus has to hold. */
  readonly width: number;
}

/**
 * Intervals through a network in exact integers, every neuron by itself.
 * @throws CipherconvError `internal` where a value may pass 2^53: training keeps far below.
 */
export function proveBounds(network: IntegerNetwork): NetworkBounds {
  const maps = linearMaps(network);
  const [channels, height, width] = network.input.shape;
  let inputs: Interval[] = Array.from({ length: channels * height * width }, () => ({
    lo: 0,
    hi: network.input.levels - 1,
  }));
  let values = inputs;
  const layers = maps.map((map) => {
    values = mapped(map, inputs);
    inputs = values.map(squared);
    return { name: map.name, interval: hullOf(values) };
  });
  const most = values.reduce((widest, { lo, hi }) => Math.max(widest, hi - lo + 1), 1);
  return { layers, scores: values, width: most };
}

function mapped(
  { outputs, starts, columns, weights, bias }: LinearMap,
  inputs: readonly Interval[],
): Interval[] {
  return Array.from({ length: outputs }, (_, row) => {
    let [lo, hi] = [bias[row]!, bias[row]!];
    for (let index = starts[row]!; index < starts[row + 1]!; index++) {
      const weight = weights[index]!;
      const input = inputs[columns[index]!]!;
      lo += weight * (weight > 0 ? input.lo : input.hi);
      hi += weight * (weight > 0 ? input.hi : input.lo);
    }
    if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi))
      throw internalError('a trained value passes 2^53');
    return { lo, hi };
  });
}

function squared({ lo, hi }: Interval): Interval {
  const [left, right] = [lo * lo, hi * hi];
  return { lo: lo <= 0 && hi >= 0 ? 0 : Math.min(left, right), hi: Math.max(left, right) };
}

function hullOf(intervals: readonly Interval[]): Interval {
  const lo = intervals.reduce((least, interval) => Math.min(least, interval.lo), Infinity);
  const hi = intervals.reduce((most, interval) => Math.max(most, interval.hi), -Infinity);
  return { lo, hi };
}
