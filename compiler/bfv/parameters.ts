import type { Degree, SecurityBits } from './security.ts';

/** BFV parameters. */
export interface Parameters {
  /** Ring degree N. */
  readonly degree: Degree;
  /** t. */
  readonly plainModulus: number;
  /** Primes that carry data, decimal strings. */
  readonly dataPrimes: readonly string[];
  /** The special prime of key switching, decimal; present exactly where something is rotated or relinearized. */
  readonly specialPrime: string | null;
  /** Bits of security that N and the bits of all primes together give at least (security.ts). */
  readonly securityBits: SecurityBits;
}

/** Product of the primes that carry data: the q of noise and decryption. */
export function dataModulus(parameters: Parameters): bigint {
  return parameters.dataPrimes.reduce((product, prime) => product * BigInt(prime), 1n);
}

/** Bits of every prime, the special one last, as SEAL is given them. */
export function coeffModulusBits(parameters: Parameters): number[] {
  return allPrimes(parameters).map((prime) => prime.toString(2).length);
}

/** Every prime in SEAL's order: data primes, then the special prime if there is one. */
export function allPrimes(parameters: Parameters): bigint[] {
  const primes = parameters.dataPrimes.map(BigInt);
  return parameters.specialPrime === null ? primes : [...primes, BigInt(parameters.specialPrime)];
}
