import { element, showPixels } from './elements.ts';
import type { Source } from './picture.ts';

/** Pictures to begin with, computed here: nothing is fetched, and nobody's picture is needed. */

type Rgb = readonly [red: number, green: number, blue: number];

/** Colours over the unit square, from the top left. */
interface Sample {
  readonly name: string;
  readonly colourAt: (x: number, y: number) => Rgb;
}

const SIDE = 256;

const SAMPLES: readonly Sample[] = [
  { name: 'shapes', colourAt: shapes },
  { name: 'hills', colourAt: hills },
  { name: 'rings', colourAt: rings },
  { name: 'digit', colourAt: digit },
];

/** Edges in every direction on a soft ground. */
function shapes(x: number, y: number): Rgb {
  if (Math.hypot(x - 0.3, y - 0.32) < 0.19) return [232, 176, 52];
  if (x > 0.56 && x < 0.9 && y > 0.12 && y < 0.46) return [40, 96, 150];
  if (y > 0.58 && y < 0.9 && Math.abs(x - 0.5) < (y - 0.58) * 0.9) return [190, 60, 54];
  const ground = 225 - 90 * y;
  return [ground, ground, ground + 12];
}

/** A landscape: large plain areas, slopes, and fine grain. */
function hills(x: number, y: number): Rgb {
  const grain = 10 * Math.sin(97 * x + 41 * Math.sin(31 * y)) * Math.sin(83 * y);
  const near = 0.78 - 0.1 * Math.sin(3.1 * x + 0.4) - 0.02 * Math.sin(23 * x);
  const far = 0.55 - 0.12 * Math.sin(5 * x + 2) - 0.03 * Math.sin(17 * x);
  if (y > near) return [52 + grain, 92 + grain, 46 + grain];
  if (y > far) return [96 + grain / 2, 122 + grain / 2, 132 + grain / 2];
  if (Math.hypot(x - 0.72, y - 0.2) < 0.09) return [255, 232, 150];
  return [120 + 100 * y, 170 + 60 * y, 225];
}

/** Rings that grow finer outwards: every frequency, every direction. */
function rings(x: number, y: number): Rgb {
  const value = 127.5 + 127.5 * Math.cos(190 * ((x - 0.5) ** 2 + (y - 0.5) ** 2));
  return [value, value, value];
}

/** A three, white on black as in the usual sets of digits. */
function digit(x: number, y: number): Rgb {
  const arc = (centre: number, radius: number): number =>
    x > 0.42 || Math.abs(y - centre) > radius * 0.75
      ? Math.abs(Math.hypot(x - 0.46, y - centre) - radius)
      : Infinity;
  const distance = Math.min(arc(0.34, 0.15), arc(0.65, 0.17));
  const value = 255 * Math.min(1, Math.max(0, (0.055 - distance) / 0.02));
  return [value, value, value];
}

/** RGBA pixels of a sample. */
export function samplePixels(name: string): Uint8ClampedArray<ArrayBuffer> {
  const sample = SAMPLES.find((candidate) => candidate.name === name);
  if (sample === undefined) throw new Error(`internal: no sample ${name}`);
  const pixels = new Uint8ClampedArray(4 * SIDE * SIDE).fill(255);
  for (let row = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++)
      pixels.set(sample.colourAt((column + 0.5) / SIDE, (row + 0.5) / SIDE), 4 * (row * SIDE + column));
  return pixels;
}

/** A sample, as a picture. */
export function sampleSource(name: string): Source & { readonly image: HTMLCanvasElement } {
  const canvas = document.createElement('canvas');
  showPixels(canvas, samplePixels(name), SIDE, SIDE);
  return { name: `sample ${name}`, image: canvas, width: SIDE, height: SIDE };
}

/** A button for every sample. */
export function offerSamples(onPicture: (source: Source) => void): void {
  const buttons = SAMPLES.map(({ name }) => {
    const source = sampleSource(name);
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'thumbnail';
    button.append(source.image, name);
    button.addEventListener('click', () => {
      onPicture(source);
    });
    return button;
  });
  element('samples', HTMLElement).append(...buttons);
}
