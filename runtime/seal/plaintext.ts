import { internalError } from '../../compiler/base/errors.ts';
import type { BfvContext } from './context.ts';
import { PLAINTEXT_COUNT_AT, PLAINTEXT_WORDS_AT, saveBytes, wordHalves } from './envelope.ts';
import type { Plaintext, PublicSeal } from './module.ts';
import { withScope } from './scope.ts';

/** A coefficient is written as two 32-bit halves: no bigint per element. */
const HALF = 2 ** 32;

/**
 * Writes polynomials into SEAL plaintexts, in coefficient form. Holds one envelope of N words made by our own context
 * and no SEAL object.
 */
export class PlaintextWriter {
  readonly #context: BfvContext;
  readonly #envelope: Uint8Array;
  readonly #halves: Uint32Array;

  constructor(seal: PublicSeal, context: BfvContext) {
    this.#context = context;
    this.#envelope = withScope((scope) => saveBytes(seal, scope.own(new seal.Plaintext(context.degree))));
    this.#halves = wordHalves(this.#envelope, PLAINTEXT_WORDS_AT, context.degree);
    if (this.#halves.buffer !== this.#envelope.buffer)
      throw internalError('a plaintext envelope is not aligned');
  }

  /** All coefficients 0. */
  clear(): void {
    this.#halves.fill(0);
  }

  /** Sets coefficient `index` below N to `residue`, an integer in [0, t). */
  put(index: number, residue: number): void {
    // Storing into a Uint32Array takes the integer part modulo 2^32, exact for every double below 2^53.
    this.#halves[2 * index] = residue;
    this.#halves[2 * index + 1] = residue / HALF;
  }

  /** Copies the polynomial into `plaintext`, whatever that held. SEAL throws when a coefficient is not below t. */
  load(plaintext: Plaintext): void {
    plaintext.loadFromArray(this.#context.context, this.#envelope);
  }
}

/**
 * Coefficients of a plaintext in coefficient form, written into `target` (length N), which is returned. SEAL leaves
 * out leading zeros, so what it holds may be shorter; the rest becomes 0. Exact below 2^53.
 */
export function readPlaintext(seal: PublicSeal, plaintext: Plaintext, target: Float64Array): Float64Array {
  const envelope = saveBytes(seal, plaintext);
  const count = wordHalves(envelope, PLAINTEXT_COUNT_AT, 1)[0]!;
  if (count > target.length)
    throw internalError(`a plaintext has ${count} coefficients, not ${target.length}`);
  const halves = wordHalves(envelope, PLAINTEXT_WORDS_AT, count);
  for (let index = 0; index < count; index++) {
    target[index] = halves[2 * index]! + halves[2 * index + 1]! * HALF;
  }
  return target.fill(0, count);
}
