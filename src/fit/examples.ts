import type { Random } from './random.ts';

/** Pictures with their classes. */
export interface Examples {
  /** [picture, channel, row, column], a byte a pixel. */
  readonly pixels: Uint8Array;
  /** Class of each picture, from 0. */
  readonly labels: Uint8Array;
}

/** The examples that a list names, in its order. */
export function chosen({ pixels, labels }: Examples, indices: ArrayLike<number>): Examples {
  const size = pixels.length / labels.length;
  const picked = { pixels: new Uint8Array(indices.length * size), labels: new Uint8Array(indices.length) };
  for (let index = 0; index < indices.length; index++) {
    const from = indices[index]!;
    picked.pixels.set(pixels.subarray(from * size, (from + 1) * size), index * size);
    picked.labels[index] = labels[from]!;
  }
  return picked;
}

/** Splits at random. @param share of the examples that is held out: at least one, and one is left */
export function holdOut(
  examples: Examples,
  share: number,
  random: Random,
): { rest: Examples; held: Examples } {
  const count = examples.labels.length;
  const held = Math.min(Math.max(Math.round(count * share), 1), count - 1);
  const order = random.order(count);
  return { held: chosen(examples, order.subarray(0, held)), rest: chosen(examples, order.subarray(held)) };
}
