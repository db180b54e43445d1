import { afterAll, beforeAll, expect, test } from 'vitest';
import { nttPrimes } from '../../compiler/rings/primes.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { ciphertextFrames } from '../../runtime/seal/ciphertext.ts';
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
  SecretKey,
} from '../../runtime/seal/module.ts';
import { SealScope } from '../../runtime/seal/scope.ts';
import { ZeroEncryptor } from '../../runtime/seal/zeroEncryptor.ts';

const DEGREE = 8192;
const [first, second, special] = nttPrimes(DEGREE, 50, 3);
const parameters: Parameters = {
  degree: DEGREE,
  plainModulus: 65537,
  dataPrimes: [String(first), String(second)],
  specialPrime: String(special),
  securityBits: 128,
};

const scope = new SealScope();
let seal: Seal;
let context: BfvContext;
let secretKey: SecretKey;
let encryptor: Encryptor;
let decryptor: Decryptor;

beforeAll(async () => {
  seal = await loadSeal();
  context = createContext(scope, seal, parameters);
  const generator = scope.own(new seal.KeyGenerator(context.context));
  secretKey = scope.own(generator.secretKey());
  const publicKey = scope.own(generator.createPublicKey());
  encryptor = scope.own(new seal.Encryptor(context.context, publicKey, secretKey));
  decryptor = scope.own(new seal.Decryptor(context.context, secretKey));
});

afterAll(() => {
  scope.dispose();
});

/** An envelope of CKKS under the header of a BFV ciphertext in NTT form, back in coefficients. */
function asBfv(envelope: Uint8Array): Ciphertext {
  const { seeded } = ciphertextFrames(seal, context, 'transformed');
  expect(envelope.length).toBe(seeded.byteLength);
  const bytes = envelope.slice();
  bytes.set(seeded.head);
  const ciphertext = scope.own(new seal.Ciphertext());
  ciphertext.loadFromArray(context.context, bytes);
  scope.own(new seal.Evaluator(context.context)).cipherTransformFromNttInplace(ciphertext);
  return ciphertext;
}

function decrypted(ciphertext: Ciphertext): Plaintext {
  const plaintext = scope.own(new seal.Plaintext());
  decryptor.decrypt(ciphertext, plaintext);
  return plaintext;
}

test('encryptions of 0 under CKKS are such under BFV, with the same noise, and all different', () => {
  const zeros = new ZeroEncryptor(scope, seal, parameters, secretKey);
  const plain = scope.own(new seal.Plaintext(DEGREE));
  const seen = new Set<string>();
  for (let time = 0; time < 5; time++) {
    const envelope = zeros.encrypt();
    seen.add(envelope.slice(-64).join());
    const ciphertext = asBfv(envelope);
    expect(decrypted(ciphertext).isZero()).toBe(true);
    const own = scope.own(new seal.Ciphertext());
    encryptor.encryptSymmetric(plain, own);
    const [mine, seals] = [ciphertext, own].map((which) => decryptor.invariantNoiseBudget(which));
    expect(Math.abs(mine! - seals!)).toBeLessThanOrEqual(1);
    expect(mine).toBeGreaterThan(70);
  }
  expect(seen.size).toBe(5);
});

test('without the flag of NTT form the same bytes are no encryption of 0', () => {
  const bytes = new ZeroEncryptor(scope, seal, parameters, secretKey).encrypt();
  bytes.set(ciphertextFrames(seal, context).seeded.head);
  const ciphertext = scope.own(new seal.Ciphertext());
  ciphertext.loadFromArray(context.context, bytes);
  expect(decryptor.invariantNoiseBudget(ciphertext)).toBe(0);
});

test('of another key they are none', () => {
  const other = scope.own(scope.own(new seal.KeyGenerator(context.context)).secretKey());
  expect(saveBytes(seal, other)).not.toEqual(saveBytes(seal, secretKey));
  const ciphertext = asBfv(new ZeroEncryptor(scope, seal, parameters, other).encrypt());
  expect(decryptor.invariantNoiseBudget(ciphertext)).toBe(0);
});
