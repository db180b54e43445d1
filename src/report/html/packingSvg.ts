import type { PackingPicture } from '../packing/picture.ts';
import { gridOf, gridShapes } from './grid.ts';
import type { GridPicture } from './grid.ts';
import { Markup, markup } from './markup.ts';
import { matrixCut, matrixLabel, matrixShapes } from './matrix.ts';
import { COLOURS, PICTURE_STYLE } from './style.ts';
import { extents, plural } from './words.ts';

/** The packing as a picture of its own, for documents and slides: light and dark as its reader has it. */

const WIDTH = 1000;
const MARGIN = 30;
const HALF = (WIDTH - 3 * MARGIN) / 2;
const MOST_HEIGHT = 900;
const TOP = 100;

const RULES = `${PICTURE_STYLE}text { font: 14px system-ui, sans-serif; fill: var(--text); }
.title { font-size: 20px; font-weight: 600; }
.ground { fill: var(--card); }
`;

/** Programs that draw SVG know neither variables nor light-dark(): colours are written out, once for each. */
function coloured(side: 'light' | 'dark'): string {
  const pick = (_: string, light: string, dark: string): string => (side === 'light' ? light : dark);
  const pair = /light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)/g;
  const colours = new Map(
    [...COLOURS.matchAll(/(--[a-z-]+): (light-dark\([^)]*\));/g)].map(([, name = '', value = '']) => [
      name,
      value.replace(pair, pick),
    ]),
  );
  return RULES.replaceAll(
    /var\((--[a-z-]+)\)/g,
    (whole, name: string) => colours.get(name) ?? whole,
  ).replaceAll(pair, pick);
}

const STYLE = `${coloured('light')}@media (prefers-color-scheme: dark) {
${coloured('dark')}}
`;

/** A picture in its frame: as large as fits, its proportions kept. */
interface Framed {
  readonly height: number;
  readonly drawn: Markup;
}

function framed(x: number, y: number, units: readonly [number, number], shapes: Markup): Framed {
  const [columns, rows] = units;
  const scale = Math.min(HALF / columns, MOST_HEIGHT / rows);
  const [width, height] = [columns * scale, rows * scale];
  return {
    height,
    drawn: markup`<svg x="${x}" y="${y}" width="${width}" height="${height}" viewBox="0 0 ${columns} ${rows}">${shapes}</svg>`,
  };
}

/** The first input ciphertext and the first result, side by side, with the cells of one output marked. */
function grids(packing: PackingPicture): Framed {
  const { upload, result, product, input, output } = packing;
  const grid = gridOf(packing);
  const draw = (x: number, picture: GridPicture, cells: readonly number[]): Framed => {
    const { height, drawn } = framed(x, TOP, [grid.columns, grid.rows], gridShapes(grid, picture, { cells }));
    return { height, drawn: markup`${label(x, TOP - 10, picture.label)}${drawn}` };
  };
  const left = draw(
    MARGIN,
    {
      ciphertext: upload,
      plane: input.height * input.width,
      kind: 'upload',
      label: `first of ${plural(upload.of, 'input ciphertext')}`,
    },
    product?.steps.map(({ position }) => position) ?? [],
  );
  if (result === null) return left;
  const right = draw(
    2 * MARGIN + HALF,
    {
      ciphertext: result,
      plane: output.height * output.width,
      kind: 'result',
      label: `first of ${plural(result.of, 'result ciphertext')}`,
    },
    product === null ? [] : [product.position],
  );
  return { height: left.height, drawn: markup`${left.drawn}${right.drawn}` };
}

function matrixBelow({ matrix }: PackingPicture, y: number): Framed {
  if (matrix === null) return { height: 0, drawn: markup`` };
  const { height, drawn } = framed(
    MARGIN,
    y,
    [matrix.outputs.length, matrix.inputs.length],
    matrixShapes(matrix),
  );
  return {
    height,
    drawn: markup`${label(MARGIN, y - 10, `${matrixLabel(matrix)}. ${matrixCut(matrix)}`)}${drawn}`,
  };
}

function label(x: number, y: number, text: string): Markup {
  return markup`<text x="${x}" y="${y}">${text}</text>`;
}

/** @param name of the convolution */
export function packingSvg(packing: PackingPicture, name: string): string {
  const { input, output, encoding, degree } = packing;
  const above = grids(packing);
  const middle = TOP + above.height + 50;
  const below = matrixBelow(packing, middle);
  const height = Math.ceil(middle + below.height + MARGIN);
  const style = Markup.ofOwnText(STYLE);
  const facts = `input ${extents(input)}, output ${extents(output)}, ${degree} ${encoding}`;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img"><title>Packing of ${name}</title><style>${style}</style><rect class="ground" width="100%" height="100%"/><text class="title" x="${MARGIN}" y="40">${name}</text>${label(MARGIN, 62, facts)}${above.drawn}${below.drawn}</svg>
`.text;
}
