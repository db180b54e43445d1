import { make, showPixels } from './elements.ts';
import type { Cell } from './geometry.ts';
import { divergingLimit } from './pixels.ts';
import type { Range } from './pixels.ts';
import { shortNumber } from './planes.ts';

/** What a panel shows. */
export interface PanelContent {
  readonly name: string;
  readonly text: string;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  readonly height: number;
  readonly width: number;
  /** What the ends of its colours stand for; null where its text says it. */
  readonly range: Range | null;
}

/** A rectangle of pixels. */
export interface Marked {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** One picture of the viewer: its pixels, a mark for the cursor, and what its colours mean. */
export class Panel {
  readonly figure = document.createElement('figure');
  readonly canvas = document.createElement('canvas');
  readonly #mark = document.createElement('span');
  readonly #content: PanelContent;

  /** @param onPoint told which pixel somebody points at */
  constructor(content: PanelContent, onPoint: (cell: Cell) => void) {
    this.#content = content;
    const { name, text, pixels, width, height, range } = content;
    this.figure.id = `panel-${name}`;
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', text);
    showPixels(this.canvas, pixels, width, height);
    this.#mark.className = 'mark';
    const stage = document.createElement('div');
    stage.className = 'stage';
    stage.append(this.canvas, this.#mark);
    this.figure.append(stage);
    if (range !== null) this.figure.append(legendOf(range));
    this.figure.append(make('figcaption', text));
    const point = (event: PointerEvent): void => {
      onPoint(this.#cellOf(event));
    };
    stage.addEventListener('pointerdown', point);
    stage.addEventListener('pointermove', point);
  }

  /** Marks a rectangle; what lies outside is cut off. */
  mark({ top, left, height, width }: Marked): void {
    const share = (part: number, whole: number): string =>
      `${(100 * Math.min(Math.max(part, 0), whole)) / whole}%`;
    const { style } = this.#mark;
    style.top = share(top, this.#content.height);
    style.left = share(left, this.#content.width);
    style.bottom = share(this.#content.height - top - height, this.#content.height);
    style.right = share(this.#content.width - left - width, this.#content.width);
  }

  #cellOf(event: PointerEvent): Cell {
    const bounds = this.canvas.getBoundingClientRect();
    const at = (position: number, start: number, length: number, count: number): number =>
      Math.min(count - 1, Math.max(0, Math.floor(((position - start) / length) * count)));
    return {
      row: at(event.clientY, bounds.top, bounds.height, this.#content.height),
      column: at(event.clientX, bounds.left, bounds.width, this.#content.width),
    };
  }
}

/** A strip of the colours between the integers that they stand for. */
function legendOf(range: Range): HTMLElement {
  const limit = divergingLimit(range);
  const legend = document.createElement('p');
  legend.className = 'legend';
  const strip = document.createElement('span');
  strip.className = limit === null ? 'strip' : 'strip diverging';
  const [low, high] = limit === null ? [range.low, range.high] : [-limit, limit];
  legend.append(make('span', shortNumber(low)), strip, make('span', shortNumber(high)));
  return legend;
}
