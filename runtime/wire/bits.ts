import { CipherconvError } from '../../compiler/errors.ts';

/**
 * Packs unsigned integers of up to 64 bits back to back, least significant bit first. Values come and go as two 32-bit
 * halves (low, high), so that no bigint is made per coefficient.
 */
export class BitWriter {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Bits not yet written, the oldest lowest, and how many there are: always fewer than 8. */
  #pending = 0;
  #pendingBits = 0;

  /** Writes into `bytes` from `offset` on. */
  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#at = offset;
  }

  /** Appends the low `bits` (0 to 64) bits of the value. */
  put(low: number, high: number, bits: number): void {
    this.#putPart(low, Math.min(bits, 32));
    if (bits > 32) this.#putPart(high, bits - 32);
  }

  /** Appends the low `bits` (0 to 32) bits of `value`, by whole bytes, at most 24 bits into the pending ones at once. */
  #putPart(value: number, bits: number): void {
    let rest = value >>> 0;
    let left = bits;
    while (left > 0) {
      const take = Math.min(left, 16);
      this.#pending |= (rest & (2 ** take - 1)) << this.#pendingBits;
      this.#pendingBits += take;
      rest >>>= take;
      left -= take;
      while (this.#pendingBits >= 8) {
        this.#bytes[this.#at++] = this.#pending & 255;
        this.#pending >>>= 8;
        this.#pendingBits -= 8;
      }
    }
  }

  /** Fills the last byte with zero bits and returns the offset after it. */
  finish(): number {
    if (this.#pendingBits > 0) this.#bytes[this.#at++] = this.#pending;
    this.#pending = 0;
    this.#pendingBits = 0;
    return this.#at;
  }
}

/** Reads what `BitWriter` wrote. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #pending = 0;
  #pendingBits = 0;
  /** Halves of the value last read. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#at = offset;
  }

  /** Reads `bits` (0 to 64) bits into `low` and `high`. */
  take(bits: number): void {
    this.low = this.#takePart(Math.min(bits, 32));
    this.high = bits > 32 ? this.#takePart(bits - 32) : 0;
  }

  #takePart(bits: number): number {
    let value = 0;
    let done = 0;
    while (done < bits) {
      const want = Math.min(bits - done, 16);
      while (this.#pendingBits < want) {
        this.#pending |= this.#bytes[this.#at++]! << this.#pendingBits;
        this.#pendingBits += 8;
      }
      value = (value | ((this.#pending & (2 ** want - 1)) << done)) >>> 0;
      this.#pending >>>= want;
      this.#pendingBits -= want;
      done += want;
    }
    return value;
  }

  /**
   * Ends a run of packed values: the bits that fill the last byte have to be zero, so that every message has one
   * encoding. Returns the offset after it.
   * @throws CipherconvError `malformed-tensor`.
   */
  finish(where: string): number {
    if (this.#pending !== 0) {
      throw new CipherconvError({
        code: 'malformed-tensor',
        where,
        message: 'the bits that fill up the last byte are not zero',
        expected: '0',
        found: String(this.#pending),
      });
    }
    this.#pendingBits = 0;
    return this.#at;
  }
}

/** Bytes that `count` values of `bits` bits take. */
export function packedBytes(count: number, bits: number): number {
  return Math.ceil((count * bits) / 8);
}
