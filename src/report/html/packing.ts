import type { MatrixPicture } from '../packing/matrix.ts';
import type { PackingPicture } from '../packing/picture.ts';
import type { ProductPicture } from '../packing/product.ts';
import type { AxisTile, TilePicture } from '../packing/tiles.ts';
import { table } from './bars.ts';
import { matrixCut, matrixLabel, matrixSvg } from './matrix.ts';
import { gridOf, gridSvg } from './grid.ts';
import { jsonBlock, markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { count, elementName, extents, plural } from './words.ts';

/** The viewer of a packing: where elements stand, the matrix, and how one output comes about. */

/** @param id of this viewer, unique in the document */
export function packingSection(packing: PackingPicture, id: string): Markup {
  const position = packing.encoding === 'slots' ? 'slot' : 'coefficient';
  return markup`<section class="part viewer" id="${id}" data-packing="${id}-data">
<h3>Packing</h3>
<p>${leadText(packing)}</p>
<p class="readout" role="status" data-readout>Point at a cell to see what it is, or choose an output below.</p>
${grids(packing, position)}
${packing.tiles === null ? null : tilesFigure(packing.tiles, packing)}
${packing.matrix === null ? markup`<p>All weights are 0, so that nothing is multiplied.</p>` : matrixFigure(packing.matrix, packing)}
${packing.product === null ? null : productFigure(packing.product, packing, position)}
${jsonBlock(`${id}-data`, viewerData(packing))}
</section>`;
}

/** What the script needs to answer a pointer: the runs of the plan, as they are. */
function viewerData({
  encoding,
  degree,
  input,
  output,
  upload,
  result,
  matrix,
  rowPitch,
}: PackingPicture): object {
  const runs = (of: PackingPicture['upload'] | null): number[][] =>
    (of?.runs ?? []).map((run) => [run.position, run.positionStep, run.element, run.elementStep, run.length]);
  return {
    position: encoding === 'slots' ? 'slot' : 'coefficient',
    columns: gridOf({ degree, rowPitch }).columns,
    degree,
    input,
    output,
    upload: runs(upload),
    result: runs(result),
    sent: upload.travelling?.map(({ first, length }) => [first, length]) ?? null,
    inputs: matrix?.inputs ?? [],
    outputs: matrix?.outputs ?? [],
    taps: (matrix?.taps ?? []).map((tap) => [
      tap.output,
      tap.channel,
      tap.kernelRow,
      tap.kernelColumn,
      tap.value,
      tap.runs,
    ]),
  };
}

function leadText({ encoding, degree, rowPitch, upload, result, input, output }: PackingPicture): string {
  const what = encoding === 'slots' ? 'slots' : 'coefficients';
  return (
    `An input of ${extents(input)} takes ${plural(upload.of, 'ciphertext')} of ${count(degree)} ${what}, ` +
    `the output of ${extents(output)} takes ${plural(result?.of ?? 0, 'ciphertext')}. ` +
    `Rows of a picture are ${plural(rowPitch, what.slice(0, -1))} apart.`
  );
}

function grids(packing: PackingPicture, position: string): Markup {
  const { upload, result, product, input, output } = packing;
  const grid = gridOf(packing);
  const sources =
    product?.steps.filter(({ ciphertext }) => ciphertext === (product.steps[0]?.ciphertext ?? 0)) ?? [];
  const uploadLabel = `The first of ${plural(upload.of, 'input ciphertext')}: ${plural(upload.elements, 'element')} in ${count(packing.degree)} ${position}s`;
  const resultLabel =
    result === null
      ? ''
      : `The first of ${plural(result.of, 'result ciphertext')}: ${plural(result.elements, 'output')}`;
  const unsent = upload.travelling === null ? '' : ` Tinted cells travel; the others are read by no output.`;
  const cut = upload.runsCut > 0 ? ` ${plural(upload.runsCut, 'run')} of elements more are not drawn.` : '';
  return markup`<div class="pair"><figure>${gridSvg(
    grid,
    { ciphertext: upload, plane: input.height * input.width, kind: 'upload', label: uploadLabel },
    { cells: sources.map((step) => step.position) },
  )}<figcaption>${uploadLabel}. Two shades tell neighbouring channels apart; empty cells hold 0.${unsent}${cut}</figcaption></figure>${
    result === null
      ? null
      : markup`<figure>${gridSvg(
          grid,
          { ciphertext: result, plane: output.height * output.width, kind: 'result', label: resultLabel },
          { cells: product === null ? [] : [product.position] },
        )}<figcaption>${resultLabel}. ${restOfResult(packing)}</figcaption></figure>`
  }</div>`;
}

function restOfResult({ encoding }: PackingPicture): string {
  return encoding === 'slots'
    ? 'The other slots are 0, because weights stand only where a rotation leads to an output.'
    : 'The other cells hold sums that nobody reads; they do not leave the server.';
}

function tilesFigure(tiles: TilePicture, { input, output }: PackingPicture): Markup {
  const { rows, columns } = tiles;
  const facts = [
    `${plural(tiles.blocksPerCiphertext, 'tile')} and ${plural(tiles.channelsPerCiphertext, 'channel')} share a ciphertext`,
    `a product makes ${plural(tiles.outputsPerProduct, 'output channel')}`,
    ...(tiles.phases > 1 ? [`the stride becomes ${tiles.phases} phases, which are packed as channels`] : []),
  ].join('; ');
  const head = markup`<h4>Tiles</h4><p>${plural(rows.length * columns.length, 'tile')} an image; ${facts}.</p>`;
  if (rows.length * columns.length === 1 || rows.length * columns.length > 1024) return head;
  const label = `${rows.length} × ${columns.length} tiles of an input of ${input.height} × ${input.width}, with the halos that they read`;
  const shapes = rows.flatMap((row, y) =>
    columns.map((column, x) => {
      const [top, bottom] = row.inputs;
      const [left, right] = column.inputs;
      return markup`<rect class="tile q${(x + y) % 2}" x="${left}" y="${top}" width="${Math.max(0, right - left + 1)}" height="${Math.max(0, bottom - top + 1)}"/>`;
    }),
  );
  return markup`${head}<div class="pair"><figure><svg class="tiles" viewBox="0 0 ${input.width} ${input.height}" role="img" aria-label="${label}">${shapes}</svg><figcaption>${label}. Where two tiles overlap, both read.</figcaption></figure>${axisTable('rows', rows, output.height)}${axisTable('columns', columns, output.width)}</div>`;
}

function axisTable(axis: string, tiles: readonly AxisTile[], size: number): Markup {
  return table({
    caption: `Tiles by ${axis} (of ${size})`,
    head: [
      { title: 'tile', kind: 'number' },
      { title: 'makes', kind: 'number' },
      { title: 'reads', kind: 'number' },
    ],
    rows: tiles.map(({ outputs, inputs }, index) => [
      String(index),
      `${outputs[0]} to ${outputs[1]}`,
      `${inputs[0]} to ${inputs[1]}`,
    ]),
  });
}

function matrixFigure(matrix: MatrixPicture, { output }: PackingPicture): Markup {
  const { outputs, taps } = matrix;
  const first = outputs[0] ?? 0;
  const cutText = matrixCut(matrix);
  const label = matrixLabel(matrix);
  const listed = taps.slice(0, MOST_TAPS);
  return markup`<h4>Matrix</h4><div class="pair"><figure>${matrixSvg(matrix, label)}<figcaption>${label}, from ${elementName(first, output)} on. ${cutText} It is read from the polynomials that the server multiplies by.</figcaption></figure>${table(
    {
      caption: `Weights of the matrix${taps.length > listed.length ? `, the first ${listed.length} of ${count(taps.length)}` : ''}`,
      head: [
        { title: 'output channel', kind: 'number' },
        { title: 'input channel', kind: 'number' },
        { title: 'tap (row, column)', kind: 'number' },
        { title: 'weight', kind: 'number' },
        { title: 'entries', kind: 'number' },
      ],
      rows: listed.map((tap) => [
        String(tap.output),
        String(tap.channel),
        `(${tap.kernelRow}, ${tap.kernelColumn})`,
        String(tap.value),
        count(tap.runs.reduce((sum, [, , , length]) => sum + length, 0)),
      ]),
    },
  )}</div>`;
}

/** Taps in the table beside the matrix. */
const MOST_TAPS = 27;

function productFigure(product: ProductPicture, packing: PackingPicture, position: string): Markup {
  const { steps, rest, sum, residue, plainModulus, bias, decoded } = product;
  const outputs = packing.matrix?.outputs ?? [];
  const at = Math.max(0, outputs.indexOf(product.output));
  const shift = packing.encoding === 'slots' ? 'rotated by' : 'weight at X^';
  const choice = markup`<p class="choice" hidden data-choice><label>Another output, marked in the pictures above <input type="range" min="0" max="${Math.max(0, outputs.length - 1)}" value="${at}" data-output></label></p>`;
  const more =
    rest.count === 0 ? null : markup`<p>${plural(rest.count, 'product')} more add up to ${rest.sum}.</p>`;
  const biasText = bias === 0 ? '' : ` The bias ${bias} comes on top: it only moves the window.`;
  return markup`<h4>One output, step by step</h4>
<p>A worked example: output ${elementName(product.output, packing.output)} stands at ${position} ${product.position} of the result. The input is the one that drives its channel to the top.</p>
${choice}
${table({
  caption: `Worked example: the products that make output ${elementName(product.output, packing.output)}`,
  head: [
    { title: 'step', kind: 'number' },
    { title: shift, kind: 'number' },
    { title: 'weight', kind: 'number' },
    { title: position, kind: 'number' },
    { title: 'input', kind: 'text' },
    { title: 'value', kind: 'number' },
    { title: 'product', kind: 'number' },
    { title: 'sum so far', kind: 'number' },
  ],
  rows: steps.map((step, index) => [
    String(index + 1),
    String(step.shift),
    String(step.weight),
    String(step.position),
    elementName(step.input, packing.input),
    String(step.value),
    String(step.weight * step.value),
    String(step.sum),
  ]),
})}
${more}<p>The sum is ${sum}, and ${residue} modulo t = ${plainModulus}.${biasText} It is decoded to <strong>${decoded}</strong>.</p>`;
}
