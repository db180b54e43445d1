import { CipherconvError } from '../base/errors.ts';
import { bitLength } from '../base/interval.ts';
import { greatestCommonDivisor, isPrime } from '../rings/primes.ts';
import { isDegree, isSecurityBits, largestModulusBits } from '../bfv/security.ts';
import type { Degree, SecurityBits } from '../bfv/security.ts';
import { reject } from '../base/reject.ts';
import { allPrimes } from '../bfv/parameters.ts';
import { mostDropped } from '../bfv/dropStep.ts';
import type { DroppedBits } from '../bfv/noise.ts';
import type { Parameters } from '../bfv/parameters.ts';

/** Checks of parameters that need no weight: `verify` makes them of server plans, `checkClientView` of client plans. */

/**
 * Everything that SEAL asks of parameters, and the security table.
 * @param rotates whether keys are made, under the special prime
 * @throws CipherconvError `plan-rejected`
 */
export function verifyParameters(parameters: Parameters, rotates: boolean): void {
  const { degree, securityBits, dataPrimes, specialPrime } = parameters;
  if (!isDegree(degree))
    reject('parameters.degree', 'not a ring degree', 'a power of two from 1024 to 32768', String(degree));
  if (!isSecurityBits(securityBits)) {
    reject('parameters.securityBits', 'not a security level', '128, 192 or 256', String(securityBits));
  }
  const primes = allPrimes(parameters);
  if (dataPrimes.length === 0 || rotates !== (specialPrime !== null)) {
    reject(
      'parameters',
      'wrong number of primes',
      rotates ? 'data primes and a special prime' : 'data primes, and no special prime',
      String(primes.length),
    );
  }
  verifyPrimes(parameters);
  const bits = primes.reduce((sum, prime) => sum + bitLength(prime), 0);
  requireSecure(degree, securityBits, bits);
}

/**
 * Distinct primes that transforms exist for, none of which divides t.
 * @throws CipherconvError `plan-rejected`
 */
export function verifyPrimes(parameters: Parameters): void {
  const { degree, plainModulus } = parameters;
  const primes = allPrimes(parameters);
  primes.forEach((prime, index) => {
    if (bitLength(prime) > 60 || prime % BigInt(2 * degree) !== 1n || !isPrime(prime)) {
      reject(
        `parameters.primes[${index}]`,
        'not an NTT prime',
        `a prime of at most 60 bits, 1 mod ${2 * degree}`,
        String(prime),
      );
    }
    if (greatestCommonDivisor(prime, BigInt(plainModulus)) !== 1n) {
      reject(
        `parameters.primes[${index}]`,
        'shares a factor with t',
        'a prime that does not divide t',
        String(prime),
      );
    }
  });
  if (new Set(primes).size !== primes.length)
    reject('parameters', 'a prime occurs twice', 'distinct primes', primes.join(', '));
}

/** The security table; plans made under an older table are told so. */
function requireSecure(degree: Degree, securityBits: SecurityBits, bits: number): void {
  const allowed = largestModulusBits(degree, securityBits);
  if (bits <= allowed) return;
  throw new CipherconvError({
    code: 'plan-rejected',
    where: 'parameters',
    message:
      allowed === 0
        ? `no q gives ${securityBits} bits of security at N = ${degree}`
        : `q is too large for ${securityBits} bits of security at N = ${degree}`,
    expected: allowed === 0 ? 'a larger ring degree' : `at most ${allowed} bits by the guidelines of 2024`,
    found: `${bits} bits`,
    hint: 'compile the config again: plans made before keep to an older table',
  });
}

/** Slots exist for a prime t = 1 mod 2N. */
export function verifySlots(degree: number, plainModulus: number): void {
  if (plainModulus % (2 * degree) === 1 && isPrime(BigInt(plainModulus))) return;
  reject('parameters.plainModulus', 'has no slots', `a prime, 1 mod ${2 * degree}`, String(plainModulus));
}

/** Something of every coefficient travels. */
export function verifyWire({ dataPrimes }: Parameters, wire: DroppedBits): void {
  const { uploadC0, responseC0, responseC1 } = wire;
  const limit = mostDropped(dataPrimes.map(BigInt));
  for (const [name, dropped] of Object.entries({ uploadC0, responseC0, responseC1 })) {
    if (!Number.isInteger(dropped) || dropped < 0 || dropped > limit) {
      reject(`wire.${name}`, 'too many bits dropped', `from 0 to ${limit}`, String(dropped));
    }
  }
}
