import type { Steps } from '../base/steps.ts';
import { outputShape } from '../convolution/shape.ts';
import type { OutputShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { reject } from '../base/reject.ts';
import type { ToeplitzProgram } from './program.ts';

/**
 * The cells of the output at one place of the products. They are the same in every result row, but for the channel. Each
 * list has one entry a cell, so that millions of cells stay small.
 */
export interface OutputCells {
  readonly groups: readonly number[];
  readonly coefficients: readonly number[];
  readonly images: readonly number[];
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly number[] ? number[] : T[Key] };

/** One output cell and where it was found. */
interface Cell {
  readonly element: number;
  readonly channel: number;
  readonly group: number;
  readonly coefficient: number;
  readonly image: number;
  readonly row: number;
  readonly column: number;
}

/**
 * Reads the output placements: each output exactly once, and every row laid out like row 0 with other channels. Row r
 * then holds the output channels from r * outputs on, in order, with `outputs` the length of what is returned.
 */
export function* outputCells(spec: ConvSpec, program: ToeplitzProgram): Steps<OutputCells[]> {
  const output = outputShape(spec);
  const seen = new Uint8Array(output.batch * output.channels * output.height * output.width);
  const cellsOfOutput: Mutable<OutputCells>[] = [];
  let firstChannel = 0;
  for (let row = 0; row < program.rows.length; row++)
    firstChannel += yield* readRow(output, program, row, firstChannel, { seen, cellsOfOutput });
  const missing = seen.indexOf(0);
  if (missing >= 0)
    reject('result rows', 'an output is never computed', 'each output once', `output ${missing}`);
  return cellsOfOutput;
}

/** What has been read so far: which elements, and the cells of each output of row 0. */
interface Reading {
  readonly seen: Uint8Array;
  readonly cellsOfOutput: Mutable<OutputCells>[];
}

/** Reads one result row; the number of its outputs. */
function* readRow(
  output: OutputShape,
  program: ToeplitzProgram,
  row: number,
  firstChannel: number,
  { seen, cellsOfOutput }: Reading,
): Steps<number> {
  const where = `result row ${row}`;
  /** Number of cells of each output met so far. */
  const met: number[] = [];
  for (const [group, { outputs }] of program.blockGroups.entries()) {
    const { elements, coefficients } = outputs[row]!;
    elements.forEach((element, index) => {
      const coefficient = coefficients[index]!;
      takeOnce(where, seen, element, coefficient, program.degree);
      const cell = cellOf(output, element, group, coefficient);
      const outputInProduct = cell.channel - firstChannel;
      const at = met[outputInProduct] ?? 0;
      met[outputInProduct] = at + 1;
      const cells = (cellsOfOutput[outputInProduct] ??= {
        groups: [],
        coefficients: [],
        images: [],
        rows: [],
        columns: [],
      });
      if (row === 0) record(cells, cell);
      else requireSame(where, cells, at, cell);
    });
    yield;
  }
  met.forEach((count, outputInProduct) => {
    const expected = cellsOfOutput[outputInProduct]!.groups.length;
    if (count !== expected) reject(where, 'outputs are missing', String(expected), String(count));
  });
  return met.length;
}

/** Marks an output that is in range and not computed yet. */
function takeOnce(
  where: string,
  seen: Uint8Array,
  element: number,
  coefficient: number,
  degree: number,
): void {
  const fits = element >= 0 && element < seen.length && coefficient >= 0 && coefficient < degree;
  if (!fits || seen[element] === 1)
    reject(where, 'an output is out of range or computed twice', 'each output once', `output ${element}`);
  seen[element] = 1;
}

function cellOf(
  { channels, height, width }: OutputShape,
  element: number,
  group: number,
  coefficient: number,
): Cell {
  const imagePlane = height * width;
  return {
    element,
    channel: Math.floor(element / imagePlane) % channels,
    group,
    coefficient,
    image: Math.floor(element / (imagePlane * channels)),
    row: Math.floor((element % imagePlane) / width),
    column: element % width,
  };
}

function record(cells: Mutable<OutputCells>, { group, coefficient, image, row, column }: Cell): void {
  cells.groups.push(group);
  cells.coefficients.push(coefficient);
  cells.images.push(image);
  cells.rows.push(row);
  cells.columns.push(column);
}

/** The cell stands where that of row 0 does, but for its channel. */
function requireSame(where: string, cells: OutputCells, at: number, cell: Cell): void {
  const isSame =
    cells.groups[at] === cell.group &&
    cells.coefficients[at] === cell.coefficient &&
    cells.images[at] === cell.image &&
    cells.rows[at] === cell.row &&
    cells.columns[at] === cell.column;
  if (isSame) return;
  reject(
    where,
    'outputs are not laid out as in row 0',
    'the coefficients of row 0',
    `output ${cell.element}`,
  );
}
