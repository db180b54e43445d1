/** Pixels in and out: pure functions on bytes, so that they are tested without a browser. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** The largest box in the middle of `source` that has the proportions of `target`, in pixels of `source`. */
export function middleBox(source: Size, target: Size): Box {
  const scale = Math.min(source.width / target.width, source.height / target.height);
  const width = target.width * scale;
  const height = target.height * scale;
  return { left: (source.width - width) / 2, top: (source.height - height) / 2, width, height };
}

/**
 * Grey or RGB samples of 8 bits from opaque RGBA pixels. Where the three are equal, grey is exactly that value; colour
 * becomes grey by the weights of ITU-R BT.601.
 */
export function samplesOf(rgba: Uint8ClampedArray, channels: 1 | 3): Uint8Array {
  const samples = new Uint8Array((rgba.length / 4) * channels);
  for (let pixel = 0; pixel < rgba.length / 4; pixel++) {
    const [red, green, blue] = [rgba[4 * pixel]!, rgba[4 * pixel + 1]!, rgba[4 * pixel + 2]!];
    if (channels === 3) samples.set([red, green, blue], 3 * pixel);
    else samples[pixel] = greyOf(red, green, blue);
  }
  return samples;
}

function greyOf(red: number, green: number, blue: number): number {
  return red === green && green === blue ? red : Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
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
