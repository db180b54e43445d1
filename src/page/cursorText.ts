import type { Tensor } from '../../compiler/base/tensor.ts';
import { element, make } from './elements.ts';
import type { Cell, Window } from './geometry.ts';
import { planeOf, shortNumber, sizeOf } from './planes.ts';

/** What the cursor reads. */
export interface Reading {
  readonly cell: Cell;
  readonly channel: number;
  readonly window: Window;
  readonly input: Tensor;
  readonly output: Tensor;
  /** What should have come out; null where nobody knows. */
  readonly expected: Tensor | null;
}

/** Rows and columns of the window, and channels, that are shown as integers. */
const MOST_ROWS = 7;
const MOST_CHANNELS = 3;

/** The integer of one channel at one place; null outside. */
function valueAt(tensor: Tensor, channel: number, row: number, column: number): number | null {
  const { height, width } = sizeOf(tensor);
  if (row < 0 || row >= height || column < 0 || column >= width) return null;
  return planeOf(tensor, channel)[row * width + column] ?? null;
}

/** One line: where the cursor is, and the integers there. */
function readingLine({ cell, channel, output, expected }: Reading): string {
  const { row, column } = cell;
  const came = valueAt(output, channel, row, column) ?? NaN;
  const place = `row ${row}, column ${column}`;
  if (expected === null) return `${place}: ${shortNumber(came)} came back`;
  const right = valueAt(expected, channel, row, column) ?? NaN;
  return `${place}: ${shortNumber(came)} came back, ${shortNumber(right)} in the clear, difference ${shortNumber(came - right)}`;
}

/** Shows the integers under the filter, a table a channel; a cell on the padding is empty. */
export function showReading(reading: Reading): void {
  element('cursor-line', HTMLElement).textContent = readingLine(reading);
  const { window, input } = reading;
  const isSmall = window.rows.length <= MOST_ROWS && window.columns.length <= MOST_ROWS;
  const count = Math.min(MOST_CHANNELS, sizeOf(input).channels);
  const tables = isSmall ? Array.from({ length: count }, (_, channel) => tableOf(reading, channel)) : [];
  element('cursor-grids', HTMLElement).replaceChildren(...tables);
}

function tableOf({ window, input }: Reading, channel: number): HTMLElement {
  const table = document.createElement('table');
  const of = sizeOf(input).channels === 1 ? 'input' : `input, channel ${channel}`;
  table.append(make('caption', `${of}, under the filter`));
  const body = document.createElement('tbody');
  for (const row of window.rows) {
    const line = document.createElement('tr');
    for (const column of window.columns) {
      const value = valueAt(input, channel, row, column);
      const cell = make('td', value === null ? '' : shortNumber(value));
      if (value === null) cell.className = 'padding';
      line.append(cell);
    }
    body.append(line);
  }
  table.append(body);
  return table;
}
