import { largestModulusBits } from '../bfv/security.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import { nttPrimes } from '../rings/primes.ts';
import type { NetworkNoise, NoiseModel } from './noise.ts';
import type { NetworkStep, StagePrimes } from './program.ts';

/** What carries a network: the primes of q, and where they are dropped. */
export interface NetworkModulus {
  readonly dataPrimes: readonly bigint[];
  readonly specialPrime: bigint;
  readonly primes: readonly StagePrimes[];
  readonly milliseconds: number;
  readonly noise: readonly NetworkNoise[];
}

/** What q is searched for. */
export interface ModulusSearch {
  readonly degree: Degree;
  readonly securityBits: SecurityBits;
  /** t, the largest of the plain moduli. */
  readonly plainModulus: number;
  readonly plainModuli: readonly number[];
  readonly stages: number;
  readonly model: NoiseModel;
  /** The steps with primes dropped like this. */
  readonly stepsWith: (primes: readonly StagePrimes[]) => readonly NetworkStep[];
  /** Of one run under one modulus. */
  readonly milliseconds: (primes: readonly StagePrimes[]) => number;
}

const MOST_DATA_PRIMES = 6;
/** Sizes of the special prime that are tried, bits. */
const SPECIAL_BITS = [60, 56, 52, 48, 46, 44, 42, 40, 38, 36, 34] as const;
const LARGEST_BITS = 60;
const SMALLEST_BITS = 30;

/** Every way to drop primes along the stages: sequences that start at `count` and never rise. */
function dropSequences(count: number, stages: number): StagePrimes[][] {
  const sequences = (length: number, most: number): number[][] =>
    length === 0
      ? [[]]
      : Array.from({ length: most }, (_, index) => index + 1).flatMap((first) =>
          sequences(length - 1, first).map((rest) => [first, ...rest]),
        );
  return sequences(2 * stages - 1, count).map((sequence) => {
    const all = [count, ...sequence];
    return Array.from({ length: stages }, (_, stage) => ({
      products: all[2 * stage]!,
      sums: all[2 * stage + 1]!,
    }));
  });
}

/** Primes of these sizes, the special one last, none of them twice and none a plain modulus; null where too few exist. */
class PrimePool {
  readonly #known = new Map<number, bigint[]>();
  readonly #degree: number;
  readonly #excluded: readonly bigint[];

  constructor(degree: number, plainModuli: readonly number[]) {
    this.#degree = degree;
    this.#excluded = plainModuli.map(BigInt);
  }

  take(sizes: readonly number[]): bigint[] | null {
    const taken: bigint[] = [];
    for (const bits of sizes) {
      let known = this.#known.get(bits);
      if (known === undefined) {
        known = nttPrimes(this.#degree, bits, MOST_DATA_PRIMES + 1, this.#excluded);
        this.#known.set(bits, known);
      }
      const prime = known.find((candidate) => !taken.includes(candidate));
      if (prime === undefined) return null;
      taken.push(prime);
    }
    return taken;
  }
}

/** `total` bits over `count` primes, as equal as possible, largest first. */
function equalSizes(total: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) =>
    Math.min(LARGEST_BITS, Math.floor((total + count - 1 - index) / count)),
  );
}

/** Looks for the cheapest q under which the model says that decryption is right. */
export class ModulusFinder {
  readonly #search: ModulusSearch;
  readonly #pool: PrimePool;
  readonly #allowed: number;
  /** The best budget that any q gave, for the refusal. Bits. */
  mostBudgetBits = -Infinity;

  constructor(search: ModulusSearch) {
    this.#search = search;
    this.#pool = new PrimePool(search.degree, search.plainModuli);
    this.#allowed = largestModulusBits(search.degree, search.securityBits);
  }

  /** Null where no q of this degree does. */
  find(): NetworkModulus | null {
    let best: NetworkModulus | null = null;
    for (let count = 1; count <= MOST_DATA_PRIMES; count++) {
      const specials = this.#specialsFor(count);
      if (specials.length === 0) continue;
      const candidates = dropSequences(count, this.#search.stages)
        .map((primes) => ({ primes, milliseconds: this.#search.milliseconds(primes) }))
        .sort((left, right) => left.milliseconds - right.milliseconds);
      for (const { primes, milliseconds } of candidates) {
        if (best !== null && milliseconds >= best.milliseconds) break;
        const found = this.#sizesFor(count, specials, primes, milliseconds);
        if (found === null) continue;
        best = this.#smaller(found);
        break;
      }
    }
    return best;
  }

  #attempt(
    sizes: readonly number[],
    special: number,
    primes: readonly StagePrimes[],
    milliseconds: number,
  ): NetworkModulus | null {
    const taken = this.#pool.take([...sizes, special]);
    const specialPrime = taken?.at(-1);
    if (taken === null || specialPrime === undefined) return null;
    const { degree, plainModulus, model, stepsWith } = this.#search;
    const dataPrimes = taken.slice(0, -1);
    const noise = model.stages({ degree, plainModulus, dataPrimes, specialPrime }, stepsWith(primes));
    const budget = noise.reduce((least, { budgetBits }) => Math.min(least, budgetBits), Infinity);
    this.mostBudgetBits = Math.max(this.mostBudgetBits, budget);
    return noise.every(({ isRight }) => isRight)
      ? { dataPrimes, specialPrime, primes, milliseconds, noise }
      : null;
  }

  /** Special primes that do where no prime is dropped; dropping one never helps the noise. */
  #specialsFor(count: number): number[] {
    const kept = Array.from({ length: this.#search.stages }, () => ({ products: count, sums: count }));
    return SPECIAL_BITS.filter((special) => this.#sizesFor(count, [special], kept, 0) !== null);
  }

  /** With the largest primes that the table leaves room for. */
  #sizesFor(
    count: number,
    specials: readonly number[],
    primes: readonly StagePrimes[],
    milliseconds: number,
  ): NetworkModulus | null {
    for (const special of specials) {
      const total = Math.min(count * LARGEST_BITS, this.#allowed - special);
      if (total < count * SMALLEST_BITS) continue;
      const found = this.#attempt(equalSizes(total, count), special, primes, milliseconds);
      if (found !== null) return found;
    }
    return null;
  }

  /** The same with data primes as small as they may be, the last ones first: less to send. */
  #smaller(found: NetworkModulus): NetworkModulus {
    let best = found;
    const sizes = found.dataPrimes.map((prime) => prime.toString(2).length);
    const special = found.specialPrime.toString(2).length;
    for (let index = sizes.length - 1; index >= 0; index--) {
      while (sizes[index]! > SMALLEST_BITS) {
        const fewer = sizes.with(index, sizes[index]! - 1);
        const next = this.#attempt(fewer, special, found.primes, found.milliseconds);
        if (next === null) break;
        best = next;
        sizes[index] = fewer[index]!;
      }
    }
    return best;
  }
}
