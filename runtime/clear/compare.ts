import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';

/** One place where two tensors differ. */
export interface Mismatch {
  /** Flat index in C order. */
  readonly index: number;
  /** The integer computed in the clear. */
  readonly expected: number;
  /** The integer decrypted. */
  readonly actual: number;
}

export interface Comparison {
  readonly match: boolean;
  readonly mismatches: number;
  /** Values compared. */
  readonly outputs: number;
  /** The first difference, null when there is none. */
  readonly first: Mismatch | null;
}

/**
 * Compares two tensors integer by integer.
 * @throws CipherconvError `shape-mismatch` when the shapes differ.
 */
export function compareTensors(expected: Tensor, actual: Tensor): Comparison {
  if (expected.shape.join() !== actual.shape.join() || expected.data.length !== actual.data.length) {
    throw new CipherconvError({
      code: 'shape-mismatch',
      message: 'tensors of different shapes cannot be compared',
      expected: `[${expected.shape.join(', ')}], ${expected.data.length} values`,
      found: `[${actual.shape.join(', ')}], ${actual.data.length} values`,
    });
  }
  let mismatches = 0;
  let first: Mismatch | null = null;
  for (let index = 0; index < expected.data.length; index++) {
    const wanted = expected.data[index]!;
    const got = actual.data[index]!;
    if (wanted === got) continue;
    mismatches++;
    first ??= { index, expected: wanted, actual: got };
  }
  return { match: mismatches === 0, mismatches, outputs: expected.data.length, first };
}
