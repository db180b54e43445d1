import { finish } from '../base/steps.ts';
import type { Steps } from '../base/steps.ts';
import { filterMatrixColumn } from '../convolution/filterMatrix.ts';
import type { SlotPlacement } from './packing.ts';
import type { DiagonalsProgram, GiantStep } from './program.ts';
import { centredLift, residueOf } from '../rings/residues.ts';
import { outputShape } from '../convolution/shape.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';
import { reject } from '../base/reject.ts';

/**
 * Rebuilds, from the diagonals and placements of a program alone, the matrix that it applies, and compares it with the
 * flattened filter matrix modulo t: nothing missing, nothing extra, every output once. It reads no packing. A weight on
 * a slot that holds no input, or that leads to a slot that is no output, is refused although it would do no harm:
 * nothing but outputs may leave.
 *
 * A weight in slot (r, j) of the plaintext of a term multiplies the input's slot (r, j + baby); its product ends in
 * result slot (r, j - giant), in the other row with an exchange.
 *
 * @throws CipherconvError `plan-rejected`
 */
export function verifyDiagonals(spec: ConvSpec, program: DiagonalsProgram): void {
  finish(diagonalsProof(spec, program));
}

/** The same in steps. */
export function* diagonalsProof(spec: ConvSpec, program: DiagonalsProgram): Steps<void> {
  checkPlaintexts(program);
  yield;
  const { batch, channels, height, width } = spec.input;
  const inputs = program.inputs.map((placement, index) =>
    elementsBySlot(`input ciphertext ${index}`, placement, program, batch * channels * height * width),
  );
  const outputs = outputsBySlot(spec, program);
  compare(spec, program, matrixEntries(spec, program, inputs, outputs));
}

const NOTHING = -1;

function checkPlaintexts(program: DiagonalsProgram): void {
  program.plaintexts.forEach(({ slots, values }, index) => {
    const where = `program.plaintexts[${index}]`;
    if (slots.length !== values.length)
      reject(where, 'slots and values differ in number', String(slots.length), String(values.length));
    slots.forEach((slot, entry) => {
      if (slot < 0 || slot >= program.degree || (entry > 0 && slot <= slots[entry - 1]!))
        reject(where, 'slots are not ascending below N', `below ${program.degree}`, String(slot));
    });
    const zero = values.findIndex((value) => centredLift(value, program.plainModulus) === 0);
    if (zero >= 0) reject(where, 'a value is 0 modulo t', 'values not 0', String(values[zero]));
    const uncentred = values.findIndex((value) => centredLift(value, program.plainModulus) !== value);
    if (uncentred >= 0) reject(where, 'a value is not centred', 'centred values', String(values[uncentred]));
  });
}

/** Element in every slot of a ciphertext, NOTHING elsewhere. */
function elementsBySlot(
  where: string,
  { slots, elements }: SlotPlacement,
  { degree }: DiagonalsProgram,
  count: number,
): Int32Array {
  const map = new Int32Array(degree).fill(NOTHING);
  slots.forEach((slot, index) => {
    const element = elements[index]!;
    if (slot < 0 || slot >= degree || element < 0 || element >= count || map[slot] !== NOTHING)
      reject(where, 'a slot is out of range or used twice', 'a free slot', String(slot));
    map[slot] = element;
  });
  return map;
}

function outputsBySlot(spec: ConvSpec, program: DiagonalsProgram): Int32Array[] {
  const { batch, channels, height, width } = outputShape(spec);
  const seen = new Uint8Array(elementCount([batch, channels, height, width]));
  if (program.rows.length !== program.outputs.length)
    reject(
      'program.rows',
      'wrong number of results',
      String(program.outputs.length),
      String(program.rows.length),
    );
  const maps = program.outputs.map((placement, row) => {
    const map = elementsBySlot(`result ${row}`, placement, program, seen.length);
    for (const element of placement.elements) {
      if (seen[element] === 1)
        reject(`result ${row}`, 'an output is computed twice', 'each output once', `output ${element}`);
      seen[element] = 1;
    }
    return map;
  });
  const missing = seen.indexOf(0);
  if (missing >= 0) reject('results', 'an output is never computed', 'each output once', `output ${missing}`);
  return maps;
}

/** All entries of the applied matrix, those of output cell `o` at starts[o] .. starts[o + 1] - 1. */
interface Entries {
  readonly starts: Int32Array;
  readonly elements: Int32Array;
  readonly values: Int32Array;
}

/** Calls `visit` for every weight of every term: output cell, input element, value. */
function forEachEntry(
  program: DiagonalsProgram,
  inputs: readonly Int32Array[],
  outputs: readonly Int32Array[],
  visit: (cell: number, element: number, value: number) => void,
): void {
  program.rows.forEach((giants, row) => {
    for (const giant of giants) visitGiant(program, giant, inputs, outputs[row]!, `result ${row}`, visit);
  });
}

function visitGiant(
  program: DiagonalsProgram,
  { exchange, step, terms }: GiantStep,
  inputs: readonly Int32Array[],
  output: Int32Array,
  where: string,
  visit: (cell: number, element: number, value: number) => void,
): void {
  const length = program.degree / 2;
  requireStep(where, step, length);
  for (const { input, baby, plaintext } of terms) {
    requireStep(where, baby, length);
    const [weights, elements] = [program.plaintexts[plaintext], inputs[input]];
    if (weights === undefined || elements === undefined)
      reject(where, 'a term names no plaintext or no input', 'an index', `${plaintext}, ${input}`);
    for (let index = 0; index < weights.slots.length; index++) {
      const slot = weights.slots[index]!;
      const [row, column] = [slot < length ? 0 : 1, slot % length];
      const source = elements[row * length + ((column + baby) % length)]!;
      const target = output[(exchange ? 1 - row : row) * length + ((column - step + length) % length)]!;
      if (source === NOTHING || target === NOTHING)
        reject(where, 'a weight joins slots that hold no element', 'an input and an output', `slot ${slot}`);
      visit(target, source, weights.values[index]!);
    }
  }
}

function requireStep(where: string, step: number, length: number): void {
  if (Number.isInteger(step) && step >= 0 && step < length) return;
  reject(where, 'not a rotation', `from 0 to ${length - 1} slots`, String(step));
}

function matrixEntries(
  spec: ConvSpec,
  program: DiagonalsProgram,
  inputs: readonly Int32Array[],
  outputs: readonly Int32Array[],
): Entries {
  const { batch, channels, height, width } = outputShape(spec);
  const cells = elementCount([batch, channels, height, width]);
  const starts = new Int32Array(cells + 1);
  forEachEntry(program, inputs, outputs, (cell) => starts[cell + 1]!++);
  for (let cell = 0; cell < cells; cell++) starts[cell + 1]! += starts[cell]!;
  const next = starts.slice();
  const elements = new Int32Array(starts[cells]!);
  const values = new Int32Array(starts[cells]!);
  forEachEntry(program, inputs, outputs, (cell, element, value) => {
    const at = next[cell]!++;
    elements[at] = element;
    values[at] = value;
  });
  return { starts, elements, values };
}

/** Column by column: what the program applies minus what the filter matrix says must be 0 modulo t everywhere. */
function compare(spec: ConvSpec, program: DiagonalsProgram, { starts, elements, values }: Entries): void {
  const { batch, channels, height, width } = outputShape(spec);
  const { input } = spec;
  const perImage = input.channels * input.height * input.width;
  const centred = centredWeights(spec.weights);
  const difference = new Float64Array(batch * perImage);
  const { plainModulus } = program;
  for (let cell = 0; cell < batch * channels * height * width; cell++) {
    for (let at = starts[cell]!; at < starts[cell + 1]!; at++)
      difference[elements[at]!] = (difference[elements[at]!]! + values[at]!) % plainModulus;
    const channel = Math.floor(cell / (height * width)) % channels;
    const row = Math.floor(cell / width) % height;
    const column = filterMatrixColumn(spec, centred, channel, row, cell % width);
    const image = Math.floor(cell / (channels * height * width)) * perImage;
    const check = (element: number, wanted: number): void => {
      const found = difference[element]!;
      difference[element] = 0;
      if (residueOf(found - wanted, plainModulus) === 0) return;
      reject(
        `output ${cell}`,
        `applies another weight to input ${element}`,
        String(centredLift(wanted, plainModulus)),
        String(centredLift(found, plainModulus)),
      );
    };
    for (let index = 0; index < column.rows.length; index++)
      check(image + column.rows[index]!, column.values[index]!);
    // Everything that the column names has been set back to 0: what is left is extra.
    for (let at = starts[cell]!; at < starts[cell + 1]!; at++) check(elements[at]!, 0);
  }
}
