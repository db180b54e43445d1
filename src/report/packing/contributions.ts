import type { DiagonalsPlan } from '../../../compiler/diagonals/plan.ts';
import type { DiagonalsProgram } from '../../../compiler/diagonals/program.ts';
import { rowLength } from '../../../compiler/diagonals/packing.ts';
import { buildProgram } from '../../../compiler/lowerings/program.ts';
import type { Plan } from '../../../compiler/lowerings/plan.ts';
import type { ToeplitzPlan } from '../../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../../compiler/toeplitz/program.ts';

/**
 * What a program really multiplies, entry by entry, read from its plaintexts and placements alone: no geometry of the
 * convolution enters, so what is drawn of it is what is computed.
 */
export interface Contribution {
  /** Flat NCHW index of the input element. */
  readonly input: number;
  /** What it is multiplied by; with the sign that a wrap at X^N = -1 gives. */
  readonly value: number;
  /** Which input ciphertext of the block group it stands in. */
  readonly ciphertext: number;
  /** Coefficient or slot of the input element. */
  readonly position: number;
  /** Exponent of X that the weight stands at, or slots that the product is rotated by. */
  readonly shift: number;
  /** Whether the product passed X^N, or exchanged the slot rows. */
  readonly wrapped: boolean;
}

/** The outputs of one result ciphertext, and what each of them sums. */
export interface ResultProducts {
  /** Number of the result among those of the first block group that are computed. */
  readonly index: number;
  /** Flat NCHW indices of the outputs, in the order of the plan. */
  readonly outputs: Int32Array;
  /** Coefficient or slot of each. */
  readonly positions: Int32Array;
  /** Plaintexts that are multiplied for this result. */
  readonly plaintexts: number;
  /** What output number `index` (as in `outputs`) sums. */
  readonly contributions: (index: number) => Contribution[];
}

/** The first result that is computed; null when none is, because all weights are 0. */
export function firstResult(plan: Plan): ResultProducts | null {
  return plan.lowering === 'toeplitz' ? firstOfToeplitz(plan) : firstOfDiagonals(plan);
}

/** Which element stands at every position; -1 for none. */
function elementsByPosition(degree: number, positions: Int32Array, elements: Int32Array): Int32Array {
  const found = new Int32Array(degree).fill(-1);
  positions.forEach((position, index) => (found[position] = elements[index]!));
  return found;
}

function firstOfToeplitz(plan: ToeplitzPlan): ResultProducts | null {
  const program: ToeplitzProgram = buildProgram(plan);
  const group = program.blockGroups[0];
  const row = program.rows.findIndex((terms) => terms.length > 0);
  const terms = program.rows[row];
  const placement = group?.outputs[row];
  if (group === undefined || terms === undefined || placement === undefined) return null;
  const inputs = terms.map(({ chunk, plaintext }) => {
    const { coefficients, elements } = group.inputs[chunk]!;
    return {
      chunk,
      ...program.plaintexts[plaintext]!,
      elements: elementsByPosition(program.degree, coefficients, elements),
    };
  });
  return {
    index: row,
    outputs: placement.elements,
    positions: placement.coefficients,
    plaintexts: terms.length,
    contributions: (index) => {
      const coefficient = placement.coefficients[index]!;
      const found: Contribution[] = [];
      for (const { chunk, exponents, values, elements } of inputs) {
        exponents.forEach((exponent, entry) => {
          const wrapped = exponent > coefficient;
          const position = wrapped ? coefficient - exponent + program.degree : coefficient - exponent;
          const input = elements[position]!;
          if (input < 0) return;
          const value = wrapped ? -values[entry]! : values[entry]!;
          found.push({ input, value, ciphertext: chunk, position, shift: exponent, wrapped });
        });
      }
      return found;
    },
  };
}

function firstOfDiagonals(plan: DiagonalsPlan): ResultProducts | null {
  const program: DiagonalsProgram = buildProgram(plan);
  const row = program.rows.findIndex((giants) => giants.length > 0);
  const giants = program.rows[row];
  const placement = program.outputs[row];
  if (giants === undefined || placement === undefined) return null;
  const length = rowLength(program.degree);
  const elements = program.inputs.map((input) =>
    elementsByPosition(program.degree, input.slots, input.elements),
  );
  const weights = program.plaintexts.map(
    ({ slots, values }) => new Map([...slots].map((slot, index) => [slot, values[index]!])),
  );
  return {
    index: row,
    outputs: placement.elements,
    positions: placement.slots,
    plaintexts: giants.reduce((sum, { terms }) => sum + terms.length, 0),
    contributions: (index) => {
      const slot = placement.slots[index]!;
      const outputRow = Math.floor(slot / length);
      return giants.flatMap(({ exchange, step, terms }) => {
        // Before it was rotated, and the slot rows were exchanged, the product stood here.
        const slotRow = exchange ? 1 - outputRow : outputRow;
        const before = slotRow * length + (((slot % length) + step) % length);
        return terms.flatMap(({ input, baby, plaintext }) => {
          const value = weights[plaintext]?.get(before);
          const position = slotRow * length + ((before + baby) % length);
          const element = elements[input]?.[position] ?? -1;
          if (value === undefined || element < 0) return [];
          const shift = (step + baby) % length;
          return [{ input: element, value, ciphertext: input, position, shift, wrapped: exchange }];
        });
      });
    },
  };
}
