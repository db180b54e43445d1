import { outputShape } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
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

/**
 * Reads the output placements: each output exactly once, and every row laid out like row 0 with other channels.
 * Row r then holds output channels r * slots .. in slot order.
 */
export function outputSlots(spec: ConvSpec, program: ToeplitzProgram): OutputSlot[] {
  const output = outputShape(spec);
  const plane = output.height * output.width;
  const seen = new Uint8Array(output.batch * output.channels * plane);
  const slots: Mutable<OutputSlot>[] = [];
  let firstChannel = 0;
  for (let row = 0; row < program.rows.length; row++) {
    /** Cells of each slot met so far in this row. */
    const met: number[] = [];
    program.blockGroups.forEach(({ outputs }, group) => {
      const { elements, coefficients } = outputs[row]!;
      for (let index = 0; index < elements.length; index++) {
        const [element, coefficient] = [elements[index]!, coefficients[index]!];
        if (
          element < 0 ||
          element >= seen.length ||
          seen[element] === 1 ||
          coefficient < 0 ||
          coefficient >= program.degree
        ) {
          reject(
            `result row ${row}`,
            'an output is out of range or computed twice',
            'each output once',
            `output ${element}`,
          );
        }
        seen[element] = 1;
        const slot = (Math.floor(element / plane) % output.channels) - firstChannel;
        const at = met[slot] ?? 0;
        met[slot] = at + 1;
        const image = Math.floor(element / (plane * output.channels));
        const cellRow = Math.floor((element % plane) / output.width);
        const column = element % output.width;
        const cells = (slots[slot] ??= { groups: [], coefficients: [], images: [], rows: [], columns: [] });
        if (row === 0) {
          cells.groups.push(group);
          cells.coefficients.push(coefficient);
          cells.images.push(image);
          cells.rows.push(cellRow);
          cells.columns.push(column);
        } else if (
          cells.groups[at] !== group ||
          cells.coefficients[at] !== coefficient ||
          cells.images[at] !== image ||
          cells.rows[at] !== cellRow ||
          cells.columns[at] !== column
        ) {
          reject(
            `result row ${row}`,
            'outputs are not laid out as in row 0',
            'the coefficients of row 0',
            `output ${element}`,
          );
        }
      }
    });
    met.forEach((count, slot) => {
      const expected = slots[slot]!.groups.length;
      if (count !== expected)
        reject(`result row ${row}`, 'outputs are missing', String(expected), String(count));
    });
    firstChannel += met.length;
  }
  const missing = seen.indexOf(0);
  if (missing >= 0)
    reject('result rows', 'an output is never computed', 'each output once', `output ${missing}`);
  return slots;
}
