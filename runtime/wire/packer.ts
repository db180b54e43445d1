import { PACKING_WASM } from './packing.gen.ts';
import { lazyModule, makeMemory } from '../wasm.ts';
import type { WasmModule } from '../wasm.ts';
import { positionCount } from './coefficients.ts';
import type { PolynomialCode, Positions } from './coefficients.ts';
import { BitRoom } from './packedRun.ts';
import type { BitExports } from '../bitExports.ts';
import type { PackedRun } from './packedRun.ts';
import { DRAW_STATE_BYTES, nonceOf, startState } from '../ring/draw.ts';
import type { DrawnPolynomial } from '../ring/draw.ts';
import { SEAL_SEED_BYTES } from '../../compiler/bfv/wireBytes.ts';

/** The functions of runtime/assembly/packing.ts; all numbers are byte addresses, bits or counts. */
interface PackingExports extends BitExports {
  uniformWords(state: number, room: number, words: number, count: number, prime: bigint): void;
  expand(seed: number, room: number, outputs: number, words: number): void;
  reduce(
    seed: number,
    room: number,
    words: number,
    count: number,
    prime: bigint,
    ratio: bigint,
    limit: bigint,
    taken: number,
  ): number;
}

export type PackingModule = WasmModule<PackingExports>;

/** Compiles the module on the first call. */
export const loadPacking: () => Promise<PackingModule> = lazyModule(PACKING_WASM);

const WORD = 8;
const LINE = 64;
/** The module keeps tables below; and address 0 means all coefficients. */
const FIRST_ADDRESS = 2048;
/** What expanding a seed works in (runtime/assembly/seed.ts): one output of the stream, and what leads to it. */
const SEED_ROOM_BYTES = 1792 + 4096;
/** Words in one output of the stream. */
const OUTPUT_WORDS = 512;
/** Where words are refused: the stream is uniform below 2^64. */
const WORDS = 1n << 64n;

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
  /** Bytes of everything. */
  readonly byteLength: number;
  readonly #exports: PackingExports;
  readonly #degree: number;
  readonly #wordsAt: number;
  readonly #positionsAt: number;
  readonly #seedAt: number;
  readonly #seed: Uint8Array;
  /** The same bytes, as the state of a stream. */
  readonly #state: Uint32Array;
  readonly #positions: Int32Array;
  readonly #bits: BitRoom;
  /** The positions that lie in memory. */
  #loaded: Positions = null;

  constructor(module: PackingModule, { degree, components }: PackerSize) {
    this.#degree = degree;
    this.#seedAt = FIRST_ADDRESS;
    this.#positionsAt = this.#seedAt + SEAL_SEED_BYTES + aligned(SEED_ROOM_BYTES);
    this.#wordsAt = this.#positionsAt + aligned(degree * Int32Array.BYTES_PER_ELEMENT);
    const wordBytes = components * degree * WORD;
    const packedAt = this.#wordsAt + aligned(wordBytes);
    const memory = makeMemory(packedAt + wordBytes + LINE);
    this.byteLength = memory.buffer.byteLength;
    this.#positions = new Int32Array(memory.buffer, this.#positionsAt, degree);
    this.words = new Uint32Array(memory.buffer, this.#wordsAt, 2 * components * degree);
    this.#seed = new Uint8Array(memory.buffer, this.#seedAt, SEAL_SEED_BYTES);
    this.#state = new Uint32Array(memory.buffer, this.#seedAt, DRAW_STATE_BYTES / 4);
    this.#exports = module.instantiate(memory);
    this.#bits = new BitRoom(this.#exports, memory.buffer, packedAt, wordBytes + LINE);
  }

  /**
   * Fills neighbouring components, one for each prime, with what SEAL expands a seed to (`Ciphertext::expand_seed` of
   * SEAL 4, `sample_poly_uniform` over Blake2xbPRNG), bit for bit.
   * @param seed 64 bytes
   */
  expandSeed(seed: Uint8Array, primes: readonly bigint[], firstComponent: number): void {
    const room = this.#seedAt + SEAL_SEED_BYTES;
    const words = primes.length * this.#degree;
    this.#seed.set(seed);
    this.#exports.expand(this.#seedAt, room, words / OUTPUT_WORDS, this.#component(firstComponent));
    primes.reduce((taken, prime, index) => {
      // SEAL leaves out one multiple more than it has to.
      const limit = WORDS - 2n - ((WORDS - 1n) % prime);
      return this.#exports.reduce(
        this.#seedAt,
        room,
        this.#component(firstComponent + index),
        this.#degree,
        prime,
        WORDS / prime,
        limit,
        taken,
      );
    }, words);
  }

  /**
   * Fills neighbouring components, one for each prime, with the uniform polynomial of a key.
   * @param key 32 bytes
   */
  drawUniform(
    key: Uint8Array,
    polynomial: DrawnPolynomial,
    primes: readonly bigint[],
    firstComponent: number,
  ): void {
    const room = this.#seedAt + SEAL_SEED_BYTES;
    primes.forEach((prime, index) => {
      startState(this.#state, key, nonceOf(polynomial, index));
      const words = this.#component(firstComponent + index);
      this.#exports.uniformWords(this.#seedAt, room, words, this.#degree, prime);
    });
  }

  /**
   * Packs the coefficients at `positions` of neighbouring components, one a prime, into `bytes` from `offset` on, the last
   * byte filled with zero bits; returns the offset after them. Where low bits of several primes are dropped, `words` holds
   * digits afterwards.
   */
  write(
    bytes: Uint8Array,
    offset: number,
    code: PolynomialCode,
    firstComponent: number,
    positions: Positions,
  ): number {
    return this.#bits.write(bytes, offset, code, this.#run(positions, firstComponent));
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
    code: PolynomialCode,
    firstComponent: number,
    positions: Positions,
    where: string,
  ): number {
    return this.#bits.read(bytes, offset, code, this.#run(positions, firstComponent), where);
  }

  #run(positions: Positions, firstComponent: number): PackedRun {
    return {
      positions,
      positionsAt: this.#load(positions),
      count: positionCount(positions, this.#degree),
      wordsAt: this.#component(firstComponent),
      componentBytes: this.#degree * WORD,
    };
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
