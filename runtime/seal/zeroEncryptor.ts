import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { createTransformContext } from './context.ts';
import { PLAINTEXT_WORDS_AT, saveBytes } from './envelope.ts';
import type { Encryptor, Plaintext, Seal, SecretKey } from './module.ts';
import { withScope } from './scope.ts';
import type { SealScope } from './scope.ts';

/**
 * Encryptions of 0 whose seed stands for c1 in NTT form: SEAL makes them under CKKS, where (c0, c1) = (-(a s + e), a) is
 * kept transformed and no plain modulus takes part. Under BFV the seed of an encryption stands for coefficients. The error
 * has the same distribution under both, so an encryption of 0 under CKKS, and m q / t on top, is one of m under BFV.
 */
export class ZeroEncryptor {
  readonly #seal: Seal;
  readonly #encryptor: Encryptor;
  readonly #zero: Plaintext;

  /** @param secretKey of a BFV context of the same primes */
  constructor(scope: SealScope, seal: Seal, parameters: Parameters, secretKey: SecretKey) {
    this.#seal = seal;
    const context = createTransformContext(scope, seal, parameters);
    const key = scope.own(new seal.SecretKey());
    this.#zero = scope.own(new seal.Plaintext());
    this.#encryptor = withScope((own) => {
      // Keys are kept transformed under all primes, the same words under both schemes; headers name the parameters.
      const template = own.own(own.own(new seal.KeyGenerator(context)).secretKey());
      const envelope = saveBytes(seal, template);
      const given = saveBytes(seal, secretKey);
      envelope.set(given.subarray(PLAINTEXT_WORDS_AT), PLAINTEXT_WORDS_AT);
      key.loadFromArray(context, envelope);
      given.fill(0);
      envelope.fill(0);
      own.own(new seal.CKKSEncoder(context)).encode(new Float64Array(parameters.degree / 2), 1, this.#zero);
      // SEAL's constructor asks for a public key even where only the secret one is used.
      const publicKey = own.own(own.own(new seal.KeyGenerator(context, key)).createPublicKey());
      return scope.own(new seal.Encryptor(context, publicKey, key));
    });
  }

  /** SEAL's envelope of a fresh one: c0 and a seed, in NTT form. */
  encrypt(): Uint8Array {
    return withScope((scope) =>
      saveBytes(this.#seal, scope.own(this.#encryptor.encryptSymmetricSerializable(this.#zero))),
    );
  }
}
