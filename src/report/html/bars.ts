import { markup } from './markup.ts';
import type { Markup, Part } from './markup.ts';

/** Charts that are tables: each row has its bar in a cell, so that the numbers always stand beside it. */

/** A span of a bar, in the units of the chart. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** Class of the stylesheet. */
  readonly kind: 'exact' | 'seen' | 'over' | 'plain' | 'limit' | 'declared';
}

/** What a bar is drawn on. */
export interface Scale {
  readonly lo: number;
  readonly hi: number;
}

/** Widths are of 1000, whatever the units. */
const WIDTH = 1000;
const HEIGHT = 16;

function at(value: number, { lo, hi }: Scale): number {
  const part = hi === lo ? 0 : (value - lo) / (hi - lo);
  return Math.round(10 * WIDTH * Math.min(1, Math.max(0, part))) / 10;
}

/** Insets, so that a span within another shows. */
const INSET: Readonly<Record<Span['kind'], number>> = {
  declared: 0,
  limit: 1,
  exact: 2,
  over: 2,
  plain: 2,
  seen: 5,
};

/** A bar that fills its cell; hidden from screen readers, which have the numbers. */
export function bar(spans: readonly Span[], scale: Scale): Markup {
  const shapes = spans.map(({ from, to, kind }) => {
    const x = at(from, scale);
    const width = Math.max(3, Math.round(10 * (at(to, scale) - x)) / 10);
    const inset = INSET[kind];
    return markup`<rect class="b-${kind}" x="${Math.min(x, WIDTH - width)}" y="${inset}" width="${width}" height="${HEIGHT - 2 * inset}"/>`;
  });
  const zero =
    scale.lo < 0 && scale.hi > 0
      ? markup`<rect class="b-zero" x="${at(0, scale)}" y="0" width="2" height="${HEIGHT}"/>`
      : null;
  return markup`<svg class="bar" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">${shapes}${zero}</svg>`;
}

/** A table with a caption. Cells of numbers are right-aligned; `bar` cells hold pictures. */
export interface Table {
  readonly caption: string;
  readonly head: readonly { readonly title: string; readonly kind: 'text' | 'number' | 'bar' }[];
  readonly rows: readonly (readonly Part[])[];
}

/**
 * The first cell of a row is its heading. What a column holds is said once, by a class of the table (`r3`: the third cell is a
 * number, `b4`: the fourth is a bar), because tables of channels have thousands of cells.
 */
export function table({ caption, head, rows }: Table): Markup {
  const kinds = head.map(({ kind }, index) => `${{ text: 't', number: 'r', bar: 'b' }[kind]}${index + 1}`);
  const headings = head.map(({ title }) => markup`<th scope="col">${title}</th>`);
  const body = rows.map((cells) => {
    const parts = cells.map((cell, index) =>
      index === 0 ? markup`<th scope="row">${cell}</th>` : markup`<td>${cell}</td>`,
    );
    return markup`<tr>${parts}</tr>`;
  });
  // What scrolls must be reachable by keyboard.
  return markup`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table class="${kinds.join(' ')}"><caption>${caption}</caption><thead><tr>${headings}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Names with values and bars, the longest bar full. */
export function barTable(
  caption: string,
  value: string,
  rows: readonly { readonly name: Part; readonly amount: number; readonly text: string }[],
): Markup {
  const most = rows.reduce((largest, { amount }) => Math.max(largest, amount), 0);
  return table({
    caption,
    head: [
      { title: 'part', kind: 'text' },
      { title: value, kind: 'number' },
      { title: 'share', kind: 'bar' },
    ],
    rows: rows.map(({ name, amount, text }) => [
      name,
      text,
      bar(amount > 0 ? [{ from: 0, to: amount, kind: 'plain' }] : [], { lo: 0, hi: most }),
    ]),
  });
}
