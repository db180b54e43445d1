import type { Extents } from './stages.ts';
import { padded } from './memory.ts';

/** How the values of one picture lie between two layers: groups of `used` values, each padded with zeros to `pitch`. */
export interface Features {
  readonly groups: number;
  readonly used: number;
  readonly pitch: number;
}

/** Values of one picture, padding included. */
export function lengthOf({ groups, pitch }: Features): number {
  return groups * pitch;
}

/** A group a channel behind a convolution, so that a channel's positions fill whole vectors. */
export function featuresOf({ channels, height, width }: Extents): Features {
  const pixels = height * width;
  return pixels === 1
    ? { groups: 1, used: channels, pitch: padded(channels) }
    : { groups: channels, used: pixels, pitch: padded(pixels) };
}

/** Takes the padding out. @param from `rows` times the padded values */
export function unpadded(from: ArrayLike<number>, features: Features, rows: number): Float64Array {
  const { groups, used, pitch } = features;
  const values = new Float64Array(rows * groups * used);
  for (let group = 0; group < rows * groups; group++) {
    for (let index = 0; index < used; index++) {
      values[group * used + index] = from[group * pitch + index]!;
    }
  }
  return values;
}
