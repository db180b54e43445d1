import { nttPrimes } from '../../compiler/rings/primes.ts';
import { largestModulusBits } from '../../compiler/bfv/security.ts';
import type { Degree } from '../../compiler/bfv/security.ts';
import { allPrimes } from '../../compiler/bfv/parameters.ts';
import { MessageCoder } from '../../runtime/client/messageCoder.ts';
import { RingArithmetic } from '../../runtime/ring/arithmetic.ts';
import { DRAW_KEY_BYTES } from '../../runtime/ring/draw.ts';
import { loadRing } from '../../runtime/ring/module.ts';
import type { RingModule } from '../../runtime/ring/module.ts';
import { systemRandomBytes } from '../../runtime/ring/systemRandom.ts';
import { ciphertextFrames } from '../../runtime/seal/ciphertext.ts';
import { importTernary } from '../../runtime/seal/secretKey.ts';
import { residueCode } from '../../runtime/wire/coefficients.ts';
import type { PolynomialCode } from '../../runtime/wire/coefficients.ts';
import { loadPacking, Packer } from '../../runtime/wire/packer.ts';
import type { PackingModule } from '../../runtime/wire/packer.ts';
import { createContext } from '../../runtime/seal/context.ts';
import type { BfvContext } from '../../runtime/seal/context.ts';
import { CIPHERTEXT_WORDS_AT, saveBytes } from '../../runtime/seal/envelope.ts';
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
  /** The same under the same key by our own arithmetic, for a probe of data primes alone; coefficients in [0, t). */
  encryptOurs(coefficients: ArrayLike<number>): Ciphertext;
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

/** What a ring client does, with words instead of wire bytes. */
class OurEncryptor {
  readonly key: Int8Array;
  readonly #arithmetic: RingArithmetic;
  readonly #coder: MessageCoder;
  readonly #packer: Packer;
  readonly #code: PolynomialCode;

  constructor(parameters: Parameters, ring: RingModule, packing: PackingModule) {
    const { degree, dataPrimes, plainModulus } = parameters;
    const primes = dataPrimes.map(BigInt);
    this.#arithmetic = new RingArithmetic(ring, degree, primes);
    this.#code = residueCode(primes);
    const codes = { upload: this.#code, response: this.#code };
    this.#coder = new MessageCoder(ring, parameters, codes, { lo: 0, hi: plainModulus - 1 });
    this.#packer = new Packer(packing, { degree, components: primes.length });
    this.#arithmetic.drawTernary(systemRandomBytes(DRAW_KEY_BYTES), 0);
    this.key = Int8Array.from(this.#arithmetic.errors);
    this.#arithmetic.setKey();
  }

  /** c0, then c1. */
  encrypt(coefficients: ArrayLike<number>): Uint8Array {
    const arithmetic = this.#arithmetic;
    const { words } = this.#packer;
    const both = new Uint32Array(2 * words.length);
    arithmetic.drawUniform(systemRandomBytes(DRAW_KEY_BYTES), { domain: 'seededC1', index: 0 });
    both.set(arithmetic.words, words.length);
    arithmetic.multiplyByKey();
    arithmetic.drawErrors(systemRandomBytes(DRAW_KEY_BYTES), 0);
    const masks = arithmetic.gather(null, 'masks');
    this.#coder.values.fill(0);
    this.#coder.values.set(coefficients);
    const bytes = new Uint8Array(words.byteLength);
    this.#coder.encode(arithmetic.errors.length, masks, bytes);
    this.#packer.read(bytes, 0, this.#code, 0, null, 'probe');
    both.set(words);
    return new Uint8Array(both.buffer);
  }
}

export async function makeProbe(scope: SealScope, shape: ProbeShape): Promise<NoiseProbe> {
  const seal = await loadSeal();
  const parameters = probeParameters(shape);
  const bfv = createContext(scope, seal, parameters);
  const primes = parameters.dataPrimes.map(BigInt);
  const ours = new OurEncryptor(parameters, await loadRing(), await loadPacking());
  const template = scope.own(scope.own(new seal.KeyGenerator(bfv.context)).secretKey());
  const key = importTernary(scope, seal, bfv, allPrimes(parameters), template, ours.key);
  const generator = scope.own(new seal.KeyGenerator(bfv.context, key));
  const publicKey = scope.own(generator.createPublicKey());
  const encryptor = scope.own(new seal.Encryptor(bfv.context, publicKey, key));
  const secretKey = saveBytes(seal, key);
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
    encryptOurs: (coefficients) => {
      const ciphertext = scope.own(new seal.Ciphertext());
      const { full } = ciphertextFrames(seal, bfv);
      const envelope = new Uint8Array(full.byteLength);
      envelope.set(full.head);
      envelope.set(ours.encrypt(coefficients), CIPHERTEXT_WORDS_AT);
      ciphertext.loadFromArray(bfv.context, envelope);
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
