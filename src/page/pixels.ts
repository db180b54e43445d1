import type { Size } from '../frontend/pictureFit.ts';

/** Pixels in and out: pure functions on bytes, so that they are tested without a browser. */

/** Pixels that are read off a canvas at once; a larger picture is scaled down to that many by the browser first. */
const LARGEST_CANVAS_PIXELS = 2 ** 24;

/** The size at which a picture is read: its own, or one of the same proportions with so many pixels. */
export function readingSize({ width, height }: Size): Size {
  const scale = Math.min(1, Math.sqrt(LARGEST_CANVAS_PIXELS / (width * height)));
  return scale === 1
    ? { width, height }
    : { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

/** RGB samples of 8 bits from opaque RGBA pixels. */
export function samplesOf(rgba: Uint8ClampedArray): Uint8Array {
  const samples = new Uint8Array((rgba.length / 4) * 3);
  for (let pixel = 0; pixel < rgba.length / 4; pixel++) {
    samples[3 * pixel] = rgba[4 * pixel]!;
    samples[3 * pixel + 1] = rgba[4 * pixel + 1]!;
    samples[3 * pixel + 2] = rgba[4 * pixel + 2]!;
  }
  return samples;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Smallest and largest of the values. */
export function rangeOf(values: Float64Array): Range {
  return values.reduce(
    ({ low, high }, value) => ({ low: Math.min(low, value), high: Math.max(high, value) }),
    { low: Infinity, high: -Infinity },
  );
}

/** RGBA pixels of planes of integers (one: grey; three: RGB), `low` black and `high` white. */
export function pixelsOf(
  planes: readonly Float64Array[],
  { low, high }: Range,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * (planes[0]?.length ?? 0)).fill(255);
  const scale = high > low ? 255 / (high - low) : 0;
  for (let colour = 0; colour < 3; colour++) {
    const plane = planes[planes.length === 3 ? colour : 0];
    plane?.forEach((value, pixel) => {
      pixels[4 * pixel + colour] = (value - low) * scale;
    });
  }
  return pixels;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Ends and middle of the colours for integers of both signs: told apart by people who see no red or no green, too. */
const NEGATIVE: Rgb = [33, 102, 172];
const ZERO: Rgb = [247, 247, 247];
const POSITIVE: Rgb = [178, 24, 43];

/** RGBA pixels of integers of both signs: -`limit` blue, 0 white, `limit` red. */
export function divergingPixels(plane: Float64Array, limit: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * plane.length).fill(255);
  plane.forEach((value, pixel) => {
    const share = limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0;
    const end = value < 0 ? NEGATIVE : POSITIVE;
    for (let colour = 0; colour < 3; colour++)
      pixels[4 * pixel + colour] = ZERO[colour]! + share * (end[colour]! - ZERO[colour]!);
  });
  return pixels;
}

/** Whether integers are shown in colours of two directions, and how far those reach; null: from black to white. */
export function divergingLimit({ low, high }: Range): number | null {
  return low < 0 ? Math.max(-low, high) : null;
}

/** Integers of one plane: of both signs in two directions of colour, else from black to white. */
export function planePixels(plane: Float64Array, range: Range): Uint8ClampedArray<ArrayBuffer> {
  const limit = divergingLimit(range);
  return limit === null ? pixelsOf([plane], range) : divergingPixels(plane, limit);
}

/** Bytes as grey pixels, row by row; what is missing of the last row is left transparent. */
export function noisePixels(bytes: Uint8Array, { width, height }: Size): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * width * height);
  bytes.subarray(0, width * height).forEach((byte, pixel) => {
    pixels.set([byte, byte, byte, 255], 4 * pixel);
  });
  return pixels;
}

/** `count` lines of 16 bytes in hexadecimal, each after its offset. */
export function hexLines(bytes: Uint8Array, offset: number, count: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const lines: string[] = [];
  for (let at = offset; at < bytes.length && lines.length < count; at += 16) {
    const shown = Array.from(bytes.subarray(at, Math.min(at + 16, bytes.length)), (byte) => hex(byte, 2));
    lines.push(`${hex(at, 6)}  ${shown.join(' ')}`);
  }
  return lines.join('\n');
}

/** Every digit, in groups of three. */
export function formatInteger(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function formatBytes(bytes: number): string {
  return `${formatInteger(bytes)} bytes`;
}

export function formatMilliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : formatInteger(Math.round(ms))} ms`;
}
