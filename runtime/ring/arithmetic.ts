import { internalError } from '../../compiler/base/errors.ts';
import { makeMemory } from '../wasm.ts';
import { DRAW_STATE_BYTES, nonceOf, startState } from './draw.ts';
import type { DrawnPolynomial } from './draw.ts';
import { inverseModulo, modulusLanes, RECORD_BYTES, writeRecord } from './lanePrimes.ts';
import type { ModulusLanes } from './lanePrimes.ts';
import type { RingExports, RingModule } from './module.ts';
import { transformTables } from './tables.ts';
import type { ShoupConstants } from './tables.ts';

const LINE = 64;
/** Address 0 stays free, and so do the first words. */
const FIRST_ADDRESS = 1024;
/** Three batches of four blocks, and the word that the last error reads beyond them. */
const ROOM_BYTES = 3 * 256 + LINE;
/** Most lanes that a prime takes. */
const MOST_LANES = 3;
/** Roots, inverse roots and the key, each with its quotients. */
const LISTS_PER_LANE = 6;

/** A lane prime with the addresses of its constants, each list followed by its quotients. */
interface Lane {
  readonly prime: number;
  readonly ratio: bigint;
  readonly inverseDegree: bigint;
  readonly roots: number;
  readonly inverseRoots: number;
  readonly key: number;
}

/** A prime with its lanes, and where its record lies. */
interface Modulus {
  readonly lanes: ModulusLanes;
  /** Numbers of its lanes. */
  readonly numbers: readonly number[];
  readonly record: number;
}

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
  readonly #moduli: readonly Modulus[];
  readonly #lanes: readonly Lane[];
  readonly #state: Uint32Array;
  readonly #stateAt = FIRST_ADDRESS;
  readonly #roomAt: number;
  readonly #errorsAt: number;
  readonly #positionsAt: number;
  readonly #valuesAt: number;
  readonly #wordsAt: number;
  readonly #gatheredAt: number;
  #loaded: GatheredPositions = null;

  /** @param primes each of at most 60 bits and 1 modulo 2 * degree */
  constructor(module: RingModule, degree: number, primes: readonly bigint[]) {
    const list = degree * Uint32Array.BYTES_PER_ELEMENT;
    const allLanes = primes.map((prime) => modulusLanes(degree, prime));
    const lanePrimes = [...new Set(allLanes.flatMap(({ lanes }) => lanes.map(Number)))];
    this.#degree = degree;
    this.#roomAt = this.#stateAt + DRAW_STATE_BYTES;
    this.#errorsAt = this.#roomAt + Math.ceil(ROOM_BYTES / LINE) * LINE;
    this.#positionsAt = this.#errorsAt + list;
    this.#valuesAt = this.#positionsAt + list;
    this.#wordsAt = this.#valuesAt + MOST_LANES * list;
    this.#gatheredAt = this.#wordsAt + 2 * list * primes.length;
    const recordsAt = this.#gatheredAt + 2 * list;
    const lanesAt = recordsAt + primes.length * RECORD_BYTES;
    const memory = makeMemory(lanesAt + lanePrimes.length * LISTS_PER_LANE * list);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words32 = new Uint32Array(memory.buffer);
    this.#state = new Uint32Array(memory.buffer, this.#stateAt, DRAW_STATE_BYTES / 4);
    this.words = new Uint32Array(memory.buffer, this.#wordsAt, 2 * degree * primes.length);
    this.errors = new Int32Array(memory.buffer, this.#errorsAt, degree);
    this.#exports = module.instantiate(memory);
    this.#lanes = lanePrimes.map((prime, index) =>
      this.#makeLane(prime, lanesAt + index * LISTS_PER_LANE * list),
    );
    this.#moduli = allLanes.map((lanes, index) => {
      const record = recordsAt + index * RECORD_BYTES;
      writeRecord(new DataView(memory.buffer, record, RECORD_BYTES), lanes);
      return { lanes, record, numbers: lanes.lanes.map((prime) => lanePrimes.indexOf(Number(prime))) };
    });
    this.laneCount = this.#moduli.reduce((sum, { numbers }) => sum + numbers.length, 0);
  }

  #makeLane(prime: number, at: number): Lane {
    const list = this.#degree * Uint32Array.BYTES_PER_ELEMENT;
    const tables = transformTables(this.#degree, prime);
    const modulus = BigInt(prime);
    const lane = {
      prime,
      ratio: 2n ** 64n / modulus,
      inverseDegree: inverseModulo(BigInt(this.#degree), modulus),
      roots: at,
      inverseRoots: at + 2 * list,
      key: at + 4 * list,
    };
    this.#store(lane.roots, tables.roots);
    this.#store(lane.inverseRoots, tables.inverseRoots);
    return lane;
  }

  /** Takes `errors`, coefficients in {-1, 0, 1}, as the key that `multiply` multiplies by. */
  setKey(): void {
    const degree = this.#degree;
    for (const { prime, ratio, inverseDegree, roots, key } of this.#lanes) {
      const modulus = BigInt(prime);
      this.#exports.liftSmall(this.#errorsAt, this.#valuesAt, degree, prime);
      this.#exports.forward(this.#valuesAt, roots, this.#quotients(roots), degree, prime);
      const quotient = (inverseDegree << 32n) / modulus;
      this.#exports.storeKey(this.#valuesAt, key, degree, modulus, inverseDegree, quotient, ratio);
    }
    this.#bytes.fill(0, this.#valuesAt, this.#valuesAt + 4 * degree);
  }

  /** The transforms of `words`, a copy that `multiply` takes. */
  transform(): TransformedPolynomial {
    const transformed = new Uint32Array(this.laneCount * this.#degree);
    let at = 0;
    this.#moduli.forEach((modulus, which) => {
      modulus.numbers.forEach((number, place) => {
        this.#toLane(modulus, which, number, place);
        const values = this.#values(place);
        transformed.set(this.#words32.subarray(values / 4, values / 4 + this.#degree), at);
        at += this.#degree;
      });
    });
    return transformed;
  }

  /** words = transformed * key. */
  multiply(transformed: TransformedPolynomial): void {
    let at = 0;
    this.#moduli.forEach((modulus, which) => {
      modulus.numbers.forEach((number, place) => {
        this.#words32.set(transformed.subarray(at, at + this.#degree), this.#values(place) / 4);
        this.#multiplyLane(number, place);
        at += this.#degree;
      });
      this.#join(modulus, which);
    });
  }

  /** words = words * key. */
  multiplyByKey(): void {
    this.#moduli.forEach((modulus, which) => {
      modulus.numbers.forEach((number, place) => {
        this.#toLane(modulus, which, number, place);
        this.#multiplyLane(number, place);
      });
      this.#join(modulus, which);
    });
  }

  /** The words of prime number `which` modulo a lane prime, transformed, into place number `place`. */
  #toLane({ lanes, record }: Modulus, which: number, number: number, place: number): void {
    const degree = this.#degree;
    const { prime, ratio, roots } = this.#lanes[number]!;
    const values = this.#values(place);
    const words = this.#wordsOf(which);
    if (lanes.kind === 'narrow') this.#exports.narrowWords(words, values, degree);
    else {
      const modulus = BigInt(prime);
      this.#exports.toLane(words, values, degree, record, modulus, ratio, lanes.prime % modulus);
    }
    this.#exports.forward(values, roots, this.#quotients(roots), degree, prime);
  }

  #multiplyLane(number: number, place: number): void {
    const { prime, key, inverseRoots } = this.#lanes[number]!;
    const values = this.#values(place);
    this.#exports.scale(values, key, this.#quotients(key), this.#degree, prime);
    this.#exports.inverse(values, inverseRoots, this.#quotients(inverseRoots), this.#degree, prime);
  }

  /** The words of prime number `which` from its lanes. */
  #join({ lanes, record }: Modulus, which: number): void {
    const [first, second, third] = [this.#values(0), this.#values(1), this.#values(2)];
    const words = this.#wordsOf(which);
    if (lanes.kind === 'narrow') this.#exports.widenValues(first, words, this.#degree);
    else if (lanes.lanes.length === 2) this.#exports.joinTwo(first, second, words, this.#degree, record);
    else this.#exports.joinThree(first, second, third, words, this.#degree, record);
  }

  /**
   * The words of all primes at `positions`, back to back: 4 bytes each for primes below 2^31, 8 for wider ones.
   * @param masked gives -(words + errors) instead
   */
  gather(positions: GatheredPositions, masked: 'words' | 'masks'): Uint8Array {
    const count = positions === null ? this.#degree : positions.length;
    const at = this.#loadPositions(positions);
    const sizes = this.#moduli.map(({ lanes }) => count * bytesOf(lanes.prime));
    const all = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    let end = 0;
    this.#moduli.forEach(({ lanes: { prime } }, which) => {
      const words = this.#wordsOf(which);
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
    this.#moduli.forEach(({ lanes: { prime } }, which) => {
      startState(this.#state, key, nonceOf(polynomial, which));
      this.#exports.uniformWords(this.#stateAt, this.#roomAt, this.#wordsOf(which), this.#degree, prime);
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
    for (const { key } of this.#lanes) this.#bytes.fill(0, key, key + 8 * this.#degree);
  }

  #values(place: number): number {
    return this.#valuesAt + place * this.#degree * Uint32Array.BYTES_PER_ELEMENT;
  }

  #wordsOf(which: number): number {
    return this.#wordsAt + which * this.#degree * 8;
  }

  #quotients(list: number): number {
    return list + this.#degree * Uint32Array.BYTES_PER_ELEMENT;
  }

  #store(at: number, { values, quotients }: ShoupConstants): void {
    this.#words32.set(values, at / 4);
    this.#words32.set(quotients, this.#quotients(at) / 4);
  }
}

/** Bytes in which gathered residues of a prime lie. */
export function bytesOf(prime: bigint): 4 | 8 {
  return prime < 2n ** 31n ? 4 : 8;
}
