import { internalError } from '../../compiler/base/errors.ts';
import { makeMemory } from '../wasm.ts';
import type { WasmModule } from '../wasm.ts';

/**
 * What is drawn from a key of 32 bytes, and how: a ChaCha20 stream (RFC 8439, a 64-bit counter in words 12 and 13 of the
 * state) for every polynomial and prime, told apart by the two words of the nonce.
 *
 * Uniform residues below a prime p: for p < 2^31 the 32-bit words of the stream, for wider ones its 64-bit words (low half
 * first), in order, each cut to the bits of p and left out where it reaches p. So client and server draw the same.
 */

/** What a stream is for: the high byte of the nonce's second word. */
const DOMAINS = { seededC1: 1, publicPolynomial: 2, error: 3, secret: 4 } as const;

type DrawDomain = keyof typeof DOMAINS;

/** Which polynomial is drawn from a key. */
export interface DrawnPolynomial {
  readonly domain: DrawDomain;
  /** Its number among those of the key: that of the input chunk for `publicPolynomial`. */
  readonly index: number;
}

/** Bytes of a key, and of the seed of an upload's c1. */
export const DRAW_KEY_BYTES = 32;
/** The sixteen words that a block starts from. */
export const DRAW_STATE_BYTES = 64;
/** What drawing residues works in: four blocks. */
const DRAW_ROOM_BYTES = 256;

/** "expand 32-byte k", RFC 8439 section 2.3. */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

/** The last word of the nonce: what a polynomial is for, and which prime it is drawn under. */
export function nonceOf({ domain, index }: DrawnPolynomial, prime: number): readonly [number, number] {
  return [index, (DOMAINS[domain] << 24) | prime];
}

/**
 * Writes the state that a stream starts from.
 * @param state sixteen words, little-endian as WebAssembly has them
 */
export function startState(state: Uint32Array, key: Uint8Array, nonce: readonly [number, number]): void {
  if (key.length !== DRAW_KEY_BYTES) throw internalError(`a key of ${key.length} bytes`);
  state.set(CONSTANTS);
  new Uint8Array(state.buffer, state.byteOffset + 16, DRAW_KEY_BYTES).set(key);
  state.set([0, 0, ...nonce], 12);
}

/** Any module that draws: those of the ring and of the packer do. */
export type DrawModule = WasmModule<{
  uniformWords(state: number, room: number, words: number, count: number, prime: bigint): void;
}>;

const FIRST_ADDRESS = 2048;

/** Draws polynomials with uniform coefficients, modulo each of some primes of at most 60 bits. Everything is public. */
export class UniformDraw {
  /** 64-bit words in 32-bit halves, low half first, prime by prime: N words each. */
  readonly words: Uint32Array;
  readonly #state: Uint32Array;
  readonly #primes: readonly bigint[];
  readonly #degree: number;
  readonly #draw: (which: number) => void;

  constructor(module: DrawModule, degree: number, primes: readonly bigint[]) {
    const room = FIRST_ADDRESS + DRAW_STATE_BYTES;
    const words = room + DRAW_ROOM_BYTES;
    const bytes = 8 * degree;
    const memory = makeMemory(words + primes.length * bytes);
    this.#degree = degree;
    this.#primes = primes;
    this.#state = new Uint32Array(memory.buffer, FIRST_ADDRESS, DRAW_STATE_BYTES / 4);
    this.words = new Uint32Array(memory.buffer, words, 2 * degree * primes.length);
    const exports = module.instantiate(memory);
    this.#draw = (which) => {
      exports.uniformWords(FIRST_ADDRESS, room, words + which * bytes, this.#degree, primes[which]!);
    };
  }

  /** Fills `words`. @param key 32 bytes */
  draw(key: Uint8Array, polynomial: DrawnPolynomial): Uint32Array {
    this.#primes.forEach((_, which) => {
      startState(this.#state, key, nonceOf(polynomial, which));
      this.#draw(which);
    });
    return this.words;
  }
}
