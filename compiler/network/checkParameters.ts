import { reject } from '../base/reject.ts';
import { bitLength } from '../base/interval.ts';
import { isDegree, isSecurityBits, largestModulusBits } from '../bfv/security.ts';
import type { Degree } from '../bfv/security.ts';
import { isPrime, MAX_PRIME_BITS } from '../rings/primes.ts';
import { MOST_MODULI } from './plainModuli.ts';
import type { NetworkParameters } from './plan.ts';

/** Checks of a network's parameters that need no weight: `verifyNetwork` makes them of plans, `checkNetworkView` of client plans. */

/** Below them no q carries a square. */
export const NETWORK_DEGREES = [8192, 16384] as const satisfies readonly Degree[];

/** Residues and their sums stay exact doubles, and products of them exact in two halves. */
const MOST_PLAIN_BITS = 32;

/**
 * Distinct primes of this ring, q within the security table, and as many plain moduli as networks have.
 * @throws CipherconvError `plan-rejected`
 */
export function checkNetworkParameters(parameters: NetworkParameters): void {
  checkPlainModuli(parameters.plainModuli);
  checkPrimes(parameters);
}

function checkPlainModuli(plainModuli: readonly number[]): void {
  if (plainModuli.length === 0 || plainModuli.length > MOST_MODULI)
    reject(
      'parameters.plainModuli',
      'not as many moduli as networks have',
      `1 to ${MOST_MODULI}`,
      String(plainModuli.length),
    );
  const fits = (modulus: number): boolean =>
    Number.isSafeInteger(modulus) && modulus >= 2 && modulus < 2 ** MOST_PLAIN_BITS;
  if (!plainModuli.every(fits))
    reject(
      'parameters.plainModuli',
      'a plain modulus that is too large',
      `at most ${MOST_PLAIN_BITS} bits`,
      plainModuli.join(', '),
    );
}

function checkPrimes({
  degree,
  plainModuli,
  dataPrimes,
  specialPrime,
  securityBits,
}: NetworkParameters): void {
  if (!isDegree(degree) || !(NETWORK_DEGREES as readonly number[]).includes(degree))
    reject('parameters.degree', 'not a degree of networks', NETWORK_DEGREES.join(' or '), String(degree));
  if (!isSecurityBits(securityBits))
    reject('parameters', 'no such security', '128, 192, 256', String(securityBits));
  const primes = [...dataPrimes, specialPrime].map(BigInt);
  const all = [...primes, ...plainModuli.map(BigInt)];
  if (new Set(all).size !== all.length) reject('parameters', 'a prime twice', 'each once', all.join(', '));
  const bits = primes.reduce((sum, prime) => sum + bitLength(prime), 0);
  const most = largestModulusBits(degree, securityBits);
  if (bits > most)
    reject('parameters', 'q is too large to be secure', `at most ${most} bits`, `${bits} bits`);
  const step = BigInt(2 * degree);
  for (const prime of all)
    if (prime % step !== 1n || bitLength(prime) > MAX_PRIME_BITS || !isPrime(prime))
      reject('parameters', 'not a prime of this ring', `a prime = 1 mod ${step}`, String(prime));
}
