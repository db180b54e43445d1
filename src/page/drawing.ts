import { context2d, element } from './elements.ts';
import type { Size } from '../frontend/pictureFit.ts';
import type { Source } from './picture.ts';

/** Longest side of the drawing area, pixels. */
const LONGEST_SIDE = 320;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line: points in units of the longest side, from the middle, so that it survives another shape of the area. */
interface Stroke {
  readonly colour: string;
  readonly points: Point[];
}

const KEYS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** A canvas to draw on, white on black as in the usual sets of digits. */
export class Drawing {
  readonly #canvas = element('drawing', HTMLCanvasElement);
  readonly #colour = element('drawing-colour', HTMLInputElement);
  /** The drawing itself: the canvas on the page also shows the pen. */
  readonly #picture = document.createElement('canvas');
  readonly #onChange: (source: Source) => void;
  #pen: Point = { x: 0, y: 0 };
  #isDown = false;
  #isKeyboard = false;
  #strokes: Stroke[] = [];

  constructor(onChange: (source: Source) => void) {
    this.#onChange = onChange;
    this.#canvas.addEventListener('pointerdown', (event) => {
      this.#isKeyboard = false;
      this.#isDown = true;
      this.#canvas.setPointerCapture(event.pointerId);
      this.#pen = this.#pointOf(event);
      this.#begin();
      this.#stroke(this.#pen);
    });
    this.#canvas.addEventListener('pointermove', (event) => {
      if (this.#isDown && !this.#isKeyboard) this.#stroke(this.#pointOf(event));
    });
    for (const name of ['pointerup', 'pointercancel'] as const) {
      this.#canvas.addEventListener(name, () => {
        this.#isDown = false;
        this.changed();
      });
    }
    this.#canvas.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.#canvas.addEventListener('blur', () => {
      this.#isKeyboard = false;
      this.#isDown = false;
      this.#show();
    });
    element('drawing-clear', HTMLButtonElement).addEventListener('click', () => {
      this.clear();
    });
  }

  /** Gives the area the proportions of a plan's input; what was drawn stays. */
  shape({ width, height }: Size): void {
    const scale = LONGEST_SIDE / Math.max(width, height);
    for (const canvas of [this.#canvas, this.#picture]) {
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.max(1, Math.round(height * scale));
    }
    this.#pen = { x: this.#canvas.width / 2, y: this.#canvas.height / 2 };
    this.#redraw();
  }

  clear(): void {
    this.#strokes = [];
    this.#redraw();
    this.changed();
  }

  /** Hands the drawing on as it is. */
  changed(): void {
    const { width, height } = this.#picture;
    this.#onChange({ name: 'drawing', image: this.#picture, width, height });
  }

  #redraw(): void {
    const context = context2d(this.#picture);
    context.fillStyle = '#000';
    context.fillRect(0, 0, this.#picture.width, this.#picture.height);
    for (const { colour, points } of this.#strokes)
      points.forEach((point, at) => {
        this.#line(this.#onCanvas(points[Math.max(0, at - 1)]!), this.#onCanvas(point), colour);
      });
    this.#show();
  }

  #begin(): void {
    this.#strokes.push({ colour: this.#colour.value, points: [this.#fromCanvas(this.#pen)] });
  }

  #onCanvas({ x, y }: Point): Point {
    const { width, height } = this.#picture;
    const side = Math.max(width, height);
    return { x: width / 2 + x * side, y: height / 2 + y * side };
  }

  #fromCanvas({ x, y }: Point): Point {
    const { width, height } = this.#picture;
    const side = Math.max(width, height);
    return { x: (x - width / 2) / side, y: (y - height / 2) / side };
  }

  #pointOf(event: PointerEvent): Point {
    const bounds = this.#canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - bounds.left) / bounds.width) * this.#canvas.width,
      y: ((event.clientY - bounds.top) / bounds.height) * this.#canvas.height,
    };
  }

  #key(event: KeyboardEvent): void {
    const way = KEYS[event.key];
    if (way === undefined && event.key !== ' ') return;
    event.preventDefault();
    if (!this.#isKeyboard) this.#isDown = false;
    this.#isKeyboard = true;
    const { width, height } = this.#canvas;
    const pace = Math.max(width, height) / 40;
    const to = {
      x: Math.min(width, Math.max(0, this.#pen.x + (way?.x ?? 0) * pace)),
      y: Math.min(height, Math.max(0, this.#pen.y + (way?.y ?? 0) * pace)),
    };
    if (event.key === ' ') {
      this.#isDown = !this.#isDown;
      if (this.#isDown) this.#begin();
    }
    if (this.#isDown) {
      this.#stroke(to);
      this.changed();
      return;
    }
    this.#pen = to;
    this.#show();
  }

  #stroke(to: Point): void {
    const stroke = this.#strokes.at(-1);
    if (stroke === undefined) return;
    stroke.points.push(this.#fromCanvas(to));
    this.#line(this.#pen, to, stroke.colour);
    this.#pen = to;
    this.#show();
  }

  #line(from: Point, to: Point, colour: string): void {
    const context = context2d(this.#picture);
    context.strokeStyle = colour;
    context.lineWidth = Math.max(this.#canvas.width, this.#canvas.height) / 14;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }

  #show(): void {
    const context = context2d(this.#canvas);
    context.drawImage(this.#picture, 0, 0);
    if (!this.#isKeyboard) return;
    context.strokeStyle = this.#isDown ? '#ffd166' : '#7cd4d2';
    context.lineWidth = 2;
    context.beginPath();
    context.arc(this.#pen.x, this.#pen.y, 8, 0, 2 * Math.PI);
    context.stroke();
  }
}
