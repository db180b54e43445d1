import type { StageLayout } from './placement.ts';

/**
 * Where the logits stand at the end. The last sum is the client's: a logit is the sum of the residues in `2^sums.length`
 * slots, those whose address is that of its slot but for the bits of `sums`. Before they leave, random residues are added
 * to them whose sum is the logit's bias, so that the slots show their sum and nothing else.
 */
export interface NetworkResults {
  /** The slot of every logit whose bits of `sums` are 0. */
  readonly slots: readonly number[];
  /** Address bits that are summed over. */
  readonly sums: readonly number[];
}

/** The results of a layout whose folds are left to the client. */
export function resultsOf({ outputBits, folds }: StageLayout, logits: number): NetworkResults {
  const slots = Array.from({ length: logits }, (_, logit) =>
    outputBits.reduce((slot, bit, index) => slot + (((logit >> index) & 1) << bit), 0),
  );
  return { slots, sums: [...folds].sort((left, right) => left - right) };
}

/** For every logit the slots whose sum it is, its own first. */
export function summedSlots({ slots, sums }: NetworkResults): number[][] {
  const steps = Array.from({ length: 2 ** sums.length }, (_, setting) =>
    sums.reduce((step, bit, index) => step + ((setting >> index) & 1) * 2 ** bit, 0),
  );
  return slots.map((slot) => steps.map((step) => slot + step));
}

/**
 * The residue of every logit, from the residues in all slots. Exact: no more than 2^15 residues below 2^32 are summed.
 * @param summed the slots of every logit
 */
export function logitResidues(
  summed: readonly (readonly number[])[],
  residues: Float64Array,
  plainModulus: number,
): number[] {
  return summed.map((slots) => {
    let sum = 0;
    for (const slot of slots) sum += residues[slot]!;
    return sum % plainModulus;
  });
}
