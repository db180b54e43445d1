import { internalError } from '../../compiler/base/errors.ts';
import { makeMemory } from '../wasm.ts';
import { DRAW_STATE_BYTES, nonceOf, startState } from './draw.ts';
import type { DrawnPolynomial } from './draw.ts';
import { modulusLanes } from './lanePrimes.ts';
import { LaneTransforms, MOST_LANES } from './laneTransforms.ts';
import type { RingExports, RingModule } from './module.ts';

const LINE = 64;
/** Address 0 stays free, and so do the first words. */
const FIRST_ADDRESS = 1024;
/** Three batches of four blocks, and the word that the last error reads beyond them. */
const ROOM_BYTES = 3 * 256 + LINE;
/** A polynomial whose forward transforms are made, lane after lane: what `multiply` takes many times. */
export type TransformedPolynomial = Uint32Array;

/** Coefficients that are gathered, ascending; null: all. */
export type GatheredPositions = Int32Array | null;

/**
 * Polynomials modulo X^N + 1 and each of some primes of at most 60 bits, in WebAssembly memory of a fixed size: exact
 * products with one ternary key, and what a client draws at random. `words` is the polynomial that is worked on, `errors` the
 * small one that was drawn; whoever reads them copies. Secrets lie in the memory until `wipe`.
 */
export class RingArithmetic {
  /** 64-bit words in 32-bit halves, low half first, prime by prime: N words each, below their prime. */
  readonly words: Uint32Array;
  /** N small signed coefficients. */
  readonly errors: Int32Array;
  /** Lanes of one transformed polynomial, N numbers each. */
  readonly laneCount: number;
  readonly #exports: RingExports;
  readonly #degree: number;
  readonly #bytes: Uint8Array;
  readonly #words32: Uint32Array;
  readonly #lanes: LaneTransforms;
  readonly #state: Uint32Array;
  readonly #stateAt = FIRST_ADDRESS;
  readonly #roomAt: number;
  readonly #errorsAt: number;
  readonly #positionsAt: number;
  readonly #valuesAt: number;
  readonly #gatheredAt: number;
  readonly #keysAt: number;
  #loaded: GatheredPositions = null;

  /** @param primes each of at most 60 bits and 1 modulo 2 * degree */
  constructor(module: RingModule, degree: number, primes: readonly bigint[]) {
    const list = degree * Uint32Array.BYTES_PER_ELEMENT;
    const moduli = primes.map((prime) => modulusLanes(degree, prime));
    this.#degree = degree;
    this.#roomAt = this.#stateAt + DRAW_STATE_BYTES;
    this.#errorsAt = this.#roomAt + Math.ceil(ROOM_BYTES / LINE) * LINE;
    this.#positionsAt = this.#errorsAt + list;
    this.#valuesAt = this.#positionsAt + list;
    const wordsAt = this.#valuesAt + MOST_LANES * list;
    this.#gatheredAt = wordsAt + 2 * list * primes.length;
    const tablesAt = this.#gatheredAt + 2 * list;
    this.#keysAt = tablesAt + LaneTransforms.tableBytes(degree, moduli);
    const most = moduli.reduce((sum, { lanes }) => sum + lanes.length, 0);
    const memory = makeMemory(this.#keysAt + most * 2 * list);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words32 = new Uint32Array(memory.buffer);
    this.#state = new Uint32Array(memory.buffer, this.#stateAt, DRAW_STATE_BYTES / 4);
    this.words = new Uint32Array(memory.buffer, wordsAt, 2 * degree * primes.length);
    this.errors = new Int32Array(memory.buffer, this.#errorsAt, degree);
    this.#exports = module.instantiate(memory);
    const room = { degree, wordsAt, valuesAt: this.#valuesAt, tablesAt };
    this.#lanes = new LaneTransforms(this.#exports, memory.buffer, moduli, room);
    this.laneCount = most;
  }

  /** Where the key modulo lane prime number `number` lies. */
  #key(number: number): number {
    return this.#keysAt + number * 8 * this.#degree;
  }

  /** Takes `errors`, coefficients in {-1, 0, 1}, as the key that `multiply` multiplies by. */
  setKey(): void {
    this.#lanes.lanes.forEach((_, number) => {
      this.#lanes.liftSmall(number, this.#errorsAt, this.#valuesAt);
      this.#lanes.storeFactor(number, this.#valuesAt, this.#key(number));
    });
    this.#bytes.fill(0, this.#valuesAt, this.#valuesAt + 4 * this.#degree);
  }

  /** The transforms of `words`, a copy that `multiply` takes. */
  transform(): TransformedPolynomial {
    const transformed = new Uint32Array(this.laneCount * this.#degree);
    let at = 0;
    this.#lanes.moduli.forEach(({ numbers }, which) => {
      numbers.forEach((number, place) => {
        this.#lanes.toLane(which, number, place);
        const values = this.#lanes.values(place);
        transformed.set(this.#words32.subarray(values / 4, values / 4 + this.#degree), at);
        at += this.#degree;
      });
    });
    return transformed;
  }

  /** words = transformed * key. */
  multiply(transformed: TransformedPolynomial): void {
    let at = 0;
    this.#lanes.moduli.forEach(({ numbers }, which) => {
      numbers.forEach((number, place) => {
        this.#words32.set(transformed.subarray(at, at + this.#degree), this.#lanes.values(place) / 4);
        this.#multiplyLane(number, place);
        at += this.#degree;
      });
      this.#lanes.join(which);
    });
  }

  /** words = words * key. */
  multiplyByKey(): void {
    this.#lanes.moduli.forEach(({ numbers }, which) => {
      numbers.forEach((number, place) => {
        this.#lanes.toLane(which, number, place);
        this.#multiplyLane(number, place);
      });
      this.#lanes.join(which);
    });
  }

  #multiplyLane(number: number, place: number): void {
    const { prime } = this.#lanes.lanes[number]!;
    const key = this.#key(number);
    const values = this.#lanes.values(place);
    this.#exports.scale(values, key, this.#lanes.quotients(key), this.#degree, prime);
    this.#lanes.inverse(number, values);
  }

  /**
   * The words of all primes at `positions`, back to back: 4 bytes each for primes below 2^31, 8 for wider ones.
   * @param masked gives -(words + errors) instead
   */
  gather(positions: GatheredPositions, masked: 'words' | 'masks'): Uint8Array {
    const count = positions === null ? this.#degree : positions.length;
    const at = this.#loadPositions(positions);
    const sizes = this.#lanes.moduli.map(({ lanes }) => count * bytesOf(lanes.prime));
    const all = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    let end = 0;
    this.#lanes.moduli.forEach(({ lanes: { prime } }, which) => {
      const words = this.#lanes.wordsOf(which);
      const isWide = bytesOf(prime) === 8;
      const to = this.#gatheredAt;
      if (masked === 'words') this.#exports.gather(words, at, count, to, isWide);
      else this.#exports.gatherMasks(words, this.#errorsAt, at, count, to, prime, isWide);
      all.set(this.#bytes.subarray(to, to + sizes[which]!), end);
      end += sizes[which]!;
    });
    return all;
  }

  #loadPositions(positions: GatheredPositions): number {
    if (positions === null) return 0;
    if (positions !== this.#loaded) {
      if (positions.length > this.#degree) throw internalError('more positions than coefficients');
      new Int32Array(this.#bytes.buffer, this.#positionsAt, this.#degree).set(positions);
      this.#loaded = positions;
    }
    return this.#positionsAt;
  }

  /** `words` uniform, drawn from a key of 32 bytes. */
  drawUniform(key: Uint8Array, polynomial: DrawnPolynomial): void {
    this.#lanes.moduli.forEach(({ lanes: { prime } }, which) => {
      startState(this.#state, key, nonceOf(polynomial, which));
      this.#exports.uniformWords(
        this.#stateAt,
        this.#roomAt,
        this.#lanes.wordsOf(which),
        this.#degree,
        prime,
      );
    });
  }

  /** `errors` of the centred binomial distribution of SEAL: 21 coins minus 21 coins. N is a multiple of 128. */
  drawErrors(key: Uint8Array, index: number): void {
    startState(this.#state, key, nonceOf({ domain: 'error', index }, 0));
    this.#exports.errors(this.#stateAt, this.#roomAt, this.#errorsAt, this.#degree);
  }

  /** `errors` uniform in {-1, 0, 1}. */
  drawTernary(key: Uint8Array, index: number): void {
    startState(this.#state, key, nonceOf({ domain: 'secret', index }, 0));
    this.#exports.ternary(this.#stateAt, this.#roomAt, this.#errorsAt, this.#degree);
  }

  /** Overwrites the stream's state, what was drawn and what was computed; the key stays. */
  wipeDraws(): void {
    this.#bytes.fill(0, this.#stateAt, this.#positionsAt);
    this.#bytes.fill(0, this.#valuesAt, this.#gatheredAt + 8 * this.#degree);
  }

  /** Overwrites all that is secret. */
  wipe(): void {
    this.wipeDraws();
    this.#bytes.fill(0, this.#keysAt);
  }
}

/** Bytes in which gathered residues of a prime lie. */
export function bytesOf(prime: bigint): 4 | 8 {
  return prime < 2n ** 31n ? 4 : 8;
}
