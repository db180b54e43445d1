import { bitLength } from '../base/interval.ts';
import { isPrime, MAX_PRIME_BITS, MIN_PRIME_BITS, nttPrimes } from '../rings/primes.ts';
import { NO_STEPS } from '../bfv/dropStep.ts';
import { decryptionIsCertain } from '../bfv/noise.ts';
import type { Failure } from '../bfv/noise.ts';
import { diagonalsNoise } from './noise.ts';
import type { DiagonalsNorms } from './noise.ts';
import { largestModulusBits } from '../bfv/security.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';

/** What the coefficient modulus of a diagonals plan has to carry. */
export interface RotationDemand {
  readonly degree: Degree;
  readonly plainModulus: number;
  readonly failure: Failure;
  readonly securityBits: SecurityBits;
  readonly norms: DiagonalsNorms;
  /** Coefficients that decryption reads. */
  readonly coefficients: number;
  /** Whether anything is rotated; else one data prime needs no special prime. */
  readonly rotates: boolean;
}

/** Sizes of the primes, in bits. */
interface ModulusSizes {
  readonly data: readonly number[];
  /** null: no special prime. */
  readonly special: number | null;
}

/** Primes for `ModulusSizes`. */
export interface RotationModulus {
  readonly dataPrimes: readonly bigint[];
  readonly specialPrime: bigint | null;
}

/** Data primes tried: more digits make less noise and more work. */
export const DATA_PRIMES = [1, 2, 3, 4, 5, 6, 8, 10, 12] as const;

/** t below 2^51: sums of two residues and the intervals stay exact doubles. */
const LARGEST_PLAIN_MODULUS = 2 ** 51;

/** The smallest prime t = 1 mod 2N that is at least `width`, or null when it would pass 2^51. */
export function batchingPrime(degree: Degree, width: number): number | null {
  const step = 2 * degree;
  let candidate = Math.max(1, Math.ceil((width - 1) / step)) * step + 1;
  while (candidate < LARGEST_PLAIN_MODULUS && !isPrime(BigInt(candidate))) candidate += step;
  return candidate < LARGEST_PLAIN_MODULUS ? candidate : null;
}

/** `total` bits over `count` primes, as equal as possible, largest first. */
function sizesOf(total: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor((total + count - 1 - index) / count));
}

/** Whether honest results decrypt right under these primes, by the rule of the demand. */
function carries(demand: RotationDemand, { dataPrimes, specialPrime }: RotationModulus): boolean {
  const { degree, failure, norms, coefficients, plainModulus } = demand;
  const { response } = diagonalsNoise({
    degree,
    plainModulus,
    failure,
    dataPrimes,
    specialPrime,
    norms,
    coefficients,
    steps: NO_STEPS,
  });
  return decryptionIsCertain(
    dataPrimes.reduce((product, prime) => product * prime, 1n),
    plainModulus,
    response,
  );
}

/** How primes of given sizes are had: real ones, or for an estimate their sizes alone. */
export type PrimesOfSizes = (sizes: ModulusSizes) => RotationModulus | null;

/** Bits that q needs for what is not made by key switching errors. */
function leastBits({ degree, failure, norms, coefficients, plainModulus }: RotationDemand): number {
  const { response } = diagonalsNoise({
    degree,
    plainModulus,
    failure,
    dataPrimes: [],
    specialPrime: null,
    norms,
    coefficients,
    steps: NO_STEPS,
  });
  return bitLength(response * BigInt(plainModulus));
}

/**
 * The smallest q of `count` data primes that carries the demand, and the smallest special prime with it: first q with the
 * largest special prime that the table leaves room for, then as small a special prime as q allows. Null where none does.
 */
export function chooseSizes(
  demand: RotationDemand,
  count: number,
  primesOf: PrimesOfSizes,
): RotationModulus | null {
  const allowed = largestModulusBits(demand.degree, demand.securityBits);
  const needsSpecial = demand.rotates || count > 1;
  const smallest = Math.max(count * MIN_PRIME_BITS, leastBits(demand));
  for (let total = smallest; total <= Math.min(count * MAX_PRIME_BITS, allowed); total++) {
    const data = sizesOf(total, count);
    if (!needsSpecial) {
      const modulus = primesOf({ data, special: null });
      if (modulus !== null && carries(demand, modulus)) return modulus;
      continue;
    }
    const largest = Math.min(MAX_PRIME_BITS, allowed - total);
    const found = smallestSpecial(demand, data, largest, primesOf);
    if (found !== null) return found;
  }
  return null;
}

/** The smallest special prime of at most `largest` bits under which the data primes carry the demand: by halving. */
function smallestSpecial(
  demand: RotationDemand,
  data: readonly number[],
  largest: number,
  primesOf: PrimesOfSizes,
): RotationModulus | null {
  const carrying = (special: number): RotationModulus | null => {
    const modulus = primesOf({ data, special });
    return modulus !== null && carries(demand, modulus) ? modulus : null;
  };
  let found = largest < MIN_PRIME_BITS ? null : carrying(largest);
  if (found === null) return null;
  let [fails, passes] = [MIN_PRIME_BITS - 1, largest];
  while (passes - fails > 1) {
    const middle = (fails + passes) >> 1;
    const modulus = carrying(middle);
    if (modulus === null) {
      fails = middle;
    } else {
      passes = middle;
      found = modulus;
    }
  }
  return found;
}

/** Powers of two instead of primes: what an estimate needs, without looking for primes. */
export const powersOfTwo: PrimesOfSizes = ({ data, special }) => ({
  dataPrimes: data.map((bits) => 1n << BigInt(bits)),
  specialPrime: special === null ? null : 1n << BigInt(special - 1),
});

/** The largest NTT primes of the sizes, all different and none of them t; null where there are too few. */
export function realPrimes(degree: Degree, plainModulus: number): PrimesOfSizes {
  const known = new Map<number, bigint[]>();
  const ofSize = (bits: number): bigint[] => {
    let primes = known.get(bits);
    if (primes === undefined) {
      primes = nttPrimes(degree, bits, DATA_PRIMES.length + 4, [BigInt(plainModulus)]);
      known.set(bits, primes);
    }
    return primes;
  };
  return ({ data, special }) => {
    const chosen: bigint[] = [];
    for (const bits of special === null ? data : [...data, special]) {
      const prime = ofSize(bits).find((candidate) => !chosen.includes(candidate));
      if (prime === undefined) return null;
      chosen.push(prime);
    }
    return special === null
      ? { dataPrimes: chosen, specialPrime: null }
      : { dataPrimes: chosen.slice(0, -1), specialPrime: chosen.at(-1) ?? null };
  };
}
