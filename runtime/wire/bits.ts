import { CipherconvError } from '../../compiler/errors.ts';

/**
 * Unsigned integers of up to 64 bits packed back to back, least significant bit first, in little-endian bytes. Values
 * come and go as two 32-bit halves (low, high), so that no bigint is made per coefficient. Works word by word in typed
 * arrays, which are little-endian on every platform that runs WebAssembly as SEAL is built for.
 */

const WORD_BITS = 32;
const WORD_BYTES = 4;

/** The low `bits` (0 to 32) bits set. */
function mask(bits: number): number {
  return bits === WORD_BITS ? -1 : (1 << bits) - 1;
}

export class BitWriter {
  readonly #words: Uint32Array;
  #at = 0;
  /** The word under way and how many of its bits are taken, fewer than 32. */
  #pending = 0;
  #used = 0;

  /** @param totalBits of everything that will be put */
  constructor(totalBits: number) {
    this.#words = new Uint32Array(Math.ceil(totalBits / WORD_BITS) + 1);
  }

  /**
   * Appends `count` values, the low `bits` (0 to 64) bits of each; the others have to be 0. Value i is the pair of halves
   * pairs[2 i] (low) and pairs[2 i + 1]. The loop keeps its state in locals: it runs for every coefficient sent.
   */
  putRun(pairs: Uint32Array, count: number, bits: number): void {
    const words = this.#words;
    const highBits = Math.max(0, bits - WORD_BITS);
    const lowBits = bits - highBits;
    let at = this.#at;
    let used = this.#used;
    let pending = this.#pending;
    for (let index = 0; index < 2 * count; index += 2) {
      const low = pairs[index]!;
      pending |= low << used;
      used += lowBits;
      if (used >= WORD_BITS) {
        words[at++] = pending;
        used -= WORD_BITS;
        // What did not fit; a shift by 32 would be a shift by 0.
        pending = used === 0 ? 0 : low >>> (lowBits - used);
      }
      if (highBits === 0) continue;
      const high = pairs[index + 1]!;
      pending |= high << used;
      used += highBits;
      if (used >= WORD_BITS) {
        words[at++] = pending;
        used -= WORD_BITS;
        pending = used === 0 ? 0 : high >>> (highBits - used);
      }
    }
    this.#at = at;
    this.#used = used;
    this.#pending = pending;
  }

  /** Copies everything into `bytes` from `offset` on, the last byte filled with zero bits; returns the offset after it. */
  finish(bytes: Uint8Array, offset: number): number {
    const totalBits = this.#at * WORD_BITS + this.#used;
    this.#words[this.#at] = this.#pending;
    const length = Math.ceil(totalBits / 8);
    bytes.set(new Uint8Array(this.#words.buffer, 0, length), offset);
    return offset + length;
  }
}

/** Reads what `BitWriter` wrote. */
export class BitReader {
  readonly #words: Uint32Array;
  readonly #length: number;
  #at = 0;
  #used = 0;

  /** @param bytes exactly the packed run */
  constructor(bytes: Uint8Array) {
    this.#length = bytes.length;
    this.#words = new Uint32Array(Math.ceil(bytes.length / WORD_BYTES) + 1);
    new Uint8Array(this.#words.buffer).set(bytes);
  }

  /** Reads `count` values of `bits` (0 to 64) bits each into pairs of halves, as `putRun` takes them. */
  takeRun(pairs: Uint32Array, count: number, bits: number): void {
    const words = this.#words;
    const highBits = Math.max(0, bits - WORD_BITS);
    const lowBits = bits - highBits;
    const lowMask = mask(lowBits);
    const highMask = mask(highBits);
    let at = this.#at;
    let used = this.#used;
    for (let index = 0; index < 2 * count; index += 2) {
      let low = words[at]! >>> used;
      used += lowBits;
      if (used > WORD_BITS) low |= words[at + 1]! << (WORD_BITS + lowBits - used);
      at += used >>> 5;
      used &= WORD_BITS - 1;
      pairs[index] = low & lowMask;
      if (highBits === 0) {
        pairs[index + 1] = 0;
        continue;
      }
      let high = words[at]! >>> used;
      used += highBits;
      if (used > WORD_BITS) high |= words[at + 1]! << (WORD_BITS + highBits - used);
      at += used >>> 5;
      used &= WORD_BITS - 1;
      pairs[index + 1] = high & highMask;
    }
    this.#at = at;
    this.#used = used;
  }

  /**
   * Ends the run: everything has been read, and the bits that fill the last byte are zero, so that every message has
   * one encoding.
   * @throws CipherconvError `malformed-tensor`.
   */
  finish(where: string): void {
    const left = this.#length * 8 - (this.#at * WORD_BITS + this.#used);
    // Bytes past the run are zero in our copy of it, so what is left of the word is the filling.
    const filling = left > 0 && left < 8 ? this.#words[this.#at]! >>> this.#used : 0;
    if (filling === 0 && left < 8) return;
    throw new CipherconvError({
      code: 'malformed-tensor',
      where,
      message: 'the bits that fill up the last byte are not zero',
      expected: '0',
      found: String(filling),
    });
  }
}

/** Bytes that `bits` bits take. */
export function packedBytes(bits: number): number {
  return Math.ceil(bits / 8);
}
