import type { ClientView } from '../../compiler/lowerings/plan.ts';
import type { BfvContext } from '../seal/context.ts';
import { saveBytes } from '../seal/envelope.ts';
import type { Ciphertext, Decryptor, Encryptor, KeyGenerator, Plaintext, Seal } from '../seal/module.ts';
import type { SecretKey } from '../seal/module.ts';
import { NoiseMeter } from '../seal/noiseMeter.ts';
import { exportTernary, importTernary } from '../seal/secretKey.ts';
import type { TernaryKey } from '../seal/secretKey.ts';
import { withScope } from '../seal/scope.ts';
import type { SealScope } from '../seal/scope.ts';
import { contextPrimes } from '../../compiler/bfv/contextPrimes.ts';
import type { UploadForm } from '../../compiler/lowering/plan.ts';

/** The SEAL objects of a client. */
export interface ClientTools {
  readonly generator: KeyGenerator;
  readonly secretKey: SecretKey;
  readonly encryptor: Encryptor;
  readonly decryptor: Decryptor;
  readonly plaintext: Plaintext;
  readonly zero: Plaintext;
  readonly ciphertext: Ciphertext;
  readonly meter: NoiseMeter;
}

/** @param given the secret key to take; null: a fresh one */
export function makeTools(
  scope: SealScope,
  seal: Seal,
  bfv: BfvContext,
  view: ClientView,
  given: TernaryKey | null,
): ClientTools {
  const { context } = bfv;
  const { generator, secretKey } = makeKeys(scope, seal, bfv, view, given);
  // SEAL's constructor asks for a public key even where only the secret one is used.
  const publicKey = scope.own(generator.createPublicKey());
  return {
    generator,
    secretKey,
    encryptor: scope.own(new seal.Encryptor(context, publicKey, secretKey)),
    decryptor: scope.own(new seal.Decryptor(context, secretKey)),
    plaintext: scope.own(new seal.Plaintext()),
    zero: scope.own(new seal.Plaintext()),
    ciphertext: scope.own(new seal.Ciphertext()),
    meter: new NoiseMeter(
      scope,
      seal,
      bfv,
      view.parameters.dataPrimes.map(BigInt),
      saveBytes(seal, secretKey),
    ),
  };
}

function makeKeys(
  scope: SealScope,
  seal: Seal,
  bfv: BfvContext,
  { parameters }: ClientView,
  given: TernaryKey | null,
): Pick<ClientTools, 'generator' | 'secretKey'> {
  const fresh = scope.own(new seal.KeyGenerator(bfv.context));
  const freshKey = scope.own(fresh.secretKey());
  if (given === null) return { generator: fresh, secretKey: freshKey };
  const secretKey = importTernary(scope, seal, bfv, contextPrimes(parameters), freshKey, given);
  return { generator: scope.own(new seal.KeyGenerator(bfv.context, secretKey)), secretKey };
}

/** The coefficients of the client's key. */
export function secretCoefficients(
  seal: Seal,
  bfv: BfvContext,
  { parameters }: ClientView,
  { secretKey }: ClientTools,
): TernaryKey {
  return exportTernary(seal, bfv, contextPrimes(parameters), secretKey);
}

/** Encrypts what the plaintext object holds. Symmetric: less noise than with the public key, and half the bytes. */
export function encryptPlaintext(seal: Seal, { encryptor, plaintext }: ClientTools): Uint8Array {
  return withScope((scope) => saveBytes(seal, scope.own(encryptor.encryptSymmetricSerializable(plaintext))));
}

/** SEAL's envelope of zero, as uploads of that form begin. */
export function encryptZero(seal: Seal, { encryptor, zero }: ClientTools, form: UploadForm): Uint8Array {
  return withScope((scope) => {
    if (form !== 'whole') return saveBytes(seal, scope.own(encryptor.encryptSymmetricSerializable(zero)));
    const whole = scope.own(new seal.Ciphertext());
    encryptor.encryptSymmetric(zero, whole);
    return saveBytes(seal, whole);
  });
}

/** Budget of an encryption of zero, by SEAL's own measurement, bits. */
export function freshBudgetBits(seal: Seal, { context }: BfvContext, tools: ClientTools): number {
  tools.ciphertext.loadFromArray(context, encryptZero(seal, tools, 'seeded'));
  return tools.decryptor.invariantNoiseBudget(tools.ciphertext);
}
