import { powerModulo } from '../../compiler/rings/primes.ts';
import { makeMemory } from '../wasm.ts';
import { DRAW_STATE_BYTES, startState } from './draw.ts';
import type { RingExports, RingModule } from './module.ts';
import { shoupQuotient, transformTables } from './tables.ts';
import type { ShoupConstants } from './tables.ts';

const LINE = 64;
/** Address 0 stays free, and so do the first words. */
const FIRST_ADDRESS = 1024;
/** Three batches of four blocks, and the word that the last error reads beyond them. */
const ROOM_BYTES = 3 * 256 + LINE;

/** Address of the constants of one prime, each list followed by its quotients. */
interface PrimeAddresses {
  readonly prime: number;
  readonly roots: number;
  readonly inverseRoots: number;
  readonly key: number;
}

/**
 * Polynomials modulo X^N + 1 and primes q < 2^31, in WebAssembly memory of a fixed size: products with one secret key,
 * and what a client draws at random. `values` is the polynomial that is worked on and `errors` the drawn small one;
 * whoever reads them copies. Secrets lie in the memory until `wipe`.
 */
export class RingArithmetic {
  /** N residues. */
  readonly values: Uint32Array;
  /** N small signed coefficients. */
  readonly errors: Int32Array;
  readonly #exports: RingExports;
  readonly #degree: number;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #primes: readonly PrimeAddresses[];
  readonly #stateAt: number;
  readonly #roomAt: number;
  readonly #valuesAt: number;
  readonly #errorsAt: number;

  /** @param primes each below 2^31 and 1 modulo 2 * degree */
  constructor(module: RingModule, degree: number, primes: readonly number[]) {
    const list = degree * Uint32Array.BYTES_PER_ELEMENT;
    this.#degree = degree;
    this.#stateAt = FIRST_ADDRESS;
    this.#roomAt = this.#stateAt + DRAW_STATE_BYTES;
    this.#valuesAt = this.#roomAt + Math.ceil(ROOM_BYTES / LINE) * LINE;
    this.#errorsAt = this.#valuesAt + list;
    const first = this.#errorsAt + list;
    this.#primes = primes.map((prime, index) => {
      const at = first + index * 6 * list;
      return { prime, roots: at, inverseRoots: at + 2 * list, key: at + 4 * list };
    });
    const memory = makeMemory(first + primes.length * 6 * list);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.values = new Uint32Array(memory.buffer, this.#valuesAt, degree);
    this.errors = new Int32Array(memory.buffer, this.#errorsAt, degree);
    this.#exports = module.instantiate(memory);
    for (const { prime, roots, inverseRoots } of this.#primes) {
      const tables = transformTables(degree, prime);
      this.#store(roots, tables.roots);
      this.#store(inverseRoots, tables.inverseRoots);
    }
  }

  /** Takes the key that `multiplyByKey` multiplies by. @param key N coefficients in {-1, 0, 1} */
  setKey(key: Int8Array): void {
    for (let which = 0; which < this.#primes.length; which++) {
      const { prime, key: keyAt } = this.#primes[which]!;
      // -1 becomes q - 1 without a look at it.
      for (let index = 0; index < key.length; index++) {
        const value = key[index]!;
        this.values[index] = value + (prime & (value >> 31));
      }
      this.forward(which);
      this.#storeKey(keyAt, prime);
    }
    this.values.fill(0);
  }

  /** Coefficients in [0, q) to values, in place in `values`. */
  forward(which: number): void {
    const { prime, roots } = this.#primes[which]!;
    this.#exports.forward(this.#valuesAt, roots, this.#quotients(roots), this.#degree, prime);
  }

  /** values = values * key, coefficients in [0, q) in and out. */
  multiplyByKey(which: number): void {
    const { prime, key, inverseRoots } = this.#primes[which]!;
    this.forward(which);
    this.#exports.scale(this.#valuesAt, key, this.#quotients(key), this.#degree, prime);
    this.#exports.inverse(this.#valuesAt, inverseRoots, this.#quotients(inverseRoots), this.#degree, prime);
  }

  /** values = -(values + errors). */
  mask(which: number): void {
    this.#exports.mask(this.#valuesAt, this.#errorsAt, this.#degree, this.#primes[which]!.prime);
  }

  /**
   * Starts a stream of random bytes.
   * @param key 32 bytes
   * @param nonce what tells apart the streams of one key: two 32-bit words
   */
  startStream(key: Uint8Array, nonce: readonly [number, number]): void {
    startState(this.#words.subarray(this.#stateAt / 4, this.#stateAt / 4 + 16), key, nonce);
  }

  /** `values` uniform below the prime, from the stream. */
  drawUniform(which: number): void {
    const { prime } = this.#primes[which]!;
    this.#exports.uniform(this.#stateAt, this.#roomAt, this.#valuesAt, this.#degree, prime);
  }

  /** `errors` of the centred binomial distribution of SEAL: 21 coins minus 21 coins. N is a multiple of 128. */
  drawErrors(): void {
    this.#exports.errors(this.#stateAt, this.#roomAt, this.#errorsAt, this.#degree);
  }

  /** `errors` uniform in {-1, 0, 1}. */
  drawTernary(): void {
    this.#exports.ternary(this.#stateAt, this.#roomAt, this.#errorsAt, this.#degree);
  }

  /** Overwrites the stream's state and what was drawn; the key stays. */
  wipeDraws(): void {
    this.#bytes.fill(0, this.#stateAt, this.#errorsAt + this.#degree * Int32Array.BYTES_PER_ELEMENT);
  }

  /** Overwrites all that is secret. */
  wipe(): void {
    this.wipeDraws();
    for (const { key } of this.#primes) this.#bytes.fill(0, key, key + 8 * this.#degree);
  }

  #quotients(list: number): number {
    return list + this.#degree * Uint32Array.BYTES_PER_ELEMENT;
  }

  #store(at: number, { values, quotients }: ShoupConstants): void {
    this.#words.set(values, at / 4);
    this.#words.set(quotients, this.#quotients(at) / 4);
  }

  /** The transformed key divided by N, so that the inverse transform need not divide. */
  #storeKey(at: number, prime: number): void {
    const modulus = BigInt(prime);
    const inverseDegree = powerModulo(BigInt(this.#degree), modulus - 2n, modulus);
    for (let index = 0; index < this.#degree; index++) {
      const value = Number((BigInt(this.values[index]!) * inverseDegree) % modulus);
      this.#words[at / 4 + index] = value;
      this.#words[this.#quotients(at) / 4 + index] = shoupQuotient(value, prime);
    }
  }
}
