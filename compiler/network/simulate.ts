import { multiplication, residueOf } from '../rings/residues.ts';
import type { NetworkProgram, NetworkStep } from './program.ts';

/** The slots rotated left by `step` within both rows; 0: the rows exchanged. */
function rotatedSlots(slots: Float64Array, step: number): Float64Array {
  const half = slots.length / 2;
  return slots.map((_, slot) => {
    if (step === 0) return slots[slot ^ half]!;
    return slots[(slot & half) + (((slot & (half - 1)) + step) & (half - 1))]!;
  });
}

function identityOr(slots: Float64Array, step: number): Float64Array {
  return step === 0 ? slots : rotatedSlots(slots, step);
}

/**
 * What the program computes in the clear, modulo one t: the residues in all slots at the end. Exact.
 * @param input the input elements
 */
export function simulateNetwork(
  program: NetworkProgram,
  plainModulus: number,
  input: Float64Array,
): Float64Array {
  const multiply = multiplication(plainModulus);
  const plaintexts = program.plaintexts.map((values) =>
    values.map((value) => residueOf(value, plainModulus)),
  );
  const add = (left: Float64Array, right: Float64Array): Float64Array<ArrayBuffer> =>
    Float64Array.from(left, (value, slot) => (value + right[slot]!) % plainModulus);
  const products = (
    sources: readonly Float64Array[],
    { giants }: Extract<NetworkStep, { kind: 'products' }>,
  ): Float64Array =>
    giants
      .map(({ step, terms }) => {
        const parts = terms.map(({ source, baby, plaintext }) =>
          identityOr(sources[source]!, baby).map((value, slot) =>
            multiply(value, plaintexts[plaintext]![slot]!),
          ),
        );
        return identityOr(parts.reduce(add), step);
      })
      .reduce(add);
  const sources = program.inputs.map((elements) =>
    Float64Array.from(elements, (element) => (element < 0 ? 0 : residueOf(input[element]!, plainModulus))),
  );
  let state: readonly Float64Array[] = sources;
  for (const step of program.steps) {
    const current = state[0]!;
    if (step.kind === 'products') state = [products(state, step)];
    else if (step.kind === 'fold') state = [add(current, rotatedSlots(current, step.step))];
    else if (step.kind === 'add') state = [add(current, plaintexts[step.plaintext]!)];
    else if (step.kind === 'square') state = [current.map((value) => multiply(value, value))];
    else {
      // Any residues with the right sums: here those that are 0 but in the logit's own slot.
      const mask = new Float64Array(current.length);
      step.bias.forEach((value, logit) => {
        mask[program.results.slots[logit]!] = residueOf(value, plainModulus);
      });
      state = [add(current, mask)];
    }
  }
  return state[0]!;
}
