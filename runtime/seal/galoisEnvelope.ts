import type { BfvContext } from './context.ts';
import {
  fullFrame,
  HEADER_BYTES,
  NTT_FLAG_AT,
  PARMS_ID_BYTES,
  saveBytes,
  seededFrame,
  WORD_BYTES,
} from './envelope.ts';
import type { CiphertextFrame } from './envelope.ts';
import type { PublicSeal } from './module.ts';
import { withScope } from './scope.ts';

/**
 * SEAL's uncompressed serialization of Galois keys: a header as in envelope.ts, the parms_id of the key level (32 bytes),
 * the number of indices N, and for every index the number of halves, 0 or one for each data prime, followed by them. A
 * half is a ciphertext of the key level in NTT form, seeded. Index (g - 1) / 2 belongs to the automorphism X -> X^g.
 * Relinearization keys are the same with one index in all.
 */
export interface KeySwitchFrame {
  readonly half: CiphertextFrame;
  /** Data primes: halves of one key. */
  readonly halvesPerKey: number;
  readonly byteLength: number;
  /** Byte offset of the first half of every key, in the order of the steps. */
  readonly keysAt: readonly number[];
  /** An envelope with all but the halves filled in. */
  readonly template: Uint8Array;
}

/** Index of the key for a rotation of both slot rows by `step` to the left; 0: for their exchange. */
function galoisIndex(degree: number, step: number): number {
  if (step === 0) return degree - 1;
  let element = 1;
  for (let count = 0; count < step; count++) element = (3 * element) % (2 * degree);
  return (element - 1) / 2;
}

/** Frame of seeded ciphertexts of the key level: made with our own context, no secret, no key. */
function keyHalfFrame(seal: PublicSeal, { context, degree, dataPrimeCount }: BfvContext): CiphertextFrame {
  const envelope = withScope((scope) => {
    const ciphertext = scope.own(new seal.Ciphertext(context, scope.own(context.keyParmsId())));
    ciphertext.resize(2);
    return saveBytes(seal, ciphertext);
  });
  envelope[NTT_FLAG_AT] = 1;
  return seededFrame(fullFrame(envelope), degree, dataPrimeCount + 1);
}

/** @param indices of the keys that are there, out of `count`, in the order in which their halves are given */
function keyFrame(
  seal: PublicSeal,
  context: BfvContext,
  count: number,
  indices: readonly number[],
): KeySwitchFrame {
  const { dataPrimeCount } = context;
  const half = keyHalfFrame(seal, context);
  const keyBytes = dataPrimeCount * half.byteLength;
  const indicesAt = HEADER_BYTES + PARMS_ID_BYTES + WORD_BYTES;
  const byteLength = indicesAt + count * WORD_BYTES + indices.length * keyBytes;
  const template = new Uint8Array(byteLength);
  const view = new DataView(template.buffer);
  template.set(half.head.subarray(0, HEADER_BYTES + PARMS_ID_BYTES));
  view.setBigUint64(HEADER_BYTES - WORD_BYTES, BigInt(byteLength), true);
  view.setBigUint64(indicesAt - WORD_BYTES, BigInt(count), true);
  const keysAt = indices.map((index) => {
    const before = indices.filter((other) => other < index).length;
    const countAt = indicesAt + index * WORD_BYTES + before * keyBytes;
    view.setBigUint64(countAt, BigInt(dataPrimeCount), true);
    return countAt + WORD_BYTES;
  });
  return { half, halvesPerKey: dataPrimeCount, byteLength, keysAt, template };
}

/** @param steps as the plan lists them */
export function galoisFrame(seal: PublicSeal, context: BfvContext, steps: readonly number[]): KeySwitchFrame {
  const { degree } = context;
  return keyFrame(
    seal,
    context,
    degree,
    steps.map((step) => galoisIndex(degree, step)),
  );
}

/** Relinearization keys: the one key, of s^2. */
export function relinearizationFrame(seal: PublicSeal, context: BfvContext): KeySwitchFrame {
  return keyFrame(seal, context, 1, [0]);
}
