import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ClientPlan } from '../frontend/clientPlan.ts';

/**
 * What reads one response under a plan with hints, for a client that goes away in between, our own format. It is as secret as
 * the picture: with the public hint its masks are linear equations for the secret of that inference (SECURITY.md).
 *
 *     0   magic "CCOK"
 *     4   version, 1
 *     5   three reserved bytes, 0
 *     8   digest of the plan, 32 bytes
 *     40  for every result its masks, back to back
 *     ..  SHA-256 of everything before, 32 bytes: with a flipped bit it would read noise, in silence
 */

const MAGIC = [0x43, 0x43, 0x4f, 0x4b, 1, 0, 0, 0];
const HEADER_BYTES = 40;
const DIGEST_AT = 8;
const CHECKSUM_BYTES = 32;

/** @param lengths bytes of the masks of each result */
export function oneTimeKeyBytes(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, HEADER_BYTES + CHECKSUM_BYTES);
}

export function encodeOneTimeKey({ digest }: ClientPlan, masks: readonly Uint8Array[]): Uint8Array {
  const front = concatBytes(Uint8Array.from(MAGIC), hexToBytes(digest), ...masks);
  return concatBytes(front, sha256(front));
}

/**
 * The masks of a one-time key of this plan, copies.
 * @param lengths bytes of the masks of each result
 * @throws CipherconvError `malformed-key`, or `wrong-plan` for a key of another plan. What is found is never printed.
 */
export function decodeOneTimeKey(
  plan: ClientPlan,
  lengths: readonly number[],
  bytes: Uint8Array,
): Uint8Array[] {
  if (bytes.length < HEADER_BYTES || !MAGIC.every((byte, index) => bytes[index] === byte))
    malformed('not a one-time key', 'what encrypting with a hint wrote');
  const digest = bytesToHex(bytes.subarray(DIGEST_AT, HEADER_BYTES));
  if (digest !== plan.digest)
    throw new CipherconvError({
      code: 'wrong-plan',
      where: 'one-time key',
      message: 'the key of another plan',
      expected: plan.digest,
      found: digest,
      hint: 'use the plan, keys and ciphertexts that belong together',
    });
  const expected = oneTimeKeyBytes(lengths);
  const end = expected - CHECKSUM_BYTES;
  if (bytes.length !== expected) malformed('not whole', `${expected} bytes`, `${bytes.length} bytes`);
  const checksum = sha256(bytes.subarray(0, end));
  if (!checksum.every((byte, index) => bytes[end + index] === byte))
    malformed('damaged: its checksum is wrong', 'the bytes that encrypting wrote');
  let at = HEADER_BYTES;
  return lengths.map((length) => {
    at += length;
    return bytes.slice(at - length, at);
  });
}

function malformed(message: string, expected: string, found?: string): never {
  throw new CipherconvError({
    code: 'malformed-key',
    where: 'one-time key',
    message,
    expected,
    ...(found === undefined ? {} : { found }),
  });
}
