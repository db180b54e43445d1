import { nttPrimes } from '../../compiler/rings/primes.ts';
import { largestModulusBits } from '../../compiler/bfv/security.ts';
import type { Degree } from '../../compiler/bfv/security.ts';
import { createContext } from '../../runtime/seal/context.ts';
import type { BfvContext } from '../../runtime/seal/context.ts';
import { saveBytes } from '../../runtime/seal/envelope.ts';
import { loadSeal } from '../../runtime/seal/module.ts';
import type {
  Ciphertext,
  Decryptor,
  Encryptor,
  Plaintext,
  Seal,
  SealEvaluator,
} from '../../runtime/seal/module.ts';
import { NoiseMeter } from '../../runtime/seal/noiseMeter.ts';
import { PlaintextWriter } from '../../runtime/seal/plaintext.ts';
import type { SealScope } from '../../runtime/seal/scope.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';

/** Everything that makes and measures noise under one key. */
export interface NoiseProbe {
  readonly seal: Seal;
  readonly bfv: BfvContext;
  readonly primes: readonly bigint[];
  readonly encryptor: Encryptor;
  readonly decryptor: Decryptor;
  readonly evaluator: SealEvaluator;
  readonly secretKey: Uint8Array;
  /** A plaintext with these coefficients, centred or not. */
  plaintext(coefficients: ArrayLike<number>): Plaintext;
  encrypt(plaintext: Plaintext, how: 'symmetric' | 'public'): Ciphertext;
  /** v = c0 + c1 s - (q/t) m at every coefficient. */
  noise(ciphertext: Ciphertext): number[];
}

export interface ProbeShape {
  readonly degree: Degree;
  readonly plainModulus: number;
  readonly dataBits: readonly number[];
  readonly specialBits: number | null;
}

export function probeParameters({ degree, plainModulus, dataBits, specialBits }: ProbeShape): Parameters {
  const primes: bigint[] = [];
  for (const bits of [...dataBits, ...(specialBits === null ? [] : [specialBits])]) {
    primes.push(nttPrimes(degree, bits, 1, primes)[0]!);
  }
  const total = primes.reduce((sum, prime) => sum + prime.toString(2).length, 0);
  if (total > largestModulusBits(degree, 128)) throw new Error('the probe is beyond the table');
  return {
    degree,
    plainModulus,
    dataPrimes: primes.slice(0, dataBits.length).map(String),
    specialPrime: specialBits === null ? null : String(primes.at(-1)),
    securityBits: 128,
  };
}

export async function makeProbe(scope: SealScope, shape: ProbeShape): Promise<NoiseProbe> {
  const seal = await loadSeal();
  const parameters = probeParameters(shape);
  const bfv = createContext(scope, seal, parameters);
  const generator = scope.own(new seal.KeyGenerator(bfv.context));
  const key = scope.own(generator.secretKey());
  const publicKey = scope.own(generator.createPublicKey());
  const encryptor = scope.own(new seal.Encryptor(bfv.context, publicKey, key));
  const secretKey = saveBytes(seal, key);
  const primes = parameters.dataPrimes.map(BigInt);
  const meter = new NoiseMeter(scope, seal, bfv, primes, secretKey);
  const writer = new PlaintextWriter(seal, bfv);
  return {
    seal,
    bfv,
    primes,
    encryptor,
    decryptor: scope.own(new seal.Decryptor(bfv.context, key)),
    evaluator: scope.own(new seal.Evaluator(bfv.context)),
    secretKey,
    plaintext: (coefficients) => {
      const plaintext = scope.own(new seal.Plaintext());
      writer.clear();
      for (let index = 0; index < coefficients.length; index++) {
        const value = coefficients[index]!;
        writer.put(index, value < 0 ? value + shape.plainModulus : value);
      }
      writer.load(plaintext);
      return plaintext;
    },
    encrypt: (plaintext, how) => {
      const ciphertext = scope.own(new seal.Ciphertext());
      if (how === 'symmetric') encryptor.encryptSymmetric(plaintext, ciphertext);
      else encryptor.encrypt(plaintext, ciphertext);
      return ciphertext;
    },
    noise: (ciphertext) =>
      meter
        .scaledNoise(ciphertext, saveBytes(seal, ciphertext), null)
        // Numbers here: what is compared is far above the rounding of a double.
        .map((scaled) => Number(scaled) / shape.plainModulus),
  };
}

export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Root of the mean square around 0. */
export function deviation(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
