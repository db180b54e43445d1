import type { Interval } from '../../compiler/base/interval.ts';
import type { Examples } from './examples.ts';
import { runExactly } from './exact.ts';
import type { IntegerNetwork } from './integerNetwork.ts';

/** How a trained network did on examples, in exact integers. */
export interface Evaluation {
  /** Examples whose highest score is that of their class; of equal scores the first counts. */
  readonly right: number;
  readonly of: number;
  /** Smallest and largest value of each linear layer. */
  readonly seen: readonly Interval[];
}

/** Runs the examples one by one. Gives way to the event loop now and then. */
export async function evaluate(
  network: IntegerNetwork,
  examples: Examples,
  onProgress: (done: number, total: number) => void,
): Promise<Evaluation> {
  const count = examples.labels.length;
  const size = examples.pixels.length / count;
  const seen = network.layers.map(() => ({ lo: Infinity, hi: -Infinity }));
  let right = 0;
  for (let index = 0; index < count; index++) {
    const { scores, values } = runExactly(
      network,
      examples.pixels.subarray(index * size, (index + 1) * size),
    );
    if (highest(scores) === examples.labels[index]) right++;
    values.forEach((layer, at) => {
      widen(seen[at]!, layer);
    });
    if (index % 256 !== 0) continue;
    onProgress(index, count);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { right, of: count, seen };
}

/** Index of the highest score, the first of equals. */
export function highest(scores: Float64Array): number {
  let best = 0;
  for (let index = 1; index < scores.length; index++) if (scores[index]! > scores[best]!) best = index;
  return best;
}

function widen(interval: { lo: number; hi: number }, values: Float64Array): void {
  for (const value of values) {
    if (value < interval.lo) interval.lo = value;
    if (value > interval.hi) interval.hi = value;
  }
}
