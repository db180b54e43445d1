import type { MatrixPicture, MatrixTap } from '../packing/matrix.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { count, plural } from './words.ts';

/** The flattened filter matrix as a picture. */

/** Cells of one weight, a unit each. */
function tapPath({ runs }: MatrixTap): string {
  const cells: string[] = [];
  for (const [column, row, rowStep, length] of runs)
    for (let index = 0; index < length; index++)
      cells.push(`M${column + index} ${row + index * rowStep}.5h1`);
  return cells.join('');
}

/** Weights in eight colours: by sign, and by how large they are. */
function shadeOf(value: number, largest: number): string {
  const step = Math.max(1, Math.ceil((4 * Math.abs(value)) / largest));
  return `${value < 0 ? 'neg' : 'pos'}${step}`;
}

export function matrixSvg(matrix: MatrixPicture, label: string): Markup {
  const { inputs, outputs } = matrix;
  const kind = Math.max(inputs.length, outputs.length) <= 24 ? 'matrix small' : 'matrix';
  return markup`<svg class="${kind}" data-kind="matrix" viewBox="0 0 ${outputs.length} ${inputs.length}" role="img" aria-label="${label}">${matrixShapes(matrix)}</svg>`;
}

/** The entries themselves, a unit each: outputs across, inputs down. */
export function matrixShapes({ inputs, outputs, taps }: MatrixPicture): Markup {
  const largest = taps.reduce((most, { value }) => Math.max(most, Math.abs(value)), 1);
  const byShade = new Map<string, string>();
  for (const tap of taps) {
    const shade = shadeOf(tap.value, largest);
    byShade.set(shade, `${byShade.get(shade) ?? ''}${tapPath(tap)}`);
  }
  const paths = [...byShade].map(([shade, cells]) => markup`<path class="w-${shade}" d="${cells}"/>`);
  return markup`<rect class="k-empty" width="${outputs.length}" height="${inputs.length}"/>${paths}<g class="marks"></g>`;
}

export function matrixLabel({ inputs, outputs, entries }: MatrixPicture): string {
  return `Flattened filter matrix: ${plural(outputs.length, 'output')} across, ${plural(inputs.length, 'input')} down, ${plural(entries, 'entry', 'entries')}`;
}

/** What of the matrix is left out, as a sentence. */
export function matrixCut({ cut, outputs }: MatrixPicture): string {
  const hidden = [
    ...(outputs.length < cut.outputsInAll
      ? [`${plural(cut.outputsInAll - outputs.length, 'output')} of ${count(cut.outputsInAll)}`]
      : []),
    ...(cut.channelsShown < cut.channels
      ? [`${plural(cut.channels - cut.channelsShown, 'input channel')} of ${cut.channels}`]
      : []),
  ];
  return hidden.length === 0 ? 'All of it is shown.' : `Left out: ${hidden.join(' and ')}.`;
}
