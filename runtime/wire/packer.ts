import { CipherconvError } from '../../compiler/errors.ts';
import { PACKING_WASM } from '../kernels/packing.gen.ts';
import { lazyModule, makeMemory } from '../kernels/wasm.ts';
import type { WasmModule } from '../kernels/wasm.ts';
import { packedBytes, positionCount } from './coefficients.ts';
import type { CoefficientCode, Positions } from './coefficients.ts';

/** The functions of kernels/assembly/packing.ts; all numbers are byte addresses, bits or counts. */
interface PackingExports {
  pack(
    words: number,
    positions: number,
    count: number,
    dropped: number,
    bits: number,
    to: number,
    startBit: number,
  ): void;
  unpack(
    from: number,
    startBit: number,
    positions: number,
    count: number,
    dropped: number,
    bits: number,
    largest: bigint,
    half: bigint,
    prime: bigint,
    words: number,
  ): number;
  valueAt(from: number, startBit: number, index: number, bits: number): bigint;
}

export type PackingModule = WasmModule<PackingExports>;

/** Compiles the module on the first call. */
export const loadPacking: () => Promise<PackingModule> = lazyModule(PACKING_WASM);

const WORD = 8;
/** Address 0 means all coefficients, so nothing lies there; a run is read and written in whole words. */
const LINE = 64;

function aligned(bytes: number): number {
  return Math.ceil(bytes / LINE) * LINE;
}

/** What of a ciphertext a packer has room for. */
export interface PackerSize {
  readonly degree: number;
  /** Polynomials, each once for every prime. */
  readonly components: number;
}

/**
 * Packs and unpacks polynomials: the words of one ciphertext and one packed polynomial, in WebAssembly memory of a fixed
 * size. Nothing in it has to outlive a call but `words`.
 */
export class Packer {
  /** 64-bit words in 32-bit halves, low half first, component after component. */
  readonly words: Uint32Array;
  readonly #exports: PackingExports;
  readonly #degree: number;
  readonly #wordsAt: number;
  readonly #positionsAt: number;
  readonly #packedAt: number;
  readonly #positions: Int32Array;
  readonly #packed: Uint8Array;
  /** The positions that lie in memory. */
  #loaded: Positions = null;

  constructor(module: PackingModule, { degree, components }: PackerSize) {
    this.#degree = degree;
    this.#positionsAt = LINE;
    this.#wordsAt = this.#positionsAt + aligned(degree * Int32Array.BYTES_PER_ELEMENT);
    const wordBytes = components * degree * WORD;
    this.#packedAt = this.#wordsAt + aligned(wordBytes);
    const memory = makeMemory(this.#packedAt + wordBytes + LINE);
    this.#positions = new Int32Array(memory.buffer, this.#positionsAt, degree);
    this.words = new Uint32Array(memory.buffer, this.#wordsAt, 2 * components * degree);
    this.#packed = new Uint8Array(memory.buffer, this.#packedAt, wordBytes + LINE);
    this.#exports = module.instantiate(memory);
  }

  /**
   * Packs the coefficients at `positions` of neighbouring components, one code each, into `bytes` from `offset` on, the
   * last byte filled with zero bits; returns the offset after them.
   */
  write(
    bytes: Uint8Array,
    offset: number,
    codes: readonly CoefficientCode[],
    firstComponent: number,
    positions: Positions,
  ): number {
    const at = this.#load(positions);
    const count = positionCount(positions, this.#degree);
    let bit = 0;
    codes.forEach(({ dropped, bits }, index) => {
      this.#exports.pack(
        this.#component(firstComponent + index),
        at,
        count,
        dropped,
        bits,
        this.#packedAt,
        bit,
      );
      bit += count * bits;
    });
    const length = packedBytes(bit);
    bytes.set(this.#packed.subarray(0, length), offset);
    return offset + length;
  }

  /**
   * Reads what `write` wrote; words that do not travel are left as they are.
   * @returns the offset after it
   * @throws CipherconvError `malformed-tensor` for a coefficient that is not below its prime, or filling that is not 0:
   * every message has one encoding.
   */
  read(
    bytes: Uint8Array,
    offset: number,
    codes: readonly CoefficientCode[],
    firstComponent: number,
    positions: Positions,
    where: string,
  ): number {
    const at = this.#load(positions);
    const count = positionCount(positions, this.#degree);
    const length = packedBytes(codes.reduce((sum, { bits }) => sum + count * bits, 0));
    this.#packed.set(bytes.subarray(offset, offset + length));
    let bit = 0;
    codes.forEach((code, index) => {
      const { dropped, bits, largest, half, prime } = code;
      const target = this.#component(firstComponent + index);
      const bad = this.#exports.unpack(
        this.#packedAt,
        bit,
        at,
        count,
        dropped,
        bits,
        largest,
        half,
        prime,
        target,
      );
      if (bad >= 0) {
        const found = this.#exports.valueAt(this.#packedAt, bit, bad, bits);
        rejectCoefficient(where, largest, BigInt.asUintN(64, found), positions?.[bad] ?? bad);
      }
      bit += count * bits;
    });
    requireNoFilling(bit % 8 === 0 ? 0 : this.#packed[length - 1]! >>> (bit % 8), where);
    return offset + length;
  }

  #component(index: number): number {
    return this.#wordsAt + index * this.#degree * WORD;
  }

  /** Address of the positions as the module takes it. */
  #load(positions: Positions): number {
    if (positions === null) return 0;
    if (positions !== this.#loaded) {
      this.#positions.set(positions);
      this.#loaded = positions;
    }
    return this.#positionsAt;
  }
}

function rejectCoefficient(where: string, largest: bigint, found: bigint, position: number): never {
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'a coefficient is not below its modulus',
    expected: `at most ${largest}`,
    found: `${found} at coefficient ${position}`,
  });
}

function requireNoFilling(filling: number, where: string): void {
  if (filling === 0) return;
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'the bits that fill up the last byte are not zero',
    expected: '0',
    found: String(filling),
  });
}
