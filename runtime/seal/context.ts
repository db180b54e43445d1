import { CipherconvError } from '../../compiler/base/errors.ts';
import { guardSeal } from './failure.ts';
import type { EncryptionParameters, ParmsIdType, PublicSeal, SEALContext } from './module.ts';
import type { SealScope } from './scope.ts';
import { contextPrimes, hasUnusedPrime } from '../../compiler/bfv/contextPrimes.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';

/** BFV parameters that SEAL has accepted, with what the rest of the runtime asks of them. */
export interface BfvContext {
  readonly context: SEALContext;
  /** The level that data are encrypted at. */
  readonly firstParmsId: ParmsIdType;
  /** N. */
  readonly degree: number;
  /** t. */
  readonly plainModulus: number;
  /** Primes at the data level: 64-bit words per coefficient of a ciphertext polynomial. */
  readonly dataPrimeCount: number;
}

const LEVEL_NAMES = { 128: 'tc128', 192: 'tc192', 256: 'tc256' } as const;

function reject(parameters: Parameters, message: string, found: string): never {
  throw new CipherconvError({
    code: 'plan-rejected',
    where: 'parameters',
    message,
    expected:
      `N = ${parameters.degree}, data primes ${parameters.dataPrimes.join(', ')}, ` +
      `special prime ${parameters.specialPrime ?? 'none'}, t = ${parameters.plainModulus} ` +
      `at ${parameters.securityBits} bits`,
    found,
  });
}

/** The primes of the data level, read back from SEAL, decimal. */
function readDataPrimes(scope: SealScope, context: SEALContext): string[] {
  const data = scope.own(context.firstContextData());
  const primes = scope.own(scope.own(data.parms()).coeffModulus());
  return Array.from({ length: primes.size() }, (_, index) => {
    const prime = primes.get(index);
    return prime === undefined ? 'none' : scope.own(prime).value().toString();
  });
}

/** Ring and primes. */
function encryptionParameters(
  scope: SealScope,
  seal: PublicSeal,
  scheme: PublicSeal['SchemeType'][keyof PublicSeal['SchemeType']],
  parameters: Parameters,
): EncryptionParameters {
  const primes = contextPrimes(parameters).map((prime) => scope.own(new seal.Modulus(prime)));
  const encryption = scope.own(new seal.EncryptionParameters(scheme));
  encryption.setPolyModulusDegree(parameters.degree);
  encryption.setCoeffModulus(scope.own(seal.vecFromArrayModulus(primes)));
  return encryption;
}

/** A CKKS context of the same ring and primes, which has no plain modulus: what zeroEncryptor.ts encrypts under. */
export function createTransformContext(
  scope: SealScope,
  seal: PublicSeal,
  parameters: Parameters,
): SEALContext {
  const encryption = encryptionParameters(scope, seal, seal.SchemeType.ckks, parameters);
  // No level below the one that is encrypted at: each takes its time to set up.
  const level = seal.SecLevelType[LEVEL_NAMES[parameters.securityBits]];
  return scope.own(new seal.SEALContext(encryption, false, level));
}

function makeContext(scope: SealScope, seal: PublicSeal, parameters: Parameters): SEALContext {
  const encryption = encryptionParameters(scope, seal, seal.SchemeType.bfv, parameters);
  encryption.setPlainModulus(scope.own(new seal.Modulus(BigInt(parameters.plainModulus))));
  // Our own table has been asked already; SEAL's check would count a prime that nothing is encrypted under.
  const level = seal.SecLevelType[hasUnusedPrime(parameters) ? 'none' : LEVEL_NAMES[parameters.securityBits]];
  return scope.own(new seal.SEALContext(encryption, true, level));
}

/**
 * Makes the SEAL context of a plan; everything made belongs to `scope`. SEAL keeps the last of several primes for key
 * switching, but silently leaves it in the data level where the level without it would be invalid, so the data level
 * is read back and compared.
 * @throws CipherconvError `plan-rejected` when SEAL does not take the parameters, or keeps other primes for data.
 */
export function createContext(scope: SealScope, seal: PublicSeal, parameters: Parameters): BfvContext {
  return guardSeal('set up the parameters', () => {
    const context = makeContext(scope, seal, parameters);
    if (!context.parametersSet()) {
      reject(
        parameters,
        'SEAL does not accept the parameters',
        'parameters that are invalid or not secure enough',
      );
    }
    const found = readDataPrimes(scope, context);
    if (found.join() !== parameters.dataPrimes.join()) {
      reject(
        parameters,
        'the primes that carry data are not those of the plan',
        `data primes ${found.join(', ')}`,
      );
    }
    return {
      context,
      firstParmsId: scope.own(context.firstParmsId()),
      degree: parameters.degree,
      plainModulus: parameters.plainModulus,
      dataPrimeCount: found.length,
    };
  });
}
