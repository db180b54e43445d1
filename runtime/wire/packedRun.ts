import { CipherconvError } from '../../compiler/base/errors.ts';
import type { BitExports } from '../bitExports.ts';
import { codeBits, packedBytes } from './coefficients.ts';
import type { CoefficientCode, DigitStep, PolynomialCode, Positions } from './coefficients.ts';

/** Coefficients that go together, and where everything of them lies in a module's memory. */
export interface PackedRun {
  /** Which coefficients, for messages. */
  readonly positions: Positions;
  /** Address of their numbers; 0: all from 0 on. */
  readonly positionsAt: number;
  readonly count: number;
  /** Words of the first component, and bytes from one to the next. */
  readonly wordsAt: number;
  readonly componentBytes: number;
}

/** A bit of a module's memory: an address, and how many bits behind it. */
interface BitPlace {
  readonly from: number;
  readonly bit: number;
}

const WORD = 8;

/** Packs and unpacks between one room for packed bytes and words in the same memory. Bytes may lie in that memory themselves. */
export class BitRoom {
  readonly #exports: BitExports;
  readonly #at: number;
  readonly #packed: Uint8Array;

  /** @param bytes room for one polynomial under all primes and a few bytes more */
  constructor(exports: BitExports, buffer: ArrayBufferLike, at: number, bytes: number) {
    this.#exports = exports;
    this.#at = at;
    this.#packed = new Uint8Array(buffer, at, bytes);
  }

  /**
   * Packs components, one a prime, into `bytes` from `offset` on, the last byte filled with zero bits; returns the offset
   * after them. Where digits travel they take the place of the residues.
   */
  write(bytes: Uint8Array, offset: number, { codes, toDigits }: PolynomialCode, run: PackedRun): number {
    this.#changeDigits('toDigits', toDigits, run);
    const first = likeAligned(bytes, offset);
    let bit = 8 * first;
    codes.forEach(({ dropped, bits }, index) => {
      const words = run.wordsAt + index * run.componentBytes;
      this.#exports.pack(words, run.positionsAt, run.count, dropped, bits, this.#at, bit);
      bit += run.count * bits;
    });
    const end = packedBytes(bit);
    if (this.#holds(bytes)) this.#exports.copyBytes(this.#at + first, bytes.byteOffset + offset, end - first);
    else bytes.set(this.#packed.subarray(first, end), offset);
    return offset + end - first;
  }

  /**
   * Reads what `write` wrote; words that do not travel are left as they are.
   * @returns the offset after it
   * @throws CipherconvError `malformed-tensor` for a coefficient that is not below its prime, or filling that is not 0:
   * every message has one encoding.
   */
  read(bytes: Uint8Array, offset: number, code: PolynomialCode, run: PackedRun, where: string): number {
    const { count } = run;
    const length = packedBytes(codeBits(code, count));
    const place = this.#bring(bytes, offset, length);
    let { bit } = place;
    code.codes.forEach((ofPrime, index) => {
      this.#unpack(ofPrime, { from: place.from, bit }, run, run.wordsAt + index * run.componentBytes, where);
      bit += count * ofPrime.bits;
    });
    this.#changeDigits('fromDigits', code.fromDigits, run);
    requireNoFilling(bytes[offset + length - 1]!, bit, where);
    return offset + length;
  }

  #changeDigits(change: 'toDigits' | 'fromDigits', steps: readonly DigitStep[], run: PackedRun): void {
    const { positionsAt, count, wordsAt, componentBytes } = run;
    for (const { index, lower, prime, ratio, factor, quotient } of steps) {
      const words = wordsAt + index * componentBytes;
      const lowerWords = wordsAt + lower * componentBytes;
      this.#exports[change](words, lowerWords, positionsAt, count, prime, ratio, factor, quotient);
    }
  }

  #holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.#packed.buffer;
  }

  /** Where bytes can be read by the module: where they are, or in the room. */
  #bring(bytes: Uint8Array, offset: number, length: number): BitPlace {
    if (this.#holds(bytes)) return { from: bytes.byteOffset + offset, bit: 0 };
    const first = likeAligned(bytes, offset);
    this.#packed.set(bytes.subarray(offset, offset + length), first);
    return { from: this.#at, bit: 8 * first };
  }

  #unpack(
    code: CoefficientCode,
    { from, bit }: BitPlace,
    run: PackedRun,
    words: number,
    where: string,
  ): void {
    const { dropped, bits, largest, half, upper, prime, excess } = code;
    const { positionsAt, count, positions } = run;
    const bad = this.#exports.unpack(
      from,
      bit,
      positionsAt,
      count,
      dropped,
      bits,
      largest,
      half,
      upper,
      prime,
      excess,
      words,
    );
    if (bad < 0) return;
    const found = this.#exports.valueAt(from, bit, bad, bits);
    rejectCoefficient(where, largest, found, positions?.[bad] ?? bad);
  }
}

/**
 * Where packed bytes begin in a word so that they can be copied word by word: between threads V8 copies byte by byte
 * where the two sides are not aligned alike, which takes several times as long.
 */
function likeAligned(bytes: Uint8Array, offset: number): number {
  return (bytes.byteOffset + offset) % WORD;
}

/** @param found its 64 bits, as WebAssembly gives them: with a sign */
export function rejectCoefficient(where: string, largest: bigint, found: bigint, position: number): never {
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'a coefficient is not below its modulus',
    expected: `at most ${largest}`,
    found: `${BigInt.asUintN(64, found)} at coefficient ${position}`,
  });
}

/**
 * Packed bits fill up their last byte with zero bits: every message has one encoding.
 * @param last that byte; not looked at where nothing is packed
 * @param bits that are packed
 */
export function requireNoFilling(last: number, bits: number, where: string): void {
  const filling = bits % 8 === 0 ? 0 : last >>> (bits % 8);
  if (filling === 0) return;
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'the bits that fill up the last byte are not zero',
    expected: '0',
    found: String(filling),
  });
}
