import { internalError } from '../base/errors.ts';
import type { PlanBase } from '../lowering/plan.ts';
import { denseSlots } from './program.ts';
import type { DiagonalsProgram, GiantStep } from './program.ts';
import type { SlotPlacement } from './packing.ts';
import { multiplication, residueOf } from '../rings/residues.ts';
import type { Multiply } from '../rings/residues.ts';
import { outputShape } from '../convolution/shape.ts';
import type { Tensor } from '../base/tensor.ts';
import { decodeResidue } from '../lowering/plan.ts';

/**
 * The exact interpreter of a diagonals program: all slots modulo t, no encryption. A rotation moves the slots of both
 * rows, so what a wrong rotation brings along shows as a wrong integer.
 */

/** Both slot rows rotated to the left by `step`, then exchanged where `exchange` says so. */
export function rotateSlots(slots: Float64Array, step: number, exchange: boolean): Float64Array {
  const length = slots.length / 2;
  return slots.map((_, index) => {
    const row = index < length ? 0 : 1;
    const source = exchange ? 1 - row : row;
    return slots[source * length + (((index % length) + step) % length)]!;
  });
}

/** Slots of an input ciphertext: x - zeroPoint modulo t; 0 where no element stands. */
function inputSlotValues(
  placement: SlotPlacement,
  input: Tensor,
  zeroPoint: number,
  degree: number,
  plainModulus: number,
): Float64Array {
  const slots = new Float64Array(degree);
  placement.slots.forEach((slot, index) => {
    slots[slot] = residueOf(input.data[placement.elements[index]!]! - zeroPoint, plainModulus);
  });
  return slots;
}

function sumOfProducts(
  program: DiagonalsProgram,
  giant: GiantStep,
  rotated: (input: number, baby: number) => Float64Array,
  multiply: Multiply,
): Float64Array {
  const sum = new Float64Array(program.degree);
  for (const { input, baby, plaintext } of giant.terms) {
    const weights = program.plaintexts[plaintext];
    if (weights === undefined) throw internalError('a term names no plaintext');
    const values = rotated(input, baby);
    const dense = denseSlots(program, weights);
    for (let slot = 0; slot < sum.length; slot++) {
      if (dense[slot] === 0) continue;
      sum[slot] = (sum[slot]! + multiply(dense[slot]!, values[slot]!)) % program.plainModulus;
    }
  }
  return sum;
}

/** All slots of every result, those that are no output too, in [0, t). */
export function simulatedSlots(program: DiagonalsProgram, inputs: readonly Float64Array[]): Float64Array[] {
  const multiply = multiplication(program.plainModulus);
  const rotated = (input: number, baby: number): Float64Array => {
    const slots = inputs[input];
    if (slots === undefined) throw internalError('a term names no input');
    return baby === 0 ? slots : rotateSlots(slots, baby, false);
  };
  return program.rows.map((giants) => {
    const result = new Float64Array(program.degree);
    for (const giant of giants) {
      const part = rotateSlots(sumOfProducts(program, giant, rotated, multiply), giant.step, giant.exchange);
      part.forEach((value, slot) => (result[slot] = (result[slot]! + value) % program.plainModulus));
    }
    return result;
  });
}

/** Writes the decoded outputs into `output` (flat NCHW). `input` is NCHW, raw values. */
export function simulateDiagonals(
  program: DiagonalsProgram,
  input: Tensor,
  plan: Pick<PlanBase, 'spec' | 'windows'>,
  output: Float64Array,
): void {
  const shape = outputShape(plan.spec);
  const planeSize = shape.height * shape.width;
  const { degree, plainModulus } = program;
  const inputs = program.inputs.map((placement) =>
    inputSlotValues(placement, input, plan.spec.input.zeroPoint, degree, plainModulus),
  );
  simulatedSlots(program, inputs).forEach((slots, row) => {
    const placement = program.outputs[row];
    placement?.elements.forEach((element, index) => {
      const channel = Math.floor(element / planeSize) % shape.channels;
      const residue = slots[placement.slots[index]!]!;
      output[element] = decodeResidue(plan.windows, plainModulus, channel, residue);
    });
  });
}
