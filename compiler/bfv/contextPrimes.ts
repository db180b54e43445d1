import { MIN_PRIME_BITS } from '../rings/primes.ts';
import { usablePrime } from './chooseModulus.ts';
import { allPrimes } from './parameters.ts';
import type { Parameters } from './parameters.ts';

/**
 * The primes that SEAL's context is made of. SEAL keeps the last of several primes for key switching, so parameters with
 * several data primes and no special one get one more: the smallest that there is. Nothing is ever encrypted or published
 * under it, so it does not count for security.
 */
export function contextPrimes(parameters: Parameters): bigint[] {
  const primes = allPrimes(parameters);
  if (primes.length === 1 || parameters.specialPrime !== null) return primes;
  for (let bits = MIN_PRIME_BITS; ; bits++) {
    const unused = usablePrime(parameters.degree, bits, parameters.plainModulus, primes);
    if (unused !== undefined) return [...primes, unused];
  }
}

/** Whether SEAL's context has a prime more than the parameters, which its own check of security would count. */
export function hasUnusedPrime(parameters: Parameters): boolean {
  return parameters.specialPrime === null && parameters.dataPrimes.length > 1;
}
