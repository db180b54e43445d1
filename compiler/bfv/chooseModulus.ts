import { bitLength } from '../base/interval.ts';
import { greatestCommonDivisor, MAX_PRIME_BITS, MIN_PRIME_BITS, nttPrimes } from '../rings/primes.ts';
import { decryptionIsCertain } from './noise.ts';
import type { TwiceNoise } from './noise.ts';
import { largestModulusBits } from './security.ts';
import type { Degree, SecurityBits } from './security.ts';
import { limbBoundary } from '../rings/digits.ts';

/** What the coefficient modulus has to carry. */
export interface ModulusDemand {
  readonly degree: Degree;
  readonly plainModulus: number;
  /** Bound on the noise of a result. */
  readonly noise: TwiceNoise;
  readonly securityBits: SecurityBits;
}

/** The smallest coefficient modulus for a demand, or by how much the degree is too small. */
export type ModulusChoice =
  | {
      readonly kind: 'found';
      readonly dataPrimes: readonly bigint[];
    }
  | { readonly kind: 'refused'; readonly neededBits: number; readonly allowedBits: number };

function product(values: readonly bigint[]): bigint {
  return values.reduce((result, value) => result * value, 1n);
}

/**
 * Data primes whose sizes add up to `bits`, as equal as possible, as few as 60-bit primes allow; primes that divide t
 * are passed over (SEAL wants t coprime to q). `null` where that many primes of the size do not exist.
 * @param largest bound on a prime of so many bits, where there is one
 */
export function dataPrimesOfBits(
  degree: Degree,
  bits: number,
  plainModulus: number,
  largest: (bits: number) => bigint | undefined = () => undefined,
): bigint[] | null {
  const count = Math.ceil(bits / MAX_PRIME_BITS);
  const primes: bigint[] = [];
  for (let index = 0; index < count; index++) {
    const size = Math.floor((bits + index) / count);
    const prime = usablePrime(degree, size, plainModulus, primes, largest(size));
    if (prime === undefined) return null;
    primes.push(prime);
  }
  // Largest first: SEAL's chain drops primes from the end.
  return primes.sort((left, right) => (left < right ? 1 : -1));
}

/** A prime of so many bits that SEAL takes beside t and the others; undefined for none. */
export function usablePrime(
  degree: Degree,
  bits: number,
  plainModulus: number,
  exclude: readonly bigint[],
  largest?: bigint,
): bigint | undefined {
  const t = BigInt(plainModulus);
  // Two to spare: at most a few primes divide t.
  const candidates = nttPrimes(degree, bits, 3, exclude, largest);
  return candidates.find((prime) => greatestCommonDivisor(prime, t) === 1n);
}

/**
 * Smallest q, searched bit by bit: one prime of 14 to 60 bits, and more primes only where one cannot do it. The rule is
 * that of noise.ts, the limit the table of security.ts. Nothing is key-switched, so there is no special prime. Of the primes of as many bits
 * those within the direct kernel's limb boundary come first, where the rule lets them through.
 */
export function chooseModulus(demand: ModulusDemand): ModulusChoice {
  const { degree, plainModulus, noise, securityBits } = demand;
  const allowedBits = largestModulusBits(degree, securityBits);
  // q > 2 t v, so no q of fewer bits than t * 2v can pass.
  const neededBits = Math.max(MIN_PRIME_BITS, bitLength(noise * BigInt(plainModulus)));
  for (let bits = neededBits; bits <= allowedBits; bits++) {
    const dataPrimes = [limbBoundary, undefined]
      .map((boundary) => dataPrimesOfBits(degree, bits, plainModulus, boundary))
      .find((primes) => primes !== null && decryptionIsCertain(product(primes), plainModulus, noise));
    if (dataPrimes === null || dataPrimes === undefined) continue;
    const total = dataPrimes.reduce((sum, prime) => sum + bitLength(prime), 0);
    if (total <= allowedBits) return { kind: 'found', dataPrimes };
    return { kind: 'refused', neededBits: total, allowedBits };
  }
  return { kind: 'refused', neededBits: Math.max(neededBits, allowedBits + 1), allowedBits };
}
