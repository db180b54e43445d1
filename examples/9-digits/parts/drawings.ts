/**
 * Handwritten-looking digits, drawn: each digit is a few strokes, bent, turned, slanted, shifted and drawn with a pen of
 * random thickness onto a small grey picture of 2 bits a pixel. No outside data.
 */
import { makeRandom } from './random.ts';
import type { Random } from './random.ts';

/** Pixels along one edge. */
export const SIZE = 12;
export const CLASSES = 10;
/** Grey levels are 0 (paper) to 3 (ink). */
export const INPUT_BITS = 2;

const INK = 2 ** INPUT_BITS - 1;

export interface Drawing {
  readonly digit: number;
  /** SIZE x SIZE grey levels, row by row. */
  readonly pixels: Float32Array;
}

type Point = readonly [x: number, y: number];
type Stroke = readonly Point[];

/** An arc of an ellipse around (x, y), from one angle to the other, in quarter turns; 0 is right, 1 is down. */
function arc(x: number, y: number, width: number, height: number, from: number, to: number): Stroke {
  const steps = 12;
  return Array.from({ length: steps + 1 }, (_, step): Point => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 2;
    return [x + width * Math.cos(angle), y + height * Math.sin(angle)];
  });
}

/** Strokes in a box: x from -0.6 to 0.6 to the right, y from -1 to 1 downwards. */
const DIGITS: readonly (readonly Stroke[])[] = [
  [arc(0, 0, 0.55, 0.95, 0, 4)],
  [
    [
      [-0.3, -0.6],
      [0.05, -0.95],
      [0.05, 0.95],
    ],
  ],
  [[...arc(0, -0.45, 0.5, 0.5, -2, 0.5), [-0.55, 0.95], [0.6, 0.95]]],
  [[...arc(0, -0.48, 0.45, 0.47, -1.9, 1), ...arc(0, 0.47, 0.52, 0.48, -1, 1.9)]],
  [
    [
      [0.15, -0.95],
      [-0.55, 0.35],
      [0.6, 0.35],
    ],
    [
      [0.25, -0.25],
      [0.25, 0.95],
    ],
  ],
  [[[0.5, -0.95], [-0.4, -0.95], [-0.45, -0.1], ...arc(0, 0.4, 0.52, 0.55, -1.3, 1.8)]],
  [[[0.35, -0.95], ...arc(0.1, 0.1, 0.6, 0.95, -1.4, -2.2)], arc(0, 0.45, 0.5, 0.5, 0, 4)],
  [
    [
      [-0.55, -0.95],
      [0.55, -0.95],
      [-0.1, 0.95],
    ],
  ],
  [arc(0, -0.5, 0.42, 0.45, 0, 4), arc(0, 0.45, 0.52, 0.5, 0, 4)],
  [
    arc(0, -0.45, 0.48, 0.5, 0, 4),
    [
      [0.48, -0.45],
      [0.4, 0.95],
    ],
  ],
];

/** A hand: where a point of the box lands on the picture. */
function hand(random: Random): (point: Point) => Point {
  const turn = random.between(-0.18, 0.18);
  const slant = random.between(-0.25, 0.25);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [width, height] = [random.between(3.7, 5), random.between(3.9, 4.9)];
  const [left, top] = [SIZE / 2 + random.between(-0.9, 0.9), SIZE / 2 + random.between(-0.7, 0.7)];
  return ([x, y]) => {
    const leaned = x - slant * y;
    return [left + width * (cos * leaned - sin * y), top + height * (sin * leaned + cos * y)];
  };
}

/** Distance from a point to the segment from `start` to `end`, in pixels. */
function distance([x, y]: Point, start: Point, end: Point): number {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const along = ((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy);
  const nearest = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - start[0] - nearest * dx, y - start[1] - nearest * dy);
}

function distanceToStroke(point: Point, stroke: Stroke): number {
  let least = Infinity;
  for (let index = 1; index < stroke.length; index++) {
    least = Math.min(least, distance(point, stroke[index - 1]!, stroke[index]!));
  }
  return least;
}

function draw(digit: number, random: Random): Drawing {
  const place = hand(random);
  const strokes = DIGITS[digit]!.map((stroke) =>
    stroke.map(([x, y]) => place([x + random.between(-0.05, 0.05), y + random.between(-0.05, 0.05)])),
  );
  const pen = random.between(0.45, 0.95);
  const pixels = Float32Array.from({ length: SIZE * SIZE }, (_, index) => {
    const centre: Point = [(index % SIZE) + 0.5, Math.floor(index / SIZE) + 0.5];
    const away = Math.min(...strokes.map((stroke) => distanceToStroke(centre, stroke)));
    const ink = INK * (pen + 0.5 - away) + random.between(-0.4, 0.4);
    return Math.min(Math.max(Math.round(ink), 0), INK);
  });
  return { digit, pixels };
}

/** `count` drawings, every digit equally often. */
export function drawDigits(count: number, seed: number): Drawing[] {
  const random = makeRandom(seed);
  return Array.from({ length: count }, (_, index) => draw(index % CLASSES, random));
}

/** Drawings side by side in characters, for the eye. */
export function sketches(drawings: readonly Drawing[]): string {
  const line = ({ pixels }: Drawing, row: number): string =>
    Array.from(pixels.subarray(row * SIZE, (row + 1) * SIZE), (level) => ' .+#'[level]).join('');
  return Array.from({ length: SIZE }, (_, row) =>
    drawings.map((drawing) => line(drawing, row)).join(' | '),
  ).join('\n');
}
