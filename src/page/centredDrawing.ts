import { context2d } from './elements.ts';
import type { Source } from './picture.ts';

/** Digits of the usual sets fill 20 of 28 pixels, and their centre of mass lies in the middle. */
const FILLED = 20 / 28;
/** Pixels of the drawing that are looked at, and of what is made of it. */
const SIDE = 280;
/** Brighter is ink, of 255. */
const INK = 40;

interface Ink {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Centre of mass. */
  readonly x: number;
  readonly y: number;
}

/** A drawing or a drawn sample as a centred digit; null for what is neither, or empty. */
export function centredDrawing(source: Source): Source | null {
  if (source.name !== 'drawing' && source.name !== 'sample digit') return null;
  const from = blank();
  const read = context2d(from);
  read.drawImage(source.image, 0, 0, SIDE, SIDE);
  const ink = inkOf(read.getImageData(0, 0, SIDE, SIDE).data);
  if (ink === null) return null;
  const scale = (FILLED * SIDE) / Math.max(ink.width, ink.height);
  const canvas = blank();
  const context = context2d(canvas);
  context.imageSmoothingQuality = 'high';
  const [x, y] = [SIDE / 2 - ink.x * scale, SIDE / 2 - ink.y * scale];
  context.drawImage(from, x, y, SIDE * scale, SIDE * scale);
  return { name: source.name, image: canvas, width: SIDE, height: SIDE };
}

function blank(): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = context2d(canvas);
  context.fillStyle = '#000';
  context.fillRect(0, 0, SIDE, SIDE);
  return canvas;
}

function inkOf(pixels: Uint8ClampedArray): Ink | null {
  let [left, top, right, bottom] = [SIDE, SIDE, -1, -1];
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++) {
      const value = pixels[4 * (row * SIDE + column)]!;
      if (value <= INK) continue;
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  if (mass === 0) return null;
  return { left, top, width: right - left + 1, height: bottom - top + 1, x: x / mass, y: y / mass };
}
