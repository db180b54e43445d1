import { CipherconvError } from '../../compiler/errors.ts';
import type { DroppedBits, Parameters } from '../../compiler/plan.ts';
import { CIPHERTEXT_WORDS_AT, SEED_BYTES, wordHalves } from '../seal/envelope.ts';
import type { CiphertextFrame } from '../seal/envelope.ts';
import type { CiphertextFrames } from '../seal/ciphertext.ts';
import { BitReader, BitWriter, packedBytes } from './bits.ts';
import { coefficientCode, positionCount, readCoefficients, writeCoefficients } from './coefficients.ts';
import type { CoefficientCode, Positions } from './coefficients.ts';

/**
 * Ciphertexts as they travel: coefficients only, packed at the bits that the plan says, prime by prime. SEAL's envelope
 * never travels: it is rebuilt on arrival around our own header, so no byte of a SEAL header comes from outside, and
 * every coefficient has been compared with its prime before SEAL sees it.
 */

/** One polynomial on the wire: a code for each prime, and which coefficients travel. */
interface PolynomialCode {
  readonly codes: readonly CoefficientCode[];
  readonly degree: number;
}

function polynomialCode(parameters: Parameters, dropped: number): PolynomialCode {
  const codes = parameters.dataPrimes.map((prime) => coefficientCode(BigInt(prime), dropped));
  return { codes, degree: parameters.degree };
}

function polynomialBits({ codes, degree }: PolynomialCode, positions: Positions): number {
  const count = positionCount(positions, degree);
  return codes.reduce((bits, code) => bits + count * code.bits, 0);
}

function polynomialBytes(code: PolynomialCode, positions: Positions): number {
  return packedBytes(polynomialBits(code, positions));
}

/**
 * Words of the polynomials of a ciphertext in 32-bit halves, a component each: polynomial by polynomial (c0, c1), prime
 * by prime.
 */
export type Components = readonly Uint32Array[];

/** The components of the words of an envelope, which are one after the other. */
function componentsOf(
  words: Uint32Array,
  { codes, degree }: PolynomialCode,
  polynomials: number,
): Components {
  return Array.from({ length: polynomials * codes.length }, (_, component) =>
    words.subarray(2 * component * degree, 2 * (component + 1) * degree),
  );
}

function writePolynomial(
  bytes: Uint8Array,
  offset: number,
  code: PolynomialCode,
  components: Components,
  which: number,
  positions: Positions,
): number {
  const writer = new BitWriter(polynomialBits(code, positions));
  code.codes.forEach((prime, index) => {
    writeCoefficients(writer, prime, components[which * code.codes.length + index]!, positions);
  });
  return writer.finish(bytes, offset);
}

function readPolynomial(
  bytes: Uint8Array,
  offset: number,
  code: PolynomialCode,
  components: Components,
  which: number,
  positions: Positions,
  where: string,
): number {
  const end = offset + polynomialBytes(code, positions);
  const reader = new BitReader(bytes.subarray(offset, end));
  code.codes.forEach((prime, index) => {
    readCoefficients(reader, prime, components[which * code.codes.length + index]!, positions, where);
  });
  reader.finish(where);
  return end;
}

/** An envelope of our own making whose words can be written in place: aligned, its header filled in. */
class Envelope {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly components: Components;

  constructor(frame: CiphertextFrame, polynomials: number, code: PolynomialCode) {
    const misalignment = CIPHERTEXT_WORDS_AT % Uint32Array.BYTES_PER_ELEMENT;
    const offset = misalignment === 0 ? 0 : Uint32Array.BYTES_PER_ELEMENT - misalignment;
    this.bytes = new Uint8Array(new ArrayBuffer(frame.byteLength + offset), offset);
    this.bytes.set(frame.head);
    this.bytes.set(frame.seedHead, frame.byteLength - SEED_BYTES - frame.seedHead.length);
    this.words = wordHalves(this.bytes, CIPHERTEXT_WORDS_AT, polynomials * code.codes.length * code.degree);
    this.components = componentsOf(this.words, code, polynomials);
  }
}

function requireLength(bytes: Uint8Array, expected: number, where: string): void {
  if (bytes.length === expected) return;
  throw new CipherconvError({
    code: 'malformed-tensor',
    where,
    message: 'not a ciphertext of this plan',
    expected: `${expected} bytes`,
    found: `${bytes.length} bytes`,
  });
}

/** Bytes of one upload, without SEAL: what `UploadCodec.byteLength` says. `read` is null where all coefficients travel. */
export function uploadByteLength(parameters: Parameters, dropped: DroppedBits, read: Positions): number {
  return polynomialBytes(polynomialCode(parameters, dropped.uploadC0), read) + SEED_BYTES;
}

/** Bytes of one response, without SEAL: what `ResponseCodec.byteLength` says. */
export function responseByteLength(parameters: Parameters, dropped: DroppedBits, outputs: Positions): number {
  const c0 = polynomialBytes(polynomialCode(parameters, dropped.responseC0), outputs);
  return c0 + polynomialBytes(polynomialCode(parameters, dropped.responseC1), null);
}

/** Uploads: c0 where some output reads it, then the 64-byte seed of c1. */
export class UploadCodec {
  readonly #code: PolynomialCode;
  readonly #frame: CiphertextFrame;
  readonly #envelope: Envelope;

  constructor(frames: CiphertextFrames, parameters: Parameters, dropped: DroppedBits) {
    this.#code = polynomialCode(parameters, dropped.uploadC0);
    this.#frame = frames.seeded;
    this.#envelope = new Envelope(frames.seeded, 1, this.#code);
  }

  byteLength(read: Positions): number {
    return polynomialBytes(this.#code, read) + SEED_BYTES;
  }

  /** The words of c0 in SEAL's own seeded envelope, a copy that may be changed before `encode`. */
  copyWords(envelope: Uint8Array): Uint32Array {
    const { codes, degree } = this.#code;
    return wordHalves(envelope, CIPHERTEXT_WORDS_AT, codes.length * degree).slice();
  }

  /** From the words of c0 and SEAL's own seeded envelope, which gives the seed. */
  encode(words: Uint32Array, envelope: Uint8Array, read: Positions): Uint8Array {
    const bytes = new Uint8Array(this.byteLength(read));
    const end = writePolynomial(bytes, 0, this.#code, componentsOf(words, this.#code, 1), 0, read);
    bytes.set(envelope.subarray(this.#frame.byteLength - SEED_BYTES), end);
    return bytes;
  }

  /**
   * A SEAL envelope, valid until the next call. Coefficients that did not travel are 0.
   * @throws CipherconvError `malformed-tensor`.
   */
  decode(bytes: Uint8Array, read: Positions, where: string): Uint8Array {
    requireLength(bytes, this.byteLength(read), where);
    this.#envelope.words.fill(0);
    const end = readPolynomial(bytes, 0, this.#code, this.#envelope.components, 0, read, where);
    this.#envelope.bytes.set(bytes.subarray(end), this.#frame.byteLength - SEED_BYTES);
    return this.#envelope.bytes;
  }

  /** Words of c0 of the envelope that `decode` last returned, in 32-bit halves. */
  get words(): Uint32Array {
    return this.#envelope.words;
  }
}

/** Responses: c0 at the output positions only (elsewhere it holds partial sums, which must not leave), then c1. */
export class ResponseCodec {
  readonly #c0: PolynomialCode;
  readonly #c1: PolynomialCode;
  readonly #envelope: Envelope;

  constructor(frames: CiphertextFrames, parameters: Parameters, dropped: DroppedBits) {
    this.#c0 = polynomialCode(parameters, dropped.responseC0);
    this.#c1 = polynomialCode(parameters, dropped.responseC1);
    this.#envelope = new Envelope(frames.full, 2, this.#c0);
  }

  byteLength(outputs: Positions): number {
    return polynomialBytes(this.#c0, outputs) + polynomialBytes(this.#c1, null);
  }

  /** From SEAL's own full envelope. */
  encode(envelope: Uint8Array, outputs: Positions): Uint8Array {
    const { codes, degree } = this.#c0;
    const words = wordHalves(envelope, CIPHERTEXT_WORDS_AT, 2 * codes.length * degree);
    return this.encodeComponents(componentsOf(words, this.#c0, 2), outputs);
  }

  /** From the words themselves; c0 is looked at in the output positions only. */
  encodeComponents(components: Components, outputs: Positions): Uint8Array {
    const bytes = new Uint8Array(this.byteLength(outputs));
    const middle = writePolynomial(bytes, 0, this.#c0, components, 0, outputs);
    writePolynomial(bytes, middle, this.#c1, components, 1, null);
    return bytes;
  }

  /**
   * A SEAL envelope, valid until the next call; its c0 is 0 beside the output positions.
   * @throws CipherconvError `malformed-tensor`.
   */
  decode(bytes: Uint8Array, outputs: Positions, where: string): Uint8Array {
    requireLength(bytes, this.byteLength(outputs), where);
    this.#envelope.words.fill(0);
    const middle = readPolynomial(bytes, 0, this.#c0, this.#envelope.components, 0, outputs, where);
    readPolynomial(bytes, middle, this.#c1, this.#envelope.components, 1, null, where);
    return this.#envelope.bytes;
  }
}
