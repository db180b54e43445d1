/** Plain text: aligned columns and bars. */

import { shortened } from '../../../compiler/base/printable.ts';

export type Align = 'left' | 'right';

/**
 * Rows of cells in aligned columns, two spaces apart, no trailing spaces. Long cells lose their middle, but for the last
 * column.
 */
export function alignColumns(given: readonly (readonly string[])[], aligns: readonly Align[]): string[] {
  const last = aligns.length - 1;
  const rows = given.map((row) => row.map((cell, column) => (column < last ? shortened(cell) : cell)));
  const widths = aligns.map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        aligns[column] === 'right' ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

const BAR_LENGTH = 20;

/** `fraction` of a bar, full at 1 and never fuller; what is not empty shows at least one block. */
export function bar(fraction: number): string {
  const blocks = Math.min(BAR_LENGTH, fraction > 0 ? Math.max(1, Math.floor(fraction * BAR_LENGTH)) : 0);
  return '█'.repeat(blocks) + '░'.repeat(BAR_LENGTH - blocks);
}

/** Bars of a histogram, one character each. */
export function sparkline(counts: readonly number[]): string {
  const most = counts.reduce((largest, count) => Math.max(largest, count), 1);
  const blocks = ' ▁▂▃▄▅▆▇█';
  return counts.map((count) => blocks[Math.ceil((count / most) * 8)] ?? ' ').join('');
}
