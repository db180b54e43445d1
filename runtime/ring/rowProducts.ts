import { makeMemory } from '../wasm.ts';
import { hasLanes, modulusLanes } from './lanePrimes.ts';
import { LaneTransforms, MOST_LANES } from './laneTransforms.ts';
import type { RingExports, RingModule } from './module.ts';

const FIRST_ADDRESS = 1024;

/** A sparse polynomial with small coefficients. */
export interface SparsePolynomial {
  readonly exponents: Int32Array;
  readonly values: Int32Array;
}

/** One product of a row: an input and what it is multiplied by. */
export interface RowTerm {
  readonly input: number;
  readonly polynomial: SparsePolynomial;
}

/** What sums are made of. */
export interface RowProductsShape {
  readonly degree: number;
  /** Each of at most 60 bits and 1 modulo 2 * degree. */
  readonly primes: readonly bigint[];
  /** Inputs that are kept. */
  readonly inputs: number;
  /** Largest L1 norm of the polynomials of one row together. */
  readonly rowL1: number;
}

/** Whether sums of that size can be told from their residues. */
export function hasRowProducts({ primes, rowL1 }: RowProductsShape): boolean {
  return primes.every((prime) => hasLanes(prime, rowL1));
}

/** Bytes of the transformed inputs: most of the memory. */
export function rowProductsBytes({ degree, primes, inputs, rowL1 }: RowProductsShape): number {
  const lanes = primes.reduce((sum, prime) => sum + modulusLanes(degree, prime, rowL1).lanes.length, 0);
  return inputs * lanes * 8 * degree;
}

/**
 * Sums of products of sparse polynomials with kept ones, modulo X^N + 1 and each of some primes, by transforms: for hints, whose
 * rows are needed at all coefficients. Exact. Inputs are transformed once; a polynomial is lifted and transformed where it
 * is used, added up lane by lane, and a row is transformed back once.
 */
export class RowProducts {
  /** The polynomial that goes in or came out, 64-bit words in 32-bit halves, prime by prime. */
  readonly words: Uint32Array;
  readonly #exports: RingExports;
  readonly #lanes: LaneTransforms;
  readonly #bytes: Uint8Array;
  readonly #degree: number;
  readonly #small: Int32Array;
  readonly #smallAt = FIRST_ADDRESS;
  readonly #transformedAt: number;
  readonly #inputsAt: number;
  readonly #inputBytes: number;

  constructor(module: RingModule, shape: RowProductsShape) {
    const { degree, primes, inputs, rowL1 } = shape;
    const list = 4 * degree;
    const moduli = primes.map((prime) => modulusLanes(degree, prime, rowL1));
    const laneCount = moduli.reduce((sum, { lanes }) => sum + lanes.length, 0);
    this.#degree = degree;
    this.#transformedAt = this.#smallAt + list;
    const valuesAt = this.#transformedAt + list;
    const wordsAt = valuesAt + MOST_LANES * list;
    const tablesAt = wordsAt + 2 * list * primes.length;
    this.#inputsAt = tablesAt + LaneTransforms.tableBytes(degree, moduli);
    this.#inputBytes = laneCount * 2 * list;
    const memory = makeMemory(this.#inputsAt + inputs * this.#inputBytes);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#small = new Int32Array(memory.buffer, this.#smallAt, degree);
    this.words = new Uint32Array(memory.buffer, wordsAt, 2 * degree * primes.length);
    this.#exports = module.instantiate(memory);
    const room = { degree, wordsAt, valuesAt, tablesAt };
    this.#lanes = new LaneTransforms(this.#exports, memory.buffer, moduli, room);
  }

  /** Keeps `words` as input number `input`. */
  keep(input: number): void {
    let at = this.#inputsAt + input * this.#inputBytes;
    this.#lanes.moduli.forEach(({ numbers }, which) => {
      for (const number of numbers) {
        this.#lanes.toLane(which, number, 0);
        this.#lanes.storeFactor(number, this.#lanes.values(0), at);
        at += 8 * this.#degree;
      }
    });
  }

  /** words = the sum of the terms. */
  compute(terms: readonly RowTerm[]): void {
    let lanesBefore = 0;
    this.#lanes.moduli.forEach(({ numbers }, which) => {
      const sums = this.#lanes.values(0);
      this.#bytes.fill(0, sums, sums + numbers.length * 4 * this.#degree);
      for (const { input, polynomial } of terms) {
        const kept = this.#inputsAt + input * this.#inputBytes + lanesBefore * 8 * this.#degree;
        this.#addProduct(numbers, kept, polynomial);
      }
      numbers.forEach((number, place) => {
        this.#lanes.inverse(number, this.#lanes.values(place));
      });
      this.#lanes.join(which);
      lanesBefore += numbers.length;
    });
  }

  #addProduct(numbers: readonly number[], kept: number, { exponents, values }: SparsePolynomial): void {
    const small = this.#small;
    const transformed = this.#transformedAt;
    for (let index = 0; index < values.length; index++) small[exponents[index]!] = values[index]!;
    numbers.forEach((number, place) => {
      const factor = kept + place * 8 * this.#degree;
      this.#lanes.liftSmall(number, this.#smallAt, transformed);
      this.#exports.multiplyAdd(
        transformed,
        factor,
        this.#lanes.quotients(factor),
        this.#lanes.values(place),
        this.#degree,
        this.#lanes.lanes[number]!.prime,
      );
    });
    const { length } = exponents;
    for (let index = 0; index < length; index++) small[exponents[index]!] = 0;
  }
}
