import { planeStart, splitStep } from './packing.ts';
import type { RotationSteps, SlotGeometry } from './packing.ts';
import { forEachTap, outputsOfTap } from './program.ts';
import type { TapPair } from './program.ts';
import { outputShape } from '../convolution/shape.ts';
import type { OutputShape } from '../convolution/shape.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/** Which diagonals a layout has, and what the rotations for them cost, without building any plaintext. */

/** A diagonal that is not 0: result `row` reads input ciphertext `input`, rotated by `step`, its slot rows exchanged or not. */
export interface DiagonalStep {
  readonly row: number;
  readonly input: number;
  readonly exchange: boolean;
  readonly step: number;
}

/**
 * All diagonals of a layout. Where a plane takes several slot rows, one that only its neighbours have may be counted
 * too; the program leaves it out.
 */
export function collectSteps(geometry: SlotGeometry, spec: ConvSpec, plainModulus: number): DiagonalStep[] {
  const { length, inputCiphertexts } = geometry;
  const output = outputShape(spec);
  const found = new Map<number, DiagonalStep>();
  forEachTap(geometry, spec, plainModulus, (tap) => {
    const span = tapSpan(geometry, output, tap);
    if (span === null) return;
    const outputStart = planeStart(geometry, tap.output);
    const inputStart = planeStart(geometry, tap.source);
    const step = (((inputStart + span.shift - outputStart) % length) + length) % length;
    for (const { outputRow, inputRow } of joinedRows(geometry, span, outputStart, inputStart)) {
      const exchange = outputRow % 2 !== inputRow % 2;
      const [row, input] = [outputRow >> 1, inputRow >> 1];
      const key = ((row * inputCiphertexts + input) * 2 + Number(exchange)) * length + step;
      if (!found.has(key)) found.set(key, { row, input, exchange, step });
    }
  });
  return [...found.values()];
}

/** The outputs of one plane that a tap serves, by their addresses within the plane. */
interface TapSpan {
  readonly first: number;
  readonly last: number;
  /** Address of an input minus that of the output that reads it. */
  readonly shift: number;
}

/** Null for a tap that never stands on the image. */
function tapSpan(
  { layout, shape }: SlotGeometry,
  output: OutputShape,
  { kernelRow, kernelColumn }: TapPair,
): TapSpan | null {
  const { input, strides, pads, dilations } = shape;
  const shiftY = kernelRow * dilations[0] - pads[0];
  const shiftX = kernelColumn * dilations[1] - pads[1];
  const rows = outputsOfTap(shiftY, strides[0], input.height, output.height);
  const columns = outputsOfTap(shiftX, strides[1], input.width, output.width);
  if (rows.first > rows.last || columns.first > columns.last) return null;
  const { rowPitch } = layout;
  return {
    first: rows.first * strides[0] * rowPitch + columns.first * strides[1],
    last: rows.last * strides[0] * rowPitch + columns.last * strides[1],
    shift: shiftY * rowPitch + shiftX,
  };
}

/** Slot rows of outputs, and of the inputs that a tap makes them read, counted through all ciphertexts. */
function joinedRows(
  { length, rowsPerPlane }: SlotGeometry,
  { first, last, shift }: TapSpan,
  outputStart: number,
  inputStart: number,
): { outputRow: number; inputRow: number }[] {
  if (rowsPerPlane === 1) {
    const outputRow = Math.floor((outputStart + first) / length);
    return [{ outputRow, inputRow: Math.floor((inputStart + first + shift) / length) }];
  }
  const joined: { outputRow: number; inputRow: number }[] = [];
  for (let row = Math.floor(first / length); row <= Math.floor(last / length); row++) {
    // The ends of this part of the plane: between them the input row changes at most once.
    const begin = Math.max(first, row * length) + shift;
    const end = Math.min(last, (row + 1) * length - 1) + shift;
    for (const address of [begin, end]) {
      const inputRow = Math.min(rowsPerPlane - 1, Math.max(0, Math.floor(address / length)));
      joined.push({ outputRow: outputStart / length + row, inputRow: inputStart / length + inputRow });
    }
  }
  return joined;
}

/** What a way to split the rotations takes; counts as `PlanCounts` says, and the noise's multiplicities of the worst row. */
export interface StepCounts {
  readonly inputCiphertexts: number;
  readonly outputCiphertexts: number;
  readonly products: number;
  /** Polynomials transformed: inputs, rotated inputs, sums. */
  readonly transforms: number;
  readonly rotations: number;
  readonly sums: number;
  /** Galois keys. */
  readonly keys: number;
  readonly termsOfRow: number;
  readonly rotatedTermsOfRow: number;
  readonly rotationsOfRow: number;
  /** Terms of the row with the most terms, by input ciphertext, and by baby. */
  readonly termsByInput: readonly number[];
  readonly termsByBaby: readonly number[];
}

/** Running counts of one row. */
class RowCounter {
  readonly giants = new Set<number>();
  readonly inputs = new Map<number, number>();
  readonly babies = new Map<number, number>();
  exchanges = false;
  terms = 0;

  get rotatedTerms(): number {
    return [...this.babies.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Rotations of sums: giants other than 0, of both kinds, and one exchange. */
  rotations(length: number): number {
    const moving = [...this.giants].filter((giant) => giant % length !== 0).length;
    return moving + (this.exchanges ? 1 : 0);
  }
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export function countSteps(
  { length }: SlotGeometry,
  diagonals: readonly DiagonalStep[],
  steps: RotationSteps,
): StepCounts {
  const rows = new Map<number, RowCounter>();
  const babies = new Set<number>();
  const keys = new Set<number>();
  for (const { row, input, exchange, step } of diagonals) {
    const { baby, giant } = splitStep(steps, step, length);
    const counter = rows.get(row) ?? new RowCounter();
    rows.set(row, counter);
    counter.terms++;
    counter.giants.add(giant + (exchange ? length : 0));
    counter.exchanges ||= exchange;
    increment(counter.inputs, input);
    if (baby !== 0) increment(counter.babies, baby);
    babies.add(input * length + baby);
    for (const key of [baby, giant]) if (key !== 0) keys.add(key);
    if (exchange) keys.add(0);
  }
  const all = [...rows.values()];
  const worst = all.reduce((most, row) => (row.terms > most.terms ? row : most), new RowCounter());
  const sums = all.reduce((sum, { giants }) => sum + giants.size, 0);
  const rotatedInputs = [...babies].filter((baby) => baby % length !== 0).length;
  return {
    inputCiphertexts: new Set([...babies].map((baby) => Math.floor(baby / length))).size,
    outputCiphertexts: all.length,
    products: diagonals.length,
    transforms: babies.size + sums,
    rotations: rotatedInputs + all.reduce((sum, row) => sum + row.rotations(length), 0),
    sums,
    keys: keys.size,
    termsOfRow: worst.terms,
    rotatedTermsOfRow: worst.rotatedTerms,
    rotationsOfRow: all.reduce((most, row) => Math.max(most, row.rotations(length)), 0),
    termsByInput: [...worst.inputs.values()],
    termsByBaby: [...worst.babies.values()],
  };
}

/** Both naive ways, and baby-step/giant-step with babies of a few rows, a few planes, or a power of two. */
export function stepCandidates(
  { length, layout, shape }: SlotGeometry,
  diagonals: readonly DiagonalStep[],
): RotationSteps[] {
  const naive: RotationSteps[] = [{ kind: 'rotate-inputs' }, { kind: 'rotate-results' }];
  if (diagonals.length < 4) return naive;
  const sizes = new Set<number>();
  for (let size = 2; size < length; size *= 2) sizes.add(size);
  for (const unit of [layout.rowPitch, layout.planePitch])
    for (const factor of [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32]) sizes.add(unit * factor);
  // The window's first tap: with it as origin, the taps of a plane are neighbouring babies.
  const first = shape.pads[0] * layout.rowPitch + shape.pads[1];
  const origins = new Set([0, (length - (first % length)) % length]);
  const split = [...sizes]
    .filter((size) => size > 1 && size < length)
    .sort((left, right) => left - right)
    .flatMap((size) => [...origins].map((origin): RotationSteps => ({ kind: 'baby-giant', origin, size })));
  return [...naive, ...split];
}
