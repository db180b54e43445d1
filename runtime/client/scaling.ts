import type { ElementPlaces } from '../../compiler/lowering/layout.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';

/**
 * What an encryption adds to c0 for a message: q m / t rounded as SEAL rounds it, floor((q m + floor((t + 1) / 2)) / t)
 * (multiply_add_plain_with_scaling_variant). Looked up in a table over the values that inputs can have, so that adding
 * a message to an encryption of zero is typed-array work.
 */

/** floor((q * message + floor((t + 1) / 2)) / t), exact. */
export function scaledMessage(q: bigint, plainModulus: number, message: number): bigint {
  const t = BigInt(plainModulus);
  return (q * BigInt(message) + (t + 1n) / 2n) / t;
}

/** The scaled message of every input value, modulo each data prime, in 32-bit halves. */
export class ScalingTable {
  readonly #lowest: number;
  readonly #primes: readonly { readonly low: number; readonly high: number; readonly halves: Uint32Array }[];

  /** @param values x - zeroPoint over the input range */
  constructor(parameters: Parameters, values: Interval) {
    this.#lowest = values.lo;
    const primes = parameters.dataPrimes.map(BigInt);
    const q = primes.reduce((product, prime) => product * prime, 1n);
    const { plainModulus } = parameters;
    const count = values.hi - values.lo + 1;
    const tables = primes.map(() => new Uint32Array(2 * count));
    for (let index = 0; index < count; index++) {
      const residue = (((values.lo + index) % plainModulus) + plainModulus) % plainModulus;
      const scaled = scaledMessage(q, plainModulus, residue);
      primes.forEach((prime, which) => {
        const word = scaled % prime;
        tables[which]![2 * index] = Number(word & 0xffffffffn);
        tables[which]![2 * index + 1] = Number(word >> 32n);
      });
    }
    this.#primes = primes.map((prime, which) => ({
      low: Number(prime & 0xffffffffn),
      high: Number(prime >> 32n),
      halves: tables[which]!,
    }));
  }

  /** Adds a placed message: data[element] - zeroPoint at its coefficient, and nothing anywhere else. */
  addMessage(
    words: Uint32Array,
    degree: number,
    places: ElementPlaces,
    data: Float64Array,
    zeroPoint: number,
  ): void {
    const { positions, elements } = places;
    for (let index = 0; index < elements.length; index++) {
      this.add(words, degree, positions[index]!, data[elements[index]!]! - zeroPoint);
    }
  }

  /**
   * words[coefficient] += the scaled value under every prime. `words` holds the polynomial prime by prime, each
   * coefficient in two halves, all below their prime.
   */
  add(words: Uint32Array, degree: number, coefficient: number, value: number): void {
    const entry = 2 * (value - this.#lowest);
    for (let which = 0; which < this.#primes.length; which++) {
      const { low, high, halves } = this.#primes[which]!;
      const at = 2 * (which * degree + coefficient);
      const lowSum = words[at]! + halves[entry]!;
      let sumLow = lowSum >>> 0;
      // Primes have at most 60 bits: the sum of two residues fits 61 and the high halves do not overflow.
      let sumHigh = words[at + 1]! + halves[entry + 1]! + (lowSum > 0xffffffff ? 1 : 0);
      if (sumHigh > high || (sumHigh === high && sumLow >= low)) {
        const borrow = sumLow < low ? 1 : 0;
        sumLow = (sumLow - low) >>> 0;
        sumHigh = sumHigh - high - borrow;
      }
      words[at] = sumLow;
      words[at + 1] = sumHigh;
    }
  }
}
