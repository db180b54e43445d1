import { CipherconvError } from '../../compiler/base/errors.ts';
import type { DroppedBits } from '../../compiler/bfv/noise.ts';
import { CIPHERTEXT_WORDS_AT, wordHalves } from '../seal/envelope.ts';
import type { CiphertextFrame } from '../seal/envelope.ts';
import type { CiphertextFrames } from '../seal/ciphertext.ts';
import { coefficientCode, packedBytes, positionCount } from './coefficients.ts';
import type { CoefficientCode, Polynomial, Positions } from './coefficients.ts';
import { Packer } from './packer.ts';
import type { PackingModule } from './packer.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import { SEED_BYTES } from '../../compiler/bfv/wireBytes.ts';

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

/** An envelope of our own making whose words can be written in place: aligned, its header filled in. */
class Envelope {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;

  constructor(frame: CiphertextFrame, wordCount: number) {
    const misalignment = CIPHERTEXT_WORDS_AT % Uint32Array.BYTES_PER_ELEMENT;
    const offset = misalignment === 0 ? 0 : Uint32Array.BYTES_PER_ELEMENT - misalignment;
    this.bytes = new Uint8Array(new ArrayBuffer(frame.byteLength + offset), offset);
    this.bytes.set(frame.head);
    this.bytes.set(frame.seedHead, frame.byteLength - SEED_BYTES - frame.seedHead.length);
    this.words = wordHalves(this.bytes, CIPHERTEXT_WORDS_AT, wordCount);
  }
}

/** @throws CipherconvError `malformed-tensor`. */
export function requireLength(bytes: Uint8Array, expected: number, where: string): void {
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
export function uploadByteLength(parameters: Parameters, wire: PlanWire, read: Positions): number {
  return uploadBytes(uploadCodes(parameters, wire), read);
}

/** Bytes of one response, without SEAL: what `ResponseCodec.byteLength` says. */
export function responseByteLength(parameters: Parameters, dropped: DroppedBits, outputs: Positions): number {
  return responseBytes(responseCodes(parameters, dropped), outputs);
}

/** How an upload travels. */
export interface UploadCodes {
  readonly c0: PolynomialCode;
  /** Of c1 where it travels whole: nothing of it is dropped. Null where its seed does, which is right whatever it is. */
  readonly c1: PolynomialCode | null;
}

export function uploadCodes(parameters: Parameters, wire: PlanWire): UploadCodes {
  return {
    c0: polynomialCode(parameters, wire.uploadC0),
    c1: wire.upload === 'whole' ? polynomialCode(parameters, 0) : null,
  };
}

function uploadBytes({ c0, c1 }: UploadCodes, read: Positions): number {
  return polynomialBytes(c0, read) + (c1 === null ? SEED_BYTES : polynomialBytes(c1, null));
}

/**
 * Unpacks an upload: c0 into the packer's first components, then c1 into the next, where it travels. Returns where the
 * seed begins, or the end.
 * @throws CipherconvError `malformed-tensor`.
 */
export function readUpload(
  packer: Packer,
  codes: UploadCodes,
  bytes: Uint8Array,
  read: Positions,
  where: string,
): number {
  requireLength(bytes, uploadBytes(codes, read), where);
  const { c0, c1 } = codes;
  const end = packer.read(bytes, 0, c0.codes, 0, read, where);
  return c1 === null ? end : packer.read(bytes, end, c1.codes, c0.codes.length, null, where);
}

/** Uploads: c0 where some output reads it, then the 64-byte seed of c1, or c1 itself. */
export class UploadCodec {
  readonly #codes: UploadCodes;
  readonly #frame: CiphertextFrame;
  readonly #envelope: Envelope;
  readonly #packer: Packer;

  constructor(packing: PackingModule, frames: CiphertextFrames, parameters: Parameters, wire: PlanWire) {
    const isWhole = wire.upload === 'whole';
    this.#codes = uploadCodes(parameters, wire);
    this.#frame = isWhole ? frames.full : frames.seeded;
    const { degree } = parameters;
    const components = parameters.dataPrimes.length * (isWhole ? 2 : 1);
    this.#envelope = new Envelope(this.#frame, components * degree);
    this.#packer = new Packer(packing, { degree, components });
  }

  byteLength(read: Positions): number {
    return uploadBytes(this.#codes, read);
  }

  /** The words that travel of SEAL's own envelope (c0, and c1 in whole ones), a copy that may be changed before `encode`. */
  copyWords(envelope: Uint8Array): Uint32Array {
    return wordHalves(envelope, CIPHERTEXT_WORDS_AT, this.#packer.words.length / 2).slice();
  }

  /** From `copyWords` and SEAL's own envelope, which gives the seed. */
  encode(words: Uint32Array, envelope: Uint8Array, read: Positions): Uint8Array {
    const bytes = new Uint8Array(this.byteLength(read));
    const { c0, c1 } = this.#codes;
    this.#packer.words.set(words);
    const end = this.#packer.write(bytes, 0, c0.codes, 0, read);
    if (c1 === null) bytes.set(envelope.subarray(this.#frame.byteLength - SEED_BYTES), end);
    else this.#packer.write(bytes, end, c1.codes, c0.codes.length, null);
    return bytes;
  }

  /**
   * A SEAL envelope, valid until the next call. Coefficients that did not travel are 0.
   * @throws CipherconvError `malformed-tensor`.
   */
  decode(bytes: Uint8Array, read: Positions, where: string): Uint8Array {
    this.#packer.words.fill(0);
    const end = readUpload(this.#packer, this.#codes, bytes, read, where);
    this.#envelope.words.set(this.#packer.words);
    if (this.#codes.c1 === null)
      this.#envelope.bytes.set(bytes.subarray(end), this.#frame.byteLength - SEED_BYTES);
    return this.#envelope.bytes;
  }
}

/** Uploads as a server without SEAL reads them: the words of c0 and c1, whichever form they came in. */
export class UploadReader {
  readonly #codes: UploadCodes;
  readonly #primes: readonly bigint[];
  readonly #packer: Packer;
  /** What c1 is still to be expanded from. */
  #seed: Uint8Array | null = null;

  constructor(packing: PackingModule, parameters: Parameters, wire: PlanWire) {
    this.#codes = uploadCodes(parameters, wire);
    this.#primes = parameters.dataPrimes.map(BigInt);
    this.#packer = new Packer(packing, { degree: parameters.degree, components: 2 * this.#primes.length });
  }

  /**
   * Unpacks what travelled into `words`; coefficients of c0 that did not travel are 0. A seed is only noted.
   * @throws CipherconvError `malformed-tensor`.
   */
  unpack(bytes: Uint8Array, read: Positions, where: string): void {
    this.#packer.words.fill(0, 0, this.#packer.words.length / 2);
    const end = readUpload(this.#packer, this.#codes, bytes, read, where);
    this.#seed = this.#codes.c1 === null ? bytes.subarray(end) : null;
  }

  /** The words (c0, c1) of what was unpacked last, in 32-bit halves, valid until the next; expands the seed. */
  words(): Uint32Array {
    if (this.#seed !== null) this.#packer.expandSeed(this.#seed, this.#primes, this.#primes.length);
    this.#seed = null;
    return this.#packer.words;
  }
}

interface ResponseCodes {
  readonly c0: PolynomialCode;
  readonly c1: PolynomialCode;
}

function responseCodes(parameters: Parameters, dropped: DroppedBits): ResponseCodes {
  return {
    c0: polynomialCode(parameters, dropped.responseC0),
    c1: polynomialCode(parameters, dropped.responseC1),
  };
}

function responseBytes({ c0, c1 }: ResponseCodes, outputs: Positions): number {
  return polynomialBytes(c0, outputs) + polynomialBytes(c1, null);
}

/** Packs one polynomial, which the packer holds from a component on, into its place in `bytes`. */
function writePolynomial(
  packer: Packer,
  { c0, c1 }: ResponseCodes,
  polynomial: Polynomial,
  firstComponent: number,
  outputs: Positions,
  bytes: Uint8Array,
): void {
  if (polynomial === 0) packer.write(bytes, 0, c0.codes, firstComponent, outputs);
  else packer.write(bytes, polynomialBytes(c0, outputs), c1.codes, firstComponent, null);
}

/** Responses: c0 at the output positions only (elsewhere it holds partial sums, which must not leave), then c1. */
export class ResponseCodec {
  readonly #codes: ResponseCodes;
  readonly #envelope: Envelope;
  readonly #packer: Packer;

  constructor(
    packing: PackingModule,
    frames: CiphertextFrames,
    parameters: Parameters,
    dropped: DroppedBits,
  ) {
    this.#codes = responseCodes(parameters, dropped);
    const components = 2 * parameters.dataPrimes.length;
    this.#packer = new Packer(packing, { degree: parameters.degree, components });
    this.#envelope = new Envelope(frames.full, this.#packer.words.length / 2);
  }

  byteLength(outputs: Positions): number {
    return responseBytes(this.#codes, outputs);
  }

  /** From SEAL's own full envelope. */
  encode(envelope: Uint8Array, outputs: Positions): Uint8Array {
    const { words } = this.#packer;
    words.set(wordHalves(envelope, CIPHERTEXT_WORDS_AT, words.length / 2));
    const bytes = new Uint8Array(this.byteLength(outputs));
    writePolynomial(this.#packer, this.#codes, 0, 0, outputs, bytes);
    writePolynomial(this.#packer, this.#codes, 1, this.#codes.c0.codes.length, outputs, bytes);
    return bytes;
  }

  /**
   * A SEAL envelope, valid until the next call; its c0 is 0 beside the output positions.
   * @throws CipherconvError `malformed-tensor`.
   */
  decode(bytes: Uint8Array, outputs: Positions, where: string): Uint8Array {
    requireLength(bytes, this.byteLength(outputs), where);
    const { c0, c1 } = this.#codes;
    this.#packer.words.fill(0);
    const middle = this.#packer.read(bytes, 0, c0.codes, 0, outputs, where);
    this.#packer.read(bytes, middle, c1.codes, c0.codes.length, null, where);
    this.#envelope.words.set(this.#packer.words);
    return this.#envelope.bytes;
  }
}
