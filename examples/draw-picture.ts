/**
 * Draws the picture that the examples filter: a gradient, a ball, a triangle, a ring, stripes and letters. It is computed, so it
 * is ours, the same at every size and on every machine.
 *
 *     node examples/draw-picture.ts WIDTH HEIGHT grey|rgb FILE.png
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { encode } from 'fast-png';

type Colour = readonly [red: number, green: number, blue: number];

/** Letters of 3 x 5 cells, rows from the top. */
const LETTERS: Readonly<Record<string, readonly string[]>> = {
  F: ['###', '#..', '##.', '#..', '#..'],
  H: ['#.#', '#.#', '###', '#.#', '#.#'],
  E: ['###', '#..', '##.', '#..', '###'],
};

const TEXT = 'FHE';

/** Whether the text covers (u, v), both in cells of the letters; letters stand 4 cells apart. */
function textCovers(u: number, v: number): boolean {
  const letter = LETTERS[TEXT.charAt(Math.floor(u / 4))];
  return u >= 0 && letter?.[Math.floor(v)]?.charAt(Math.floor(u) % 4) === '#';
}

/** Colour at (x, y) of the unit square; later shapes lie over earlier ones. Samples from 0 to 1. */
function colourAt(x: number, y: number): Colour {
  let colour: Colour = [0.15 + 0.5 * x, 0.15 + 0.5 * y, 0.4 - 0.2 * x];
  const ball = Math.hypot(x - 0.27, y - 0.3) / 0.21;
  if (ball < 1) {
    const light = 1 - 0.8 * Math.hypot(x - 0.2, y - 0.22) ** 0.5;
    colour = [light + 0.3, light + 0.15, light * 0.6];
  }
  // Upright triangle with its tip at (0.72, 0.08).
  const below = (y - 0.08) / 0.4;
  if (below > 0 && below < 1 && Math.abs(x - 0.72) < 0.23 * below) colour = [0.05, 0.1, 0.25];
  const ring = Math.hypot(x - 0.82, y - 0.76);
  if (ring > 0.085 && ring < 0.145) colour = [1, 1, 1];
  if (y > 0.94 && Math.floor(x * 14) % 2 === 0) colour = [0, 0, 0];
  // 11 x 5 cells of 1/28 each, from (2, 18) of 28.
  if (textCovers(x * 28 - 2, y * 28 - 18)) colour = [1, 0.95, 0.85];
  return colour;
}

const LUMA: Colour = [0.299, 0.587, 0.114];

function byte(sample: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, sample)));
}

/** PNG of the picture, 8 bits, grey or RGB. Sizes in pixels. */
export function drawPicture(width: number, height: number, kind: 'grey' | 'rgb'): Uint8Array {
  const channels = kind === 'grey' ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [red, green, blue] = colourAt((column + 0.5) / width, (row + 0.5) / height);
      const pixel =
        kind === 'grey'
          ? [byte(LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)]
          : [byte(red), byte(green), byte(blue)];
      data.set(pixel, (row * width + column) * channels);
    }
  }
  return encode({ width, height, channels, depth: 8, data }, { zlib: { level: 9 } });
}

function main(args: readonly string[]): void {
  const [width, height] = args.map(Number);
  const [, , kind, file] = args;
  const usage = 'usage: node examples/draw-picture.ts WIDTH HEIGHT grey|rgb FILE.png';
  if (!isSize(width) || !isSize(height) || (kind !== 'grey' && kind !== 'rgb') || file === undefined) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 2;
    return;
  }
  writeFileSync(file, drawPicture(width, height, kind));
}

function isSize(value: number | undefined): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 8192;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
