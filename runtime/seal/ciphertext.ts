import { CipherconvError } from '../../compiler/base/errors.ts';
import type { BfvContext } from './context.ts';
import { fitsFrame, fullFrame, NTT_FLAG_AT, plainBytes, saveBytes, seededFrame } from './envelope.ts';
import type { CiphertextFrame } from './envelope.ts';
import type { Ciphertext, PublicSeal } from './module.ts';
import { withScope } from './scope.ts';

/** The two kinds of ciphertext envelope that travel under one context. */
export interface CiphertextFrames {
  /** Uploads: c0 and the seed of c1. */
  readonly seeded: CiphertextFrame;
  /** Results: c0 and c1. */
  readonly full: CiphertextFrame;
}

/**
 * Made with our own context: no secret, no encryption.
 * @param form of what they hold; in NTT form the words are values at the roots of X^N + 1, and so is what the seed stands for
 */
export function ciphertextFrames(
  seal: PublicSeal,
  context: BfvContext,
  form: 'coefficients' | 'transformed' = 'coefficients',
): CiphertextFrames {
  const { degree, dataPrimeCount } = context;
  const envelope = withScope((scope) => {
    const ciphertext = scope.own(new seal.Ciphertext(context.context, context.firstParmsId));
    ciphertext.resize(2);
    return saveBytes(seal, ciphertext);
  });
  if (form === 'transformed') envelope[NTT_FLAG_AT] = 1;
  const full = fullFrame(envelope);
  return { full, seeded: seededFrame(full, degree, dataPrimeCount) };
}

/**
 * Loads one envelope into `ciphertext`. Sizes and headers are compared with our own first, because SEAL allocates and
 * accepts what a forged header says; that every coefficient is below its prime, SEAL checks.
 * @throws CipherconvError `malformed-tensor`, `where` being the name of what was to be loaded.
 */
export function loadCiphertext(
  context: BfvContext,
  frame: CiphertextFrame,
  ciphertext: Ciphertext,
  bytes: Uint8Array,
  where: string,
): void {
  if (!fitsFrame(bytes, frame)) {
    throw new CipherconvError({
      code: 'malformed-tensor',
      where,
      message: 'not a ciphertext of this plan',
      expected: `${frame.byteLength} bytes with the header of N = ${context.degree}`,
      found: `${bytes.length} bytes`,
    });
  }
  ciphertext.loadFromArray(context.context, plainBytes(bytes));
}

/** @throws CipherconvError `malformed-tensor` when the number of ciphertexts is not what the plan says. */
export function requireCiphertextCount(where: string, expected: number, found: number): void {
  if (expected === found) return;
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'wrong number of ciphertexts',
    expected: String(expected),
    found: String(found),
  });
}
