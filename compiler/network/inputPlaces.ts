import { bitsFor, gather } from './placement.ts';
import type { LinearStage } from './spec.ts';

/** The inputs of every row of the first stage; rows that read the same ones share a list. */
export interface InputPlaces {
  /** Different lists of input elements. */
  readonly supports: readonly (readonly number[])[];
  /** For every row the number of its list. */
  readonly rows: readonly number[];
}

/** Which inputs the rows of the first stage read. */
export function inputPlaces({ starts, columns, outputs }: LinearStage): InputPlaces {
  const numbers = new Map<string, number>();
  const supports: number[][] = [];
  const rows = Array.from({ length: outputs }, (_, row) => {
    const support = columns.slice(starts[row], starts[row + 1]);
    const key = support.join();
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, supports.length);
    return supports.push(support) - 1;
  });
  return { supports, rows };
}

/** Inputs of every row that one ciphertext holds. */
function tapsOf({ rows }: InputPlaces, degree: number): number {
  return degree / 2 ** bitsFor(rows.length);
}

/** Ciphertexts of one upload under one plain modulus. */
export function inputCiphertexts(places: InputPlaces, degree: number): number {
  const longest = places.supports.reduce((most, { length }) => Math.max(most, length), 1);
  return Math.ceil(longest / tapsOf(places, degree));
}

/**
 * For every ciphertext the input element in every slot, -1 for none. Row r of the first stage is summed in the slots whose
 * low address bits are r; the high bits number its inputs, ciphertext after ciphertext.
 */
export function inputElements(places: InputPlaces, degree: number): Int32Array[] {
  const { supports, rows } = places;
  const low = Array.from({ length: bitsFor(rows.length) }, (_, bit) => bit);
  const taps = tapsOf(places, degree);
  return Array.from({ length: inputCiphertexts(places, degree) }, (_, source) =>
    Int32Array.from({ length: degree }, (__, slot) => {
      const support = supports[rows[gather(slot, low)] ?? -1];
      return support?.[source * taps + Math.floor(slot / 2 ** low.length)] ?? -1;
    }),
  );
}
