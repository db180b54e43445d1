import { describe, expect, it } from 'vitest';
import { fitPicture, greyOf, greyPicture, resizePicture } from '../../src/frontend/pictureFit.ts';
import type { Size } from '../../src/frontend/pictureFit.ts';
import type { Picture } from '../../src/frontend/pictureTensor.ts';
import { fc, runs } from '../support/properties.ts';

function pictureOf(size: Size, channels: 1 | 3, depth: 8 | 16, seed: number): Picture {
  const value = (index: number): number => ((index + seed) * 2654435761) % 2 ** depth;
  const count = size.width * size.height * channels;
  const values = Array.from({ length: count }, (_, index) => value(index));
  const samples = depth === 8 ? Uint8Array.from(values) : Uint16Array.from(values);
  return { file: 'a.png', ...size, depth, channels, greyPalette: false, samples };
}

/** A fraction of integers; the denominator is above 0. */
type Fraction = readonly [bigint, bigint];
const times = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * c, b * d];
const plus = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d + c * b, b * d];
const minus = (left: Fraction, [c, d]: Fraction): Fraction => plus(left, [-c, d]);
const isLess = ([a, b]: Fraction, [c, d]: Fraction): boolean => a * d < c * b;
const smaller = (left: Fraction, right: Fraction): Fraction => (isLess(left, right) ? left : right);
const larger = (left: Fraction, right: Fraction): Fraction => (isLess(left, right) ? right : left);

/** The mean over a rectangle of the plane, summed over all pixels of the picture by area of overlap, rounded half up. */
function meanOver(picture: Picture, channel: number, box: Record<'left' | 'top' | 'side', Fraction>): number {
  const overlap = (at: number, start: Fraction): Fraction => {
    const end = plus(start, box.side);
    const shared = minus(smaller([BigInt(at + 1), 1n], end), larger([BigInt(at), 1n], start));
    return isLess(shared, [0n, 1n]) ? [0n, 1n] : shared;
  };
  let sum: Fraction = [0n, 1n];
  for (let row = 0; row < picture.height; row++) {
    for (let column = 0; column < picture.width; column++) {
      const sample = picture.samples[(row * picture.width + column) * picture.channels + channel]!;
      const area = times(overlap(row, box.top), overlap(column, box.left));
      if (area[0] !== 0n) sum = plus(sum, times(area, [BigInt(sample), 1n]));
    }
  }
  const [top, bottom] = times(sum, [box.side[1] ** 2n, box.side[0] ** 2n]);
  return Number((2n * top + bottom) / (2n * bottom));
}

/** By the definition, in fractions: the largest middle part of the target's proportions, cut into equal squares. */
function resizedByDefinition(picture: Picture, target: Size): number[] {
  const across: Fraction = [BigInt(picture.width), BigInt(target.width)];
  const down: Fraction = [BigInt(picture.height), BigInt(target.height)];
  const side = smaller(across, down);
  const margin = (from: number, to: number): Fraction =>
    times(minus([BigInt(from), 1n], times(side, [BigInt(to), 1n])), [1n, 2n]);
  const samples: number[] = [];
  for (let row = 0; row < target.height; row++) {
    for (let column = 0; column < target.width; column++) {
      const left = plus(margin(picture.width, target.width), times(side, [BigInt(column), 1n]));
      const top = plus(margin(picture.height, target.height), times(side, [BigInt(row), 1n]));
      for (let channel = 0; channel < picture.channels; channel++)
        samples.push(meanOver(picture, channel, { left, top, side }));
    }
  }
  return samples;
}

const side = fc.integer({ min: 1, max: 9 });
const size = fc.record({ width: side, height: side });

describe('a resized picture', () => {
  it('is the mean of what each pixel covers, exactly, rounded half up', () => {
    fc.assert(
      fc.property(
        size,
        size,
        fc.constantFrom(1 as const, 3 as const),
        fc.constantFrom(8 as const, 16 as const),
        fc.nat(1000),
        (from, to, channels, depth, seed) => {
          const picture = pictureOf(from, channels, depth, seed);
          const resized = resizePicture(picture, to);
          expect(resized).toMatchObject({ ...to, channels, depth });
          expect(Array.from(resized.samples)).toEqual(resizedByDefinition(picture, to));
        },
      ),
      { numRuns: runs(60) },
    );
  });

  it('of the same size keeps every sample', () => {
    const picture = pictureOf({ width: 31, height: 17 }, 3, 16, 5);
    expect(resizePicture(picture, picture)).toEqual(picture);
  });
});

describe('a grey picture', () => {
  it('weighs colours: red 76, green 150, blue 29, and keeps what is grey already', () => {
    expect([greyOf(255, 0, 0), greyOf(0, 255, 0), greyOf(0, 0, 255)]).toEqual([76, 150, 29]);
    for (const value of [0, 1, 127, 254, 255, 65535]) expect(greyOf(value, value, value)).toBe(value);
    const colour = {
      ...pictureOf({ width: 2, height: 1 }, 3, 8, 0),
      samples: Uint8Array.of(255, 0, 0, 9, 9, 9),
    };
    expect(greyPicture(colour)).toMatchObject({ channels: 1, samples: Uint8Array.of(76, 9) });
  });
});

describe('fitting a picture', () => {
  const colour = pictureOf({ width: 4, height: 2 }, 3, 8, 1);
  const wanted = { width: 2, height: 2, channels: 1 };

  it('does nothing that the rules do not allow', () => {
    const said: string[] = [];
    const fitted = fitPicture(colour, wanted, { grey: false, resize: false }, (text) => said.push(text));
    expect([fitted, said]).toEqual([colour, []]);
  });

  it('does what they allow and says it', () => {
    const said: string[] = [];
    const fitted = fitPicture(colour, wanted, { grey: true, resize: true }, (text) => said.push(text));
    expect(fitted).toEqual(resizePicture(greyPicture(colour), wanted));
    expect(said).toEqual([
      'a.png: colour made grey (0.299 red + 0.587 green + 0.114 blue)',
      'a.png: its middle scaled from 4 x 2 to 2 x 2',
    ]);
    const grey = greyPicture(pictureOf({ width: 2, height: 2 }, 3, 8, 1));
    expect(fitPicture(grey, wanted, { grey: true, resize: true }, (text) => said.push(text))).toBe(grey);
    expect(said).toHaveLength(2);
  });
});
