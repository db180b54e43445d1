import { ciphertextFrames } from '../seal/ciphertext.ts';
import type { Ciphertext, PublicSeal } from '../seal/module.ts';
import type { SealScope } from '../seal/scope.ts';
import { Envelope } from '../wire/ciphertexts.ts';
import type { LevelContext } from './levels.ts';

/**
 * The ciphertext (round(q m / t), 0), which hides nothing: to add it is to add m, without the division by t of every
 * coefficient that SEAL's addPlain makes at every call. What q m / t is rounded by is in the noise model's bound of 1.
 * @param primes of the level
 * @param coefficients of m, in [0, t)
 */
export function scaledPlaintext(
  scope: SealScope,
  seal: PublicSeal,
  level: LevelContext,
  primes: readonly bigint[],
  coefficients: Float64Array,
): Ciphertext {
  const { degree, plainModulus, context } = level;
  const t = BigInt(plainModulus);
  const q = primes.reduce((product, prime) => product * prime, 1n);
  const envelope = new Envelope(ciphertextFrames(seal, level).full, 2 * degree * primes.length);
  envelope.words.fill(0);
  coefficients.forEach((coefficient, index) => {
    const scaled = (q * BigInt(coefficient) + t / 2n) / t;
    primes.forEach((prime, which) => {
      const residue = scaled % prime;
      const at = 2 * (which * degree + index);
      envelope.words[at] = Number(residue & 0xffffffffn);
      envelope.words[at + 1] = Number(residue >> 32n);
    });
  });
  const ciphertext = scope.own(new seal.Ciphertext());
  ciphertext.loadFromArray(context, envelope.bytes);
  return ciphertext;
}
