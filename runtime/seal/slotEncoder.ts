import type { BfvContext } from './context.ts';
import type { BatchEncoder, Plaintext, PublicSeal } from './module.ts';
import type { SealScope } from './scope.ts';

/** SEAL's encoder of slots, in the order of rings/slots.ts, for residues below 2^32: no bigint for each. */
export class SlotEncoder {
  readonly #encoder: BatchEncoder;
  readonly #words: BigUint64Array<ArrayBuffer>;
  /** Low and high halves of the words; the high ones stay 0. */
  readonly #halves: Uint32Array;

  constructor(scope: SealScope, seal: PublicSeal, { context, degree }: BfvContext) {
    this.#encoder = scope.own(new seal.BatchEncoder(context));
    this.#words = new BigUint64Array(degree);
    this.#halves = new Uint32Array(this.#words.buffer);
  }

  /** @param slots N residues */
  encode(slots: Float64Array, target: Plaintext): void {
    slots.forEach((residue, slot) => {
      this.#halves[2 * slot] = residue;
    });
    this.#encoder.encode(this.#words, target);
  }
}
