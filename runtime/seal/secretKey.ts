import { internalError } from '../../compiler/base/errors.ts';
import { NegacyclicTransform } from './negacyclic.ts';
import type { BfvContext } from './context.ts';
import { PLAINTEXT_COUNT_AT, PLAINTEXT_WORDS_AT, saveBytes, wordHalves } from './envelope.ts';
import type { Seal, SecretKey } from './module.ts';
import type { SealScope } from './scope.ts';

/**
 * Secret keys outside SEAL: the N coefficients of the ternary secret polynomial, each -1, 0 or 1. SEAL keeps a key as
 * its number-theoretic transform under every prime, the special one included, in the envelope of a plaintext; that
 * envelope never leaves or enters, only the coefficients do.
 */
export type TernaryKey = Int8Array;

/** The coefficients of a key, read back from SEAL. `primes`: all of them, the special one last. */
export function exportTernary(
  seal: Seal,
  { degree }: BfvContext,
  primes: readonly bigint[],
  key: SecretKey,
): TernaryKey {
  const [prime] = primes;
  if (prime === undefined) throw internalError('a context without primes');
  const envelope = saveBytes(seal, key);
  requireWords(envelope, degree * primes.length);
  const halves = wordHalves(envelope, PLAINTEXT_WORDS_AT, degree);
  const values = Array.from(
    { length: degree },
    (_, index) => (BigInt(halves[2 * index + 1]!) << 32n) | BigInt(halves[2 * index]!),
  );
  envelope.fill(0);
  new NegacyclicTransform(degree, prime).inverse(values);
  return Int8Array.from(values, (value) => {
    if (value === 0n || value === 1n) return Number(value);
    if (value === prime - 1n) return -1;
    throw internalError('a secret key that is not ternary');
  });
}

/**
 * The SEAL key of these coefficients.
 * @param template any key of the same context: its envelope gives the header, all its words are replaced
 */
export function importTernary(
  scope: SealScope,
  seal: Seal,
  { context, degree }: BfvContext,
  primes: readonly bigint[],
  template: SecretKey,
  ternary: TernaryKey,
): SecretKey {
  if (ternary.length !== degree)
    throw internalError(`a key of ${ternary.length} coefficients, not ${degree}`);
  const envelope = saveBytes(seal, template);
  requireWords(envelope, degree * primes.length);
  const words = new DataView(envelope.buffer, envelope.byteOffset + PLAINTEXT_WORDS_AT);
  primes.forEach((prime, which) => {
    const values = Array.from(ternary, (value) => (value < 0 ? prime - 1n : BigInt(value)));
    new NegacyclicTransform(degree, prime).forward(values);
    values.forEach((value, index) => {
      words.setBigUint64(8 * (which * degree + index), value, true);
    });
  });
  const key = scope.own(new seal.SecretKey());
  key.loadFromArray(context, envelope);
  envelope.fill(0);
  return key;
}

function requireWords(envelope: Uint8Array, words: number): void {
  const found = wordHalves(envelope, PLAINTEXT_COUNT_AT, 1)[0]!;
  if (found !== words || envelope.length !== PLAINTEXT_WORDS_AT + 8 * words)
    throw internalError(`a secret key of ${found} words in ${envelope.length} bytes, not ${words} words`);
}
