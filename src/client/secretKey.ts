import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { requireBytes } from './given.ts';

/**
 * A secret key as its owner keeps it, our own format:
 *
 *     0   magic "CCSK"
 *     4   version, 1
 *     5   three reserved bytes, 0
 *     8   digest of the plan that it is for, 32 bytes
 *     40  the N coefficients, two bits each from the low end of each byte: 0, 1, and 2 for -1
 *     ..  SHA-256 of everything before, 32 bytes: a key with a flipped bit would decrypt to noise, in silence
 */

const MAGIC = [0x43, 0x43, 0x53, 0x4b, 1, 0, 0, 0];
const DIGEST_AT = 8;
const COEFFICIENTS_AT = 40;
const CHECKSUM_BYTES = 32;
const PER_BYTE = 4;

/** Whose key it is: a plan of a convolution, or a network. */
interface KeyOwner {
  readonly digest: string;
  readonly view: { readonly parameters: { readonly degree: number } };
}

function keyBytes({ view }: KeyOwner): number {
  return COEFFICIENTS_AT + view.parameters.degree / PER_BYTE + CHECKSUM_BYTES;
}

/** @param ternary the coefficients of the secret polynomial: -1, 0 or 1, N of them */
export function encodeSecretKey(plan: KeyOwner, ternary: Int8Array): Uint8Array {
  const bytes = new Uint8Array(keyBytes(plan));
  bytes.set(MAGIC);
  bytes.set(hexToBytes(plan.digest), DIGEST_AT);
  ternary.forEach((value, index) => {
    bytes[COEFFICIENTS_AT + Math.floor(index / PER_BYTE)]! |=
      (value < 0 ? 2 : value) << (2 * (index % PER_BYTE));
  });
  const end = bytes.length - CHECKSUM_BYTES;
  bytes.set(sha256(bytes.subarray(0, end)), end);
  return bytes;
}

/**
 * The coefficients of a key of this plan.
 * @throws CipherconvError `malformed-key`, or `wrong-plan` for a key of another plan; `usage` for no bytes. What is found is never printed.
 */
export function decodeSecretKey(plan: KeyOwner, bytes: Uint8Array): Int8Array {
  requireBytes('secretKey', bytes);
  if (bytes.length < COEFFICIENTS_AT || !MAGIC.every((byte, index) => bytes[index] === byte))
    malformed('not a secret key', 'what keygen writes');
  const digest = bytesToHex(bytes.subarray(DIGEST_AT, COEFFICIENTS_AT));
  if (digest !== plan.digest) {
    throw new CipherconvError({
      code: 'wrong-plan',
      where: 'secret key',
      message: 'the key of another plan',
      expected: plan.digest,
      found: digest,
      hint: 'use the plan, keys and ciphertexts that belong together',
    });
  }
  const expected = keyBytes(plan);
  if (bytes.length !== expected) malformed('not whole', `${expected} bytes`, `${bytes.length} bytes`);
  const end = expected - CHECKSUM_BYTES;
  const checksum = sha256(bytes.subarray(0, end));
  if (!checksum.every((byte, index) => bytes[end + index] === byte))
    malformed('damaged: its checksum is wrong', 'the bytes that keygen wrote');
  return Int8Array.from({ length: plan.view.parameters.degree }, (_, index) => {
    const code = (bytes[COEFFICIENTS_AT + Math.floor(index / PER_BYTE)]! >> (2 * (index % PER_BYTE))) & 3;
    if (code === 3) malformed('a coefficient is not ternary', '-1, 0 or 1');
    return code === 2 ? -1 : code;
  });
}

function malformed(message: string, expected: string, found?: string): never {
  throw new CipherconvError({
    code: 'malformed-key',
    where: 'secret key',
    message,
    expected,
    ...(found === undefined ? {} : { found }),
  });
}
