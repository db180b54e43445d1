import { outputShape } from '../convolution/spec.ts';
import type { ConvSpec, OutputShape } from '../convolution/spec.ts';
import { reject } from '../base/reject.ts';
import type { ToeplitzProgram } from './program.ts';

/**
 * The cells of the outputs at one position of the result rows, the same in every row that has the position; one entry a
 * cell in each list, so that millions of cells stay small.
 */
export interface OutputSlot {
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
 * Reads the output placements: each output exactly once, and every row laid out like row 0 with other channels.
 * Row r then holds output channels r * slots .. in slot order.
 */
export function outputSlots(spec: ConvSpec, program: ToeplitzProgram): OutputSlot[] {
  const output = outputShape(spec);
  const seen = new Uint8Array(output.batch * output.channels * output.height * output.width);
  const slots: Mutable<OutputSlot>[] = [];
  let firstChannel = 0;
  for (let row = 0; row < program.rows.length; row++)
    firstChannel += readRow(output, program, row, firstChannel, { seen, slots });
  const missing = seen.indexOf(0);
  if (missing >= 0)
    reject('result rows', 'an output is never computed', 'each output once', `output ${missing}`);
  return slots;
}

/** What has been read so far: which outputs, and the cells of each slot of row 0. */
interface Reading {
  readonly seen: Uint8Array;
  readonly slots: Mutable<OutputSlot>[];
}

/** Reads one result row; the number of its slots. */
function readRow(
  output: OutputShape,
  program: ToeplitzProgram,
  row: number,
  firstChannel: number,
  { seen, slots }: Reading,
): number {
  const where = `result row ${row}`;
  /** Cells of each slot met so far. */
  const met: number[] = [];
  program.blockGroups.forEach(({ outputs }, group) => {
    const { elements, coefficients } = outputs[row]!;
    elements.forEach((element, index) => {
      const coefficient = coefficients[index]!;
      takeOnce(where, seen, element, coefficient, program.degree);
      const cell = cellOf(output, element, group, coefficient);
      const slot = cell.channel - firstChannel;
      const at = met[slot] ?? 0;
      met[slot] = at + 1;
      const cells = (slots[slot] ??= { groups: [], coefficients: [], images: [], rows: [], columns: [] });
      if (row === 0) record(cells, cell);
      else requireSame(where, cells, at, cell);
    });
  });
  met.forEach((count, slot) => {
    const expected = slots[slot]!.groups.length;
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

function record(cells: Mutable<OutputSlot>, { group, coefficient, image, row, column }: Cell): void {
  cells.groups.push(group);
  cells.coefficients.push(coefficient);
  cells.images.push(image);
  cells.rows.push(row);
  cells.columns.push(column);
}

/** The cell stands where that of row 0 does, but for its channel. */
function requireSame(where: string, cells: OutputSlot, at: number, cell: Cell): void {
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
