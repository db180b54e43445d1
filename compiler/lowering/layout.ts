import type { PlanKeys } from './plan.ts';

/** Which tensor elements stand where in one ciphertext: `elements[i]` (flat NCHW) at `positions[i]`. */
export interface ElementPlaces {
  /** Coefficients, or slots, below N. */
  readonly positions: Int32Array;
  readonly elements: Int32Array;
}

/** One ciphertext on its way. */
export interface CiphertextPlaces extends ElementPlaces {
  /** Coefficients of c0 that travel, ascending; null: all of them. */
  readonly travelling: Int32Array | null;
}

/**
 * Where the elements of the tensors stand in the ciphertexts of one run: all that a client needs to encrypt, decrypt and
 * tell how long messages are. It holds no weight.
 */
export interface Layout {
  /** What a position is: a coefficient of the plaintext polynomial, or a slot of it. */
  readonly encoding: 'coefficients' | 'slots';
  /** Input ciphertexts that are sent, in the order in which they are. */
  readonly uploads: readonly CiphertextPlaces[];
  /** Results that come back, in order. */
  readonly results: readonly CiphertextPlaces[];
  /** Outputs whose residue is known to be 0: nothing is computed or sent for them. */
  readonly zeros: readonly ElementPlaces[];
  /** Evaluation keys that the server needs; null for none. */
  readonly keys: PlanKeys | null;
}
