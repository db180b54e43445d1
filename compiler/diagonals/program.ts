import { inputSlots, planeStart, resultSlots, slotGeometry, sourcePosition, splitStep } from './packing.ts';
import type { DiagonalsPacking, SlotGeometry, SlotPlacement } from './packing.ts';
import type { Parameters } from '../bfv/parameters.ts';
import type { PlanKeys } from '../lowering/plan.ts';
import { centredLift } from '../rings/residues.ts';
import { firstChannelOf, outputShape } from '../convolution/shape.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/**
 * The executable form of a diagonals plan (Halevi and Shoup 2014): with x_i the input ciphertexts, every result is
 *
 *     sum over giants g of rot_g( sum over terms of plaintext .* rotateRows(x_input, baby) )
 *
 * where rot_g rotates by `step` and then, with `exchange`, exchanges the two slot rows. Several small interpreters read
 * it: simulate, verify, the counters and SEAL.
 *
 * A plaintext holds weights only where the rotation leads to an output, so every slot of a result that is no output is
 * 0 modulo t: no partial sum leaves in it.
 */
export interface DiagonalsProgram {
  readonly lowering: 'diagonals';
  readonly degree: number;
  readonly plainModulus: number;
  readonly plaintexts: readonly SlotPlaintext[];
  /** One row a result ciphertext. A row without giants is known in the clear and never computed. */
  readonly rows: readonly (readonly GiantStep[])[];
  readonly inputs: readonly SlotPlacement[];
  readonly outputs: readonly SlotPlacement[];
}

/** The slots of a plaintext that are not 0: ascending below N; values centred modulo t. */
export interface SlotPlaintext {
  readonly slots: Int32Array;
  readonly values: Int32Array;
}

export interface GiantStep {
  /** Whether the slot rows are exchanged, after the rotation. */
  readonly exchange: boolean;
  /** Left rotation of both slot rows, in [0, N/2). */
  readonly step: number;
  readonly terms: readonly DiagonalTerm[];
}

interface DiagonalTerm {
  /** Index into `DiagonalsProgram.inputs`. */
  readonly input: number;
  /** Left rotation of the input before the product, in [0, N/2). */
  readonly baby: number;
  /** Index into `DiagonalsProgram.plaintexts`. */
  readonly plaintext: number;
}

/** One tap of one input plane as an output plane sees it: a diagonal of every pair of slot rows that it joins. */
export interface TapPair {
  readonly output: number;
  /** Position of the input plane, `sourcePosition` taken. */
  readonly source: number;
  readonly kernelRow: number;
  readonly kernelColumn: number;
  readonly value: number;
}

/** Calls `visit` for every weight that is not 0 modulo t, once for every image. */
export function forEachTap(
  geometry: SlotGeometry,
  spec: ConvSpec,
  plainModulus: number,
  visit: (pair: TapPair) => void,
): void {
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const { batch } = spec.input;
  const centred = centredWeights(spec.weights);
  for (let channel = 0, index = 0; channel < outChannels; channel++) {
    const firstInput = firstChannelOf(spec, channel);
    for (let inGroup = 0; inGroup < channelsPerGroup; inGroup++) {
      for (let tap = 0; tap < kernelHeight * kernelWidth; tap++, index++) {
        const value = centredLift(centred[index]!, plainModulus);
        if (value === 0) continue;
        const [kernelRow, kernelColumn] = [Math.floor(tap / kernelWidth), tap % kernelWidth];
        for (let image = 0; image < batch; image++) {
          const output = channel * batch + image;
          const source = sourcePosition(geometry, output, (firstInput + inGroup) * batch + image);
          visit({ output, source, kernelRow, kernelColumn, value });
        }
      }
    }
  }
}

/**
 * Outputs first..last of one axis whose tap stands on the image; none where first > last.
 * @param shift tap * dilation - pad: where the tap of output 0 stands
 */
export function outputsOfTap(
  shift: number,
  stride: number,
  inputSize: number,
  outputSize: number,
): { first: number; last: number } {
  return {
    first: Math.max(0, Math.ceil(-shift / stride)),
    last: Math.min(outputSize - 1, Math.floor((inputSize - 1 - shift) / stride)),
  };
}

/** Entries of one plaintext under construction. */
interface Diagonal {
  readonly row: number;
  readonly exchange: boolean;
  readonly giant: number;
  readonly input: number;
  readonly baby: number;
  readonly slots: number[];
  readonly values: number[];
}

/** Collects the entries of the matrix by the diagonal that they stand on. */
class DiagonalCollector {
  readonly found = new Map<number, Diagonal>();
  readonly #geometry: SlotGeometry;
  readonly #packing: DiagonalsPacking;
  #last: Diagonal | null = null;
  #lastKey = -1;

  constructor(geometry: SlotGeometry, packing: DiagonalsPacking) {
    this.#geometry = geometry;
    this.#packing = packing;
  }

  /** Output place and input place, counted through all ciphertexts. */
  put(output: number, input: number, value: number): void {
    const { length } = this.#geometry;
    const degree = 2 * length;
    const step = (((input - output) % length) + length) % length;
    const outputRow = Math.floor(output / length) % 2;
    const inputRow = Math.floor(input / length) % 2;
    const [row, source] = [Math.floor(output / degree), Math.floor(input / degree)];
    const key =
      ((row * this.#geometry.inputCiphertexts + source) * 2 + (outputRow ^ inputRow)) * length + step;
    if (key !== this.#lastKey) {
      this.#lastKey = key;
      this.#last = this.#diagonal(key, row, source, outputRow !== inputRow, step);
    }
    const diagonal = this.#last;
    if (diagonal === null) return;
    // Before the exchange the entry stands in the input's slot row, before the rotation `giant` slots further on.
    diagonal.slots.push(inputRow * length + ((output + diagonal.giant) % length));
    diagonal.values.push(value);
  }

  #diagonal(key: number, row: number, input: number, exchange: boolean, step: number): Diagonal {
    let diagonal = this.found.get(key);
    if (diagonal === undefined) {
      const { baby, giant } = splitStep(this.#packing.steps, step, this.#geometry.length);
      diagonal = { row, exchange, giant, input, baby, slots: [], values: [] };
      this.found.set(key, diagonal);
    }
    return diagonal;
  }
}

/** Puts every entry of the flattened filter matrix on its diagonal. */
function collectDiagonals(
  geometry: SlotGeometry,
  spec: ConvSpec,
  packing: DiagonalsPacking,
  plainModulus: number,
): Diagonal[] {
  const collector = new DiagonalCollector(geometry, packing);
  const { input, strides, pads, dilations } = spec;
  const output = outputShape(spec);
  const { rowPitch } = packing;
  forEachTap(geometry, spec, plainModulus, (pair) => {
    const shiftY = pair.kernelRow * dilations[0] - pads[0];
    const shiftX = pair.kernelColumn * dilations[1] - pads[1];
    const rows = outputsOfTap(shiftY, strides[0], input.height, output.height);
    const columns = outputsOfTap(shiftX, strides[1], input.width, output.width);
    const outputStart = planeStart(geometry, pair.output);
    const inputStart = planeStart(geometry, pair.source);
    for (let i = rows.first; i <= rows.last; i++) {
      for (let j = columns.first; j <= columns.last; j++) {
        const address = i * strides[0] * rowPitch + j * strides[1];
        collector.put(outputStart + address, inputStart + address + shiftY * rowPitch + shiftX, pair.value);
      }
    }
  });
  return [...collector.found.values()];
}

/**
 * The entries by slot, through a list of all slots, `scratch`, which is 0 before and after. Entries of a forged packing
 * may collide: what is then left over stays 0, and verify refuses it.
 */
function sortedPlaintext({ slots, values }: Diagonal, scratch: Int32Array): SlotPlaintext {
  slots.forEach((slot, index) => (scratch[slot] = values[index]!));
  const ascending = new Int32Array(slots.length);
  const sorted = new Int32Array(slots.length);
  for (let slot = 0, count = 0; slot < scratch.length; slot++) {
    if (scratch[slot] === 0) continue;
    ascending[count] = slot;
    sorted[count++] = scratch[slot]!;
    scratch[slot] = 0;
  }
  return { slots: ascending, values: sorted };
}

/** Order of execution: by result, exchange, giant, input, baby. */
function byExecution(left: Diagonal, right: Diagonal): number {
  return (
    left.row - right.row ||
    Number(left.exchange) - Number(right.exchange) ||
    left.giant - right.giant ||
    left.input - right.input ||
    left.baby - right.baby
  );
}

/** What a diagonals program is made from. */
export interface DiagonalsSource {
  readonly spec: ConvSpec;
  readonly packing: DiagonalsPacking;
  readonly parameters: Pick<Parameters, 'degree' | 'plainModulus'>;
}

/** Expands a diagonals packing into its program. Pure: the same arguments give the same program. */
export function buildDiagonals({ spec, packing, parameters }: DiagonalsSource): DiagonalsProgram {
  const { degree, plainModulus } = parameters;
  const geometry = slotGeometry(spec, { ...packing, degree });
  const scratch = new Int32Array(degree);
  const diagonals = collectDiagonals(geometry, spec, packing, plainModulus).sort(byExecution);
  const rows: { exchange: boolean; step: number; terms: DiagonalTerm[] }[][] = Array.from(
    { length: geometry.resultCiphertexts },
    () => [],
  );
  diagonals.forEach((diagonal, plaintext) => {
    const giants = rows[diagonal.row]!;
    let giant = giants.at(-1);
    if (giant?.exchange !== diagonal.exchange || giant.step !== diagonal.giant) {
      giant = { exchange: diagonal.exchange, step: diagonal.giant, terms: [] };
      giants.push(giant);
    }
    giant.terms.push({ input: diagonal.input, baby: diagonal.baby, plaintext });
  });
  return {
    lowering: 'diagonals',
    degree,
    plainModulus,
    plaintexts: diagonals.map((diagonal) => sortedPlaintext(diagonal, scratch)),
    rows,
    inputs: inputSlots(geometry),
    outputs: resultSlots(geometry),
  };
}

/** The rotations of a program: left rotations ascending, each once, and whether slot rows are exchanged. */
export function rotationsOf(program: DiagonalsProgram): Pick<PlanKeys, 'steps' | 'exchange'> {
  const found = new Set<number>();
  let exchanges = false;
  for (const giants of program.rows) {
    for (const { exchange, step, terms } of giants) {
      exchanges ||= exchange;
      if (step !== 0) found.add(step);
      for (const { baby } of terms) if (baby !== 0) found.add(baby);
    }
  }
  return { steps: [...found].sort((left, right) => left - right), exchange: exchanges };
}

/** Babies that each input is rotated by, 0 included where it is used as it is; one entry an input ciphertext. */
export function babySteps(program: DiagonalsProgram): number[][] {
  const babies = program.inputs.map(() => new Set<number>());
  for (const giants of program.rows)
    for (const { terms } of giants) for (const { input, baby } of terms) babies[input]!.add(baby);
  return babies.map((steps) => [...steps].sort((left, right) => left - right));
}

/** Input ciphertexts that some term reads, ascending. */
export function usedInputs(program: DiagonalsProgram): number[] {
  return babySteps(program).flatMap((steps, input) => (steps.length === 0 ? [] : [input]));
}

/** Slots of a plaintext as residues in [0, t); a new array of N. */
export function denseSlots(program: DiagonalsProgram, plaintext: SlotPlaintext): Float64Array {
  const dense = new Float64Array(program.degree);
  plaintext.slots.forEach((slot, index) => {
    const value = plaintext.values[index]!;
    dense[slot] = value < 0 ? value + program.plainModulus : value;
  });
  return dense;
}
