import { CipherconvError } from '../../compiler/base/errors.ts';

/**
 * Messages between client and server: a header of 40 bytes, then the parts back to back. There is no framing of single
 * parts and no length field that could lie: how many parts there are and how long each is follows from the plan, which
 * the header names by its digest.
 *
 *     0   magic "CCNV"
 *     4   version, 2
 *     5   kind: 1 upload, 2 response, 3 evaluation keys, 4 hint
 *     6   two reserved bytes, 0
 *     8   digest of the plan, SHA-256, 32 bytes
 *     40  parts
 */

/** Bytes of the header of every message. */
export const MESSAGE_HEADER_BYTES = 40;

/**
 * `upload`: ciphertexts to the server; `response`: ciphertexts from it; `keys`: evaluation keys to it; `hint`: what its
 * weights make of the public polynomials, the same for everybody.
 */
export type MessageKind = 'upload' | 'response' | 'keys' | 'hint';

const MAGIC = [0x43, 0x43, 0x4e, 0x56] as const;
const VERSION = 2;
const VERSION_AT = 4;
const KIND_AT = 5;
const RESERVED_AT = 6;
const DIGEST_AT = 8;
const KINDS: Readonly<Record<MessageKind, number>> = { upload: 1, response: 2, keys: 3, hint: 4 };

/** What a receiver expects; all of it is known before a byte arrives. */
export interface ExpectedMessage {
  readonly kind: MessageKind;
  /** Of the plan: 64 lowercase hex digits. */
  readonly digest: string;
  /** Bytes of each part, in order. */
  readonly lengths: readonly number[];
}

/** Bytes of a whole message with parts of these lengths. */
export function messageBytes(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, MESSAGE_HEADER_BYTES);
}

/** One message, a new array. `digest` is that of the plan: 64 lowercase hex digits. */
export function encodeMessage(
  kind: MessageKind,
  digest: string,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(messageBytes(parts.map((part) => part.length)));
  bytes.set(MAGIC);
  bytes[VERSION_AT] = VERSION;
  bytes[KIND_AT] = KINDS[kind];
  bytes.set(digestBytes(digest), DIGEST_AT);
  let at = MESSAGE_HEADER_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * The parts of a message, as views on `bytes`: nothing is copied. The parts themselves are checked where they are read.
 * @throws CipherconvError `malformed-message`, `where` naming the field (magic, version, kind, reserved, length), or
 * `wrong-plan` for a message of another plan.
 */
export function decodeMessage(bytes: Uint8Array, expected: ExpectedMessage): Uint8Array[] {
  if (bytes.length < MESSAGE_HEADER_BYTES) {
    malformed(
      'length',
      'cut off within the header',
      `at least ${MESSAGE_HEADER_BYTES} bytes`,
      bytesText(bytes),
    );
  }
  requireBytes(bytes, 0, MAGIC, 'magic', 'not a message of cipherconv');
  requireBytes(bytes, VERSION_AT, [VERSION], 'version', 'not a version that is understood');
  requireKind(bytes[KIND_AT]!, expected.kind);
  requireBytes(bytes, RESERVED_AT, [0, 0], 'reserved', 'reserved bytes are not zero');
  requireDigest(bytes, expected.digest);
  const length = messageBytes(expected.lengths);
  if (bytes.length !== length) {
    const message = bytes.length < length ? 'the message is cut off' : 'there are bytes left over';
    malformed('length', message, `${length} bytes`, bytesText(bytes));
  }
  let at = MESSAGE_HEADER_BYTES;
  return expected.lengths.map((partLength) => bytes.subarray(at, (at += partLength)));
}

/**
 * The plan that a message says it is of; null for bytes too short to say. For choosing who decodes it, nothing else.
 */
export function messageDigest(bytes: Uint8Array): string | null {
  return bytes.length < MESSAGE_HEADER_BYTES ? null : hex(bytes.subarray(DIGEST_AT, MESSAGE_HEADER_BYTES));
}

function requireKind(found: number, expected: MessageKind): void {
  if (found === KINDS[expected]) return;
  const known = Object.entries(KINDS).find(([, code]) => code === found);
  malformed(
    'kind',
    'another kind of message',
    `${expected} (${KINDS[expected]})`,
    `${known?.[0] ?? 'unknown'} (${found})`,
  );
}

function requireDigest(bytes: Uint8Array, expected: string): void {
  const found = messageDigest(bytes);
  if (found === expected) return;
  throw new CipherconvError({
    code: 'wrong-plan',
    where: 'digest',
    message: 'a message of another plan',
    expected,
    found: String(found),
    hint: 'use the plan, keys and ciphertexts that belong together',
  });
}

function requireBytes(
  bytes: Uint8Array,
  at: number,
  expected: readonly number[],
  field: string,
  message: string,
): void {
  const found = bytes.subarray(at, at + expected.length);
  if (expected.every((byte, index) => found[index] === byte)) return;
  malformed(field, message, hex(Uint8Array.from(expected)), hex(found));
}

function malformed(where: string, message: string, expected: string, found: string): never {
  throw new CipherconvError({ code: 'malformed-message', where, message, expected, found });
}

function bytesText(bytes: Uint8Array): string {
  return `${bytes.length} bytes`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The 32 bytes of a digest. */
function digestBytes(digest: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new CipherconvError({
      code: 'usage',
      message: 'not a digest',
      expected: '64 lowercase hex digits',
      found: digest.slice(0, 80),
    });
  }
  return Uint8Array.from({ length: 32 }, (_, index) =>
    Number.parseInt(digest.slice(2 * index, 2 * index + 2), 16),
  );
}
