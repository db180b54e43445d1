import { bitLength } from '../../compiler/base/interval.ts';
import type { BfvContext } from './context.ts';
import { CIPHERTEXT_WORDS_AT, PLAINTEXT_WORDS_AT, saveBytes, wordHalves } from './envelope.ts';
import type { Ciphertext, Plaintext, Seal, SealEvaluator } from './module.ts';
import type { SealScope } from './scope.ts';

/**
 * Measures noise with the secret key, at chosen coefficients only: SEAL's own measurement looks at all of them, also at
 * those that never travelled. SEAL computes c1 * s (the secret key is a plaintext in NTT form), the rest is exact
 * integer arithmetic.
 */
export class NoiseMeter {
  readonly #seal: Seal;
  readonly #context: BfvContext;
  readonly #primes: readonly bigint[];
  readonly #evaluator: SealEvaluator;
  readonly #secret: Plaintext;
  readonly #product: Ciphertext;

  /**
   * @param primes the data primes, in SEAL's order
   * @param secretKey the key's own uncompressed envelope
   */
  constructor(
    scope: SealScope,
    seal: Seal,
    context: BfvContext,
    primes: readonly bigint[],
    secretKey: Uint8Array,
  ) {
    this.#seal = seal;
    this.#context = context;
    this.#primes = primes;
    this.#evaluator = scope.own(new seal.Evaluator(context.context));
    this.#secret = scope.own(new seal.Plaintext());
    this.#product = scope.own(new seal.Ciphertext());
    this.#loadSecret(secretKey);
  }

  /** The words of the data primes, in the envelope of an NTT plaintext of the data level. */
  #loadSecret(secretKey: Uint8Array): void {
    const { context, degree, firstParmsId } = this.#context;
    const words = 2 * degree * this.#primes.length;
    const plaintext = this.#secret;
    plaintext.resize(1);
    plaintext.setZero();
    this.#evaluator.plainTransformToNttInplace(plaintext, firstParmsId);
    const envelope = saveBytes(this.#seal, plaintext);
    const source = secretKey.subarray(
      PLAINTEXT_WORDS_AT,
      PLAINTEXT_WORDS_AT + words * Uint32Array.BYTES_PER_ELEMENT,
    );
    envelope.set(source, PLAINTEXT_WORDS_AT);
    plaintext.loadFromArray(context, envelope);
  }

  /**
   * [t (c0 + c1 s)]_q around 0, which is t times the noise v, at each of the coefficients `positions` (null: all).
   * `ciphertext` and its `envelope` are the same, outside NTT form.
   */
  scaledNoise(ciphertext: Ciphertext, envelope: Uint8Array, positions: Int32Array | null): bigint[] {
    const { degree, plainModulus } = this.#context;
    const product = this.#product;
    product.assign(ciphertext);
    this.#evaluator.cipherTransformToNttInplace(product);
    this.#evaluator.multiplyPlain(product, this.#secret, product);
    this.#evaluator.cipherTransformFromNttInplace(product);
    const words = 2 * degree * this.#primes.length;
    const c0 = wordHalves(envelope, CIPHERTEXT_WORDS_AT, words);
    const c1TimesSecret = wordHalves(saveBytes(this.#seal, product), CIPHERTEXT_WORDS_AT, words);
    const q = this.#primes.reduce((product_, prime) => product_ * prime, 1n);
    const basis = this.#primes.map((prime) => crtBasis(q, prime));
    const count = positions === null ? degree : positions.length;
    return Array.from({ length: count }, (_, index) => {
      const position = positions === null ? index : positions[index]!;
      const phase = this.#primes.reduce((sum, prime, which) => {
        const low = wordAt(c0, which * degree + position);
        const high = wordAt(c1TimesSecret, (this.#primes.length + which) * degree + position);
        return sum + ((low + high) % prime) * basis[which]!;
      }, 0n);
      const scaled = (phase * BigInt(plainModulus)) % q;
      return 2n * scaled > q ? scaled - q : scaled;
    });
  }

  /** SEAL's budget, bits of q minus bits of the largest |t v| minus 1, never below 0. */
  budgetBits(ciphertext: Ciphertext, envelope: Uint8Array, positions: Int32Array | null): number {
    const largest = this.scaledNoise(ciphertext, envelope, positions).reduce((most, noise) => {
      const size = noise < 0n ? -noise : noise;
      return size > most ? size : most;
    }, 0n);
    const q = this.#primes.reduce((product, prime) => product * prime, 1n);
    return Math.max(0, bitLength(q) - bitLength(largest) - 1);
  }
}

function wordAt(halves: Uint32Array, index: number): bigint {
  return (BigInt(halves[2 * index + 1]!) << 32n) | BigInt(halves[2 * index]!);
}

/** The integer below q that is 1 modulo `prime` and 0 modulo the other primes of q. */
function crtBasis(q: bigint, prime: bigint): bigint {
  const others = q / prime;
  return others * inverseModulo(others % prime, prime);
}

/** Inverse modulo a prime, by Fermat. */
function inverseModulo(value: bigint, prime: bigint): bigint {
  let result = 1n;
  let square = value;
  for (let exponent = prime - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
}
