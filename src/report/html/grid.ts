import type { CiphertextPicture, PackingPicture } from '../packing/picture.ts';
import type { PlaceRun } from '../packing/runs.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';

/** Positions of a ciphertext as a grid of cells, a row of a picture in a row of the grid where that is possible. */
export interface Grid {
  /** Cells in a row. */
  readonly columns: number;
  /** Rows. */
  readonly rows: number;
}

/** Rows of the grid are as long as rows of a picture, or several of them, or a part. */
export function gridOf({ degree, rowPitch }: Pick<PackingPicture, 'degree' | 'rowPitch'>): Grid {
  const columns =
    rowPitch >= 24 && rowPitch <= 256 ? rowPitch : rowPitch < 24 ? rowPitch * Math.ceil(32 / rowPitch) : 128;
  return { columns, rows: Math.ceil(degree / columns) };
}

/** Pieces of a path that one picture may have. */
const MOST_PIECES = 12_000;

/** Cells as a path of horizontal strokes, one unit high. */
class CellPath {
  readonly #columns: number;
  readonly #pieces: string[] = [];

  constructor({ columns }: Grid) {
    this.#columns = columns;
  }

  /** Cells from `first` on; a stroke for each row that they reach. */
  add(first: number, length: number): void {
    let at = first;
    while (at < first + length && this.#pieces.length < MOST_PIECES) {
      const column = at % this.#columns;
      const here = Math.min(first + length - at, this.#columns - column);
      this.#pieces.push(`M${column} ${Math.floor(at / this.#columns)}.5h${here}`);
      at += here;
    }
  }

  toString(): string {
    return this.#pieces.join('');
  }
}

function addRun(path: CellPath, { position, positionStep, length }: PlaceRun): void {
  if (positionStep === 1 || length === 1) path.add(position, length);
  else for (let index = 0; index < length; index++) path.add(position + index * positionStep, 1);
}

/** Elements of a plane (a channel of an image): planes are told apart by two shades in turn. */
function planesOf(runs: readonly PlaceRun[], plane: number, grid: Grid): [even: CellPath, odd: CellPath] {
  const paths: [CellPath, CellPath] = [new CellPath(grid), new CellPath(grid)];
  for (const run of runs) {
    // A run may go over several planes where their elements stand back to back.
    let done = 0;
    while (done < run.length) {
      const element = run.element + done * run.elementStep;
      const number = Math.floor(element / plane);
      const left =
        run.elementStep <= 0
          ? run.length - done
          : Math.ceil(((number + 1) * plane - element) / run.elementStep);
      const length = Math.min(run.length - done, left);
      addRun(paths[number % 2 === 0 ? 0 : 1], {
        ...run,
        position: run.position + done * run.positionStep,
        length,
      });
      done += length;
    }
  }
  return paths;
}

export interface GridPicture {
  readonly ciphertext: CiphertextPicture;
  /** Elements of one plane of the tensor. */
  readonly plane: number;
  readonly kind: 'upload' | 'result';
  readonly label: string;
}

/** Cells that are marked, with what to call the mark. */
export interface Marks {
  readonly cells: readonly number[];
}

export function gridSvg(grid: Grid, picture: GridPicture, marks: Marks): Markup {
  const { columns, rows } = grid;
  const { kind, label } = picture;
  return markup`<svg class="cells" data-kind="${kind}" viewBox="0 0 ${columns} ${rows}" preserveAspectRatio="xMinYMin" role="img" aria-label="${label}">${gridShapes(grid, picture, marks)}</svg>`;
}

/** The cells themselves, a unit each, for whatever frame stands around them. */
export function gridShapes(grid: Grid, { ciphertext, plane, kind }: GridPicture, marks: Marks): Markup {
  const { columns, rows } = grid;
  const [even, odd] = planesOf(ciphertext.runs, plane, grid);
  const sent = new CellPath(grid);
  for (const { first, length } of ciphertext.travelling ?? []) sent.add(first, length);
  const ticks = columns <= 64 && rows <= 300 ? gridLines(grid) : null;
  const marked = marks.cells.map(
    (cell) =>
      markup`<rect class="mark" x="${cell % columns}" y="${Math.floor(cell / columns)}" width="1" height="1"/>`,
  );
  return markup`<rect class="k-empty" width="${columns}" height="${rows}"/><path class="k-sent" d="${sent.toString()}"/><path class="k-${kind}-even" d="${even.toString()}"/><path class="k-${kind}-odd" d="${odd.toString()}"/>${ticks}<g class="marks">${marked}</g>`;
}

function gridLines({ columns, rows }: Grid): Markup {
  const vertical = Array.from({ length: columns - 1 }, (_, index) => `M${index + 1} 0V${rows}`);
  const horizontal = Array.from({ length: rows - 1 }, (_, index) => `M0 ${index + 1}H${columns}`);
  return markup`<path class="k-lines" d="${[...vertical, ...horizontal].join('')}"/>`;
}
