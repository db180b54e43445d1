import { residueOf } from '../rings/residues.ts';
import { slotTransform } from '../rings/slots.ts';
import type { NetworkProgram } from './program.ts';

/**
 * Square of the L2 norm of every plaintext of the program, encoded, in the centred lift: the largest over the plain
 * moduli. Exact for t below 2^20 at N = 8192; beyond, within the rounding of doubles.
 */
export function plaintextSquares(program: NetworkProgram, plainModuli: readonly number[]): number[] {
  const largest = program.plaintexts.map(() => 0);
  for (const plainModulus of plainModuli) {
    const transform = slotTransform(program.degree, plainModulus);
    const half = Math.floor((plainModulus + 1) / 2);
    program.plaintexts.forEach((values, index) => {
      let square = 0;
      for (const coefficient of transform.encode(values.map((value) => residueOf(value, plainModulus)))) {
        const lifted = coefficient >= half ? coefficient - plainModulus : coefficient;
        square += lifted * lifted;
      }
      largest[index] = Math.max(largest[index]!, square);
    });
  }
  return largest;
}
