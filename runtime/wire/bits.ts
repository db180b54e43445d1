import { CipherconvError } from '../../compiler/errors.ts';

/**
 * Unsigned integers of up to 64 bits packed back to back, least significant bit first, in little-endian bytes. Values
 * come and go as two 32-bit halves (low, high), so that no bigint is made per coefficient. Works word by word in typed
 * arrays, which are little-endian on every platform that runs WebAssembly as SEAL is built for.
 */

const WORD_BITS = 32;
const WORD_BYTES = 4;

/** The low `bits` (1 to 32) bits set. */
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

  /** Appends the low `bits` (0 to 64) bits of the value; the others have to be 0 in the halves they are in. */
  put(low: number, high: number, bits: number): void {
    if (bits > WORD_BITS) {
      this.#putWord(low, WORD_BITS);
      this.#putWord(high, bits - WORD_BITS);
    } else if (bits > 0) {
      this.#putWord(low, bits);
    }
  }

  #putWord(value: number, bits: number): void {
    const used = this.#used;
    this.#pending |= value << used;
    const total = used + bits;
    if (total < WORD_BITS) {
      this.#used = total;
      return;
    }
    this.#words[this.#at++] = this.#pending;
    // A shift by 32 would be a shift by 0.
    this.#pending = used === 0 ? 0 : value >>> (WORD_BITS - used);
    this.#used = total - WORD_BITS;
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
  /** Halves of the value last read, unsigned. */
  low = 0;
  high = 0;

  /** @param bytes exactly the packed run */
  constructor(bytes: Uint8Array) {
    this.#length = bytes.length;
    this.#words = new Uint32Array(Math.ceil(bytes.length / WORD_BYTES) + 1);
    new Uint8Array(this.#words.buffer).set(bytes);
  }

  /** Reads `bits` (0 to 64) bits into `low` and `high`. */
  take(bits: number): void {
    if (bits > WORD_BITS) {
      this.low = this.#takeWord(WORD_BITS);
      this.high = this.#takeWord(bits - WORD_BITS);
    } else {
      this.low = bits > 0 ? this.#takeWord(bits) : 0;
      this.high = 0;
    }
  }

  #takeWord(bits: number): number {
    const used = this.#used;
    let value = this.#words[this.#at]! >>> used;
    const total = used + bits;
    if (total > WORD_BITS) value |= this.#words[this.#at + 1]! << (WORD_BITS - used);
    if (total >= WORD_BITS) {
      this.#at++;
      this.#used = total - WORD_BITS;
    } else {
      this.#used = total;
    }
    return (value & mask(bits)) >>> 0;
  }

  /**
   * Ends the run: everything has been read, and the bits that fill the last byte are zero, so that every message has
   * one encoding.
   * @throws CipherconvError `malformed-tensor`.
   */
  finish(where: string): void {
    const left = this.#length * 8 - (this.#at * WORD_BITS + this.#used);
    const filling = left > 0 && left < 8 ? this.#takeWord(left) : 0;
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
