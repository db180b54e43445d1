import { inverseModulo, RECORD_BYTES, writeRecord } from './lanePrimes.ts';
import type { ModulusLanes } from './lanePrimes.ts';
import type { RingExports } from './module.ts';
import { transformTables } from './tables.ts';
import type { ShoupConstants } from './tables.ts';

/** Most lanes that a prime takes. */
export const MOST_LANES = 3;
/** Roots and inverse roots, each with its quotients. */
const LISTS_PER_LANE = 4;

/** A lane prime with the addresses of its constants, each list followed by its quotients. */
interface Lane {
  readonly prime: number;
  readonly ratio: bigint;
  readonly inverseDegree: bigint;
  readonly roots: number;
  readonly inverseRoots: number;
}

/** A prime with its lanes, and where its record lies. */
export interface Modulus {
  readonly lanes: ModulusLanes;
  /** Numbers of its lanes. */
  readonly numbers: readonly number[];
  readonly record: number;
}

/** What is worked on, and where the constants lie that never change. */
export interface LaneRoom {
  readonly degree: number;
  /** A polynomial modulo all primes: 64-bit words, prime by prime. */
  readonly wordsAt: number;
  /** One polynomial modulo up to three lane primes: N numbers of 32 bits each. */
  readonly valuesAt: number;
  readonly tablesAt: number;
}

/** Transforms of polynomials modulo some primes of at most 60 bits, lane by lane, over a memory that someone else lays out. */
export class LaneTransforms {
  readonly moduli: readonly Modulus[];
  readonly lanes: readonly Lane[];
  readonly #exports: RingExports;
  readonly #room: LaneRoom;
  readonly #words32: Uint32Array;

  /** Bytes of the constants. */
  static tableBytes(degree: number, moduli: readonly ModulusLanes[]): number {
    return moduli.length * RECORD_BYTES + lanePrimesOf(moduli).length * LISTS_PER_LANE * 4 * degree;
  }

  constructor(
    exports: RingExports,
    memory: ArrayBufferLike,
    moduli: readonly ModulusLanes[],
    room: LaneRoom,
  ) {
    this.#exports = exports;
    this.#room = room;
    this.#words32 = new Uint32Array(memory);
    const lanePrimes = lanePrimesOf(moduli);
    const lanesAt = room.tablesAt + moduli.length * RECORD_BYTES;
    const laneBytes = LISTS_PER_LANE * 4 * room.degree;
    this.lanes = lanePrimes.map((prime, index) => this.#makeLane(prime, lanesAt + index * laneBytes));
    this.moduli = moduli.map((lanes, index) => {
      const record = room.tablesAt + index * RECORD_BYTES;
      writeRecord(new DataView(memory, record, RECORD_BYTES), lanes);
      return { lanes, record, numbers: lanes.lanes.map((prime) => lanePrimes.indexOf(Number(prime))) };
    });
  }

  #makeLane(prime: number, at: number): Lane {
    const { degree } = this.#room;
    const tables = transformTables(degree, prime);
    const modulus = BigInt(prime);
    this.#store(at, tables.roots);
    this.#store(at + 8 * degree, tables.inverseRoots);
    return {
      prime,
      ratio: 2n ** 64n / modulus,
      inverseDegree: inverseModulo(BigInt(degree), modulus),
      roots: at,
      inverseRoots: at + 8 * degree,
    };
  }

  #store(at: number, { values, quotients }: ShoupConstants): void {
    this.#words32.set(values, at / 4);
    this.#words32.set(quotients, this.quotients(at) / 4);
  }

  /** Where the quotients of a list lie. */
  quotients(list: number): number {
    return list + 4 * this.#room.degree;
  }

  values(place: number): number {
    return this.#room.valuesAt + place * 4 * this.#room.degree;
  }

  wordsOf(which: number): number {
    return this.#room.wordsAt + which * 8 * this.#room.degree;
  }

  /** The words of prime number `which` modulo lane prime number `number`, transformed, into place number `place`. */
  toLane(which: number, number: number, place: number): void {
    const { degree } = this.#room;
    const { lanes, record } = this.moduli[which]!;
    const { prime, ratio } = this.lanes[number]!;
    const values = this.values(place);
    const words = this.wordsOf(which);
    if (lanes.kind === 'narrow') this.#exports.narrowWords(words, values, degree);
    else {
      const modulus = BigInt(prime);
      this.#exports.toLane(words, values, degree, record, modulus, ratio, lanes.prime % modulus);
    }
    this.forward(number, values);
  }

  /** Small signed coefficients modulo a lane prime, transformed. */
  liftSmall(number: number, small: number, values: number): void {
    this.#exports.liftSmall(small, values, this.#room.degree, this.lanes[number]!.prime);
    this.forward(number, values);
  }

  forward(number: number, values: number): void {
    const { roots, prime } = this.lanes[number]!;
    this.#exports.forward(values, roots, this.quotients(roots), this.#room.degree, prime);
  }

  inverse(number: number, values: number): void {
    const { inverseRoots, prime } = this.lanes[number]!;
    this.#exports.inverse(values, inverseRoots, this.quotients(inverseRoots), this.#room.degree, prime);
  }

  /** Transformed values, divided by N, as a factor with its quotients. */
  storeFactor(number: number, values: number, factor: number): void {
    const { prime, inverseDegree, ratio } = this.lanes[number]!;
    const modulus = BigInt(prime);
    const quotient = (inverseDegree << 32n) / modulus;
    const { degree } = this.#room;
    this.#exports.storeKey(values, factor, degree, modulus, inverseDegree, quotient, ratio);
  }

  /** The words of prime number `which` from what stands in the places of its lanes. */
  join(which: number): void {
    const { degree } = this.#room;
    const { lanes, record } = this.moduli[which]!;
    const [first, second, third] = [this.values(0), this.values(1), this.values(2)];
    const words = this.wordsOf(which);
    if (lanes.kind === 'narrow') this.#exports.widenValues(first, words, degree);
    else if (lanes.lanes.length === 2) this.#exports.joinTwo(first, second, words, degree, record);
    else this.#exports.joinThree(first, second, third, words, degree, record);
  }
}

function lanePrimesOf(moduli: readonly ModulusLanes[]): number[] {
  return [...new Set(moduli.flatMap(({ lanes }) => lanes.map(Number)))];
}
