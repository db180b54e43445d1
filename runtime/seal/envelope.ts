import type { PublicSeal } from './module.ts';
import { SEAL_SEED_BYTES } from '../../compiler/bfv/wireBytes.ts';

/**
 * SEAL's uncompressed serialization, little-endian: a 16-byte header (magic, header size, version major and minor,
 * compression, 2 reserved bytes, total size as u64), then the members. Offsets and sizes in bytes.
 */

const WORD = 8;
export const WORD_BYTES = WORD;
const HEADER = 16;
export const HEADER_BYTES = HEADER;

/** Plaintext: header, parms_id (32 bytes, all zero outside NTT form), coefficient count, scale, inner array. */
export const PLAINTEXT_COUNT_AT = 48;
export const PLAINTEXT_WORDS_AT = 88;

export const PARMS_ID_BYTES = 32;
/** Where a ciphertext says whether it is in NTT form: after header and parms_id. */
export const NTT_FLAG_AT = HEADER + PARMS_ID_BYTES;

/** Ciphertext: header, parms_id, NTT flag, size, N, primes, scale, correction factor, inner array from here. */
const CIPHERTEXT_ARRAY_AT = 89;
/** The inner array has a header and a count of words of its own; then the words c0, c1 (each prime by prime). */
export const CIPHERTEXT_WORDS_AT = CIPHERTEXT_ARRAY_AT + HEADER + WORD;

/** A seeded ciphertext carries c0 and, instead of c1, a generator record: header, type, 64 bytes of seed. */
const SEED_RECORD = HEADER + 1 + SEAL_SEED_BYTES;

/** Anything of node-seal that serializes itself. */
interface Saveable {
  saveToArray(mode: PublicSeal['ComprModeType']['none']): unknown;
}

/** The object's uncompressed envelope: a copy outside the WASM heap. */
export function saveBytes(seal: PublicSeal, object: Saveable): Uint8Array {
  // node-seal types this result as `any`; it always is a Uint8Array.
  return object.saveToArray(seal.ComprModeType.none) as Uint8Array;
}

/** node-seal takes nothing but an exact Uint8Array: a view on the same bytes where a caller has a Buffer. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The 32-bit halves of the 64-bit words from byte `from` on (low half first), without a copy where alignment allows. */
export function wordHalves(bytes: Uint8Array, from: number, words: number): Uint32Array {
  const aligned = (bytes.byteOffset + from) % Uint32Array.BYTES_PER_ELEMENT === 0;
  if (aligned) return new Uint32Array(bytes.buffer, bytes.byteOffset + from, 2 * words);
  return new Uint32Array(bytes.slice(from, from + words * WORD).buffer);
}

/** The parts of a ciphertext envelope that never change under one context. */
export interface CiphertextFrame {
  readonly byteLength: number;
  /** The first 113 bytes. */
  readonly head: Uint8Array;
  /** The 17 bytes before a seed, empty for a full ciphertext. */
  readonly seedHead: Uint8Array;
}

/** Frame of full ciphertexts (c0, c1), from the envelope of any one made under the context. */
export function fullFrame(envelope: Uint8Array): CiphertextFrame {
  const head = envelope.slice(0, CIPHERTEXT_WORDS_AT);
  return { byteLength: envelope.length, head, seedHead: new Uint8Array(0) };
}

/** Frame of seeded ciphertexts: that of full ones with half of the words and a generator record. */
export function seededFrame(full: CiphertextFrame, degree: number, primes: number): CiphertextFrame {
  const words = degree * primes;
  const head = full.head.slice();
  const view = new DataView(head.buffer);
  const byteLength = CIPHERTEXT_WORDS_AT + words * WORD + SEED_RECORD;
  view.setBigUint64(WORD, BigInt(byteLength), true);
  view.setBigUint64(CIPHERTEXT_ARRAY_AT + WORD, BigInt(HEADER + WORD + words * WORD), true);
  view.setBigUint64(CIPHERTEXT_ARRAY_AT + HEADER, BigInt(words), true);
  const seedHead = new Uint8Array(HEADER + 1);
  seedHead.set(head.subarray(0, WORD));
  new DataView(seedHead.buffer).setBigUint64(WORD, BigInt(SEED_RECORD), true);
  seedHead[HEADER] = 1; // SEAL's default generator, Blake2xb.
  return { byteLength, head, seedHead };
}

function hasBytesAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte);
}

/** Whether the envelope has exactly the size and every header byte of the frame; coefficients are not looked at. */
export function fitsFrame(bytes: Uint8Array, frame: CiphertextFrame): boolean {
  if (bytes.length !== frame.byteLength) return false;
  return hasBytesAt(bytes, 0, frame.head) && hasBytesAt(bytes, bytes.length - SEED_RECORD, frame.seedHead);
}
