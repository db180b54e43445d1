import type { Filter } from './filter.ts';

/** What became of floats, for people. */

/** Output channels whose scales are told one by one. */
const TOLD = 8;

/** How far off the integers are, and what they stand for; null where they are the weights themselves. */
export function quantizationText({
  shape,
  values,
  bits,
  scales,
  error,
  largest,
  nonzero,
}: Filter): string | null {
  if (scales === null) return null;
  const share = largest === 0 ? '' : ` of ${short(largest)} at most (${percent(error / largest)})`;
  const channels = [...new Set(scales)];
  const told =
    scales.length <= TOLD
      ? scales.map(short).join(', ')
      : `${short(Math.min(...channels))} to ${short(Math.max(...channels))}`;
  const perOutput = values.length / shape[0];
  const dead = scales.filter((_, output) =>
    values.slice(output * perOutput, (output + 1) * perOutput).every((value) => value === 0),
  ).length;
  return (
    `quantized to ${bits} bit${bits === 1 ? '' : 's'}: no weight is off by more than ${short(error)}${share}; ` +
    `a sum times its channel's scale is the real one: ${told}` +
    (dead === 0 ? '' : `; ${dead} of ${scales.length} output channels have no weight left`) +
    (nonzero.lost === 0
      ? ''
      : `\nwarning: ${nonzero.lost} of ${nonzero.before} weights that are not 0 have become 0, and ` +
        'the filter may be another one; more --bits keep them')
  );
}

/** Two digits, and never as a power of ten. */
function percent(share: number): string {
  const value = 100 * share;
  return `${value >= 10 ? value.toFixed(0) : String(Number(value.toPrecision(2)))}%`;
}

function short(value: number): string {
  return value.toPrecision(3);
}
