import { internalError } from '../../compiler/base/errors.ts';
import { makeMemory, memoryBytes } from '../wasm.ts';
import { hasLanes, modulusLanes } from './lanePrimes.ts';
import type { ModulusLanes } from './lanePrimes.ts';
import { LaneTransforms, MOST_LANES } from './laneTransforms.ts';
import type { RingExports, RingModule } from './module.ts';

const FIRST_ADDRESS = 1024;

/** A sparse polynomial with small coefficients. */
export interface SparsePolynomial {
  readonly exponents: Int32Array;
  readonly values: Int32Array;
}

/** What sums are made of. */
export interface RowProductsShape {
  readonly degree: number;
  /** Each of at most 60 bits and 1 modulo 2 * degree. */
  readonly primes: readonly bigint[];
  /** Largest L1 norm of the polynomials of one row together. */
  readonly rowL1: number;
  /** Largest absolute coefficient of any of them. */
  readonly largest: number;
}

/** How many of each there is room for. */
export interface RowProductsRoom {
  /** Inputs that are kept. */
  readonly inputs: number;
  /** Sparse polynomials that are kept. */
  readonly polynomials: number;
  /** Sums that are made side by side. */
  readonly sums: number;
}

/**
 * Whether sums of that size can be told from their residues, and every coefficient lies in the lanes as it is: it is lifted by
 * one addition of the lane's prime.
 */
export function hasRowProducts({ degree, primes, rowL1, largest }: RowProductsShape): boolean {
  return primes.every(
    (prime) =>
      hasLanes(prime, rowL1) && modulusLanes(degree, prime, rowL1).lanes.every((lane) => largest < lane),
  );
}

/** Bytes of one of each: in every lane an input with its quotients, and 32-bit values. */
export function rowProductsBytes({
  degree,
  primes,
  rowL1,
}: RowProductsShape): Readonly<Record<keyof RowProductsRoom, number>> {
  const lanes = primes.reduce((sum, prime) => sum + modulusLanes(degree, prime, rowL1).lanes.length, 0);
  const values = lanes * 4 * degree;
  return { inputs: 2 * values, polynomials: values, sums: values };
}

/** Where everything lies: the sparse polynomial at work from `FIRST_ADDRESS` on, then the rest in this order. */
interface RowProductsLayout {
  readonly moduli: readonly ModulusLanes[];
  readonly valuesAt: number;
  readonly wordsAt: number;
  readonly tablesAt: number;
  readonly kept: Readonly<Record<keyof RowProductsRoom, number>>;
  readonly end: number;
}

function layoutOf(shape: RowProductsShape, room: RowProductsRoom): RowProductsLayout {
  const { degree, primes, rowL1 } = shape;
  const each = rowProductsBytes(shape);
  const list = 4 * degree;
  const moduli = primes.map((prime) => modulusLanes(degree, prime, rowL1));
  const valuesAt = FIRST_ADDRESS + list;
  const wordsAt = valuesAt + MOST_LANES * list;
  const tablesAt = wordsAt + 2 * list * primes.length;
  const inputs = tablesAt + LaneTransforms.tableBytes(degree, moduli);
  const polynomials = inputs + room.inputs * each.inputs;
  const sums = polynomials + room.polynomials * each.polynomials;
  const end = sums + room.sums * each.sums;
  return { moduli, valuesAt, wordsAt, tablesAt, kept: { inputs, polynomials, sums }, end };
}

/** Bytes that `RowProducts` takes for so many. */
export function rowProductsMemory(shape: RowProductsShape, room: RowProductsRoom): number {
  return memoryBytes(layoutOf(shape, room).end);
}

/**
 * Sums of products of sparse polynomials with kept ones, modulo X^N + 1 and each of some primes, by transforms. Exact. Inputs
 * and sparse polynomials are transformed where they are kept, sums are made lane by lane, and transformed back once.
 */
export class RowProducts {
  /** The polynomial that goes in or came out, 64-bit words in 32-bit halves, prime by prime. */
  readonly words: Uint32Array;
  /** Bytes of everything. */
  readonly byteLength: number;
  readonly #exports: RingExports;
  readonly #lanes: LaneTransforms;
  readonly #bytes: Uint8Array;
  readonly #degree: number;
  /** 32-bit values of one polynomial modulo one lane prime, bytes. */
  readonly #listBytes: number;
  readonly #small: Int32Array;
  readonly #at: Readonly<Record<keyof RowProductsRoom, number>>;
  readonly #each: Readonly<Record<keyof RowProductsRoom, number>>;

  /** @param shape one that `hasRowProducts` */
  constructor(module: RingModule, shape: RowProductsShape, room: RowProductsRoom) {
    if (!hasRowProducts(shape)) throw internalError('sums or coefficients that the lanes do not hold');
    const { degree, primes } = shape;
    const { moduli, valuesAt, wordsAt, tablesAt, kept, end } = layoutOf(shape, room);
    this.#degree = degree;
    this.#listBytes = 4 * degree;
    this.#each = rowProductsBytes(shape);
    this.#at = kept;
    const memory = makeMemory(end);
    this.byteLength = memory.buffer.byteLength;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#small = new Int32Array(memory.buffer, FIRST_ADDRESS, degree);
    this.words = new Uint32Array(memory.buffer, wordsAt, 2 * degree * primes.length);
    this.#exports = module.instantiate(memory);
    this.#lanes = new LaneTransforms(this.#exports, memory.buffer, moduli, {
      degree,
      wordsAt,
      valuesAt,
      tablesAt,
    });
  }

  #place(kind: keyof RowProductsRoom, index: number): number {
    return this.#at[kind] + index * this.#each[kind];
  }

  /** Calls `each` with the number of every lane's prime, modulus by modulus. */
  #forLanes(each: (number: number, lane: number) => void): void {
    let lane = 0;
    for (const { numbers } of this.#lanes.moduli) for (const number of numbers) each(number, lane++);
  }

  /** Keeps `words` as input number `input`. */
  keepInput(input: number): void {
    let at = this.#place('inputs', input);
    this.#lanes.moduli.forEach(({ numbers }, which) => {
      for (const number of numbers) {
        this.#lanes.toLane(which, number, 0);
        this.#lanes.storeFactor(number, this.#lanes.values(0), at);
        at += 2 * this.#listBytes;
      }
    });
  }

  /** Keeps a sparse polynomial under that number. */
  keepPolynomial(polynomial: number, { exponents, values }: SparsePolynomial): void {
    const small = this.#small;
    const { length } = exponents;
    for (let index = 0; index < length; index++) small[exponents[index]!] = values[index]!;
    const at = this.#place('polynomials', polynomial);
    this.#forLanes((number, lane) => {
      this.#lanes.liftSmall(number, FIRST_ADDRESS, at + lane * this.#listBytes);
    });
    for (let index = 0; index < length; index++) small[exponents[index]!] = 0;
  }

  /** Makes a sum 0. */
  clear(sum: number): void {
    const at = this.#place('sums', sum);
    this.#bytes.fill(0, at, at + this.#each.sums);
  }

  /** Adds the product of a kept input and a kept polynomial to a sum. */
  add(sum: number, input: number, polynomial: number): void {
    const list = this.#listBytes;
    const sums = this.#place('sums', sum);
    const factors = this.#place('inputs', input);
    const values = this.#place('polynomials', polynomial);
    this.#forLanes((number, lane) => {
      const factor = factors + lane * 2 * list;
      this.#exports.multiplyAdd(
        values + lane * list,
        factor,
        this.#lanes.quotients(factor),
        sums + lane * list,
        this.#degree,
        this.#lanes.lanes[number]!.prime,
      );
    });
  }

  /** words = a sum, which is used up. */
  finish(sum: number): void {
    const list = this.#listBytes;
    let at = this.#place('sums', sum);
    this.#lanes.moduli.forEach(({ numbers }, which) => {
      numbers.forEach((number, place) => {
        const values = this.#lanes.values(place);
        this.#bytes.copyWithin(values, at, at + list);
        this.#lanes.inverse(number, values);
        at += list;
      });
      this.#lanes.join(which);
    });
  }
}
