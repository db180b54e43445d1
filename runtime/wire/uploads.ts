import { internalError } from '../../compiler/base/errors.ts';
import { SEAL_SEED_BYTES } from '../../compiler/bfv/wireBytes.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import { seedBytes } from '../../compiler/lowering/plan.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import type { CiphertextFrames } from '../seal/ciphertext.ts';
import { CIPHERTEXT_WORDS_AT, wordHalves } from '../seal/envelope.ts';
import type { CiphertextFrame } from '../seal/envelope.ts';
import { Envelope, polynomialBytes, requireLength } from './ciphertexts.ts';
import { polynomialCode } from './coefficients.ts';
import type { PolynomialCode, Positions } from './coefficients.ts';
import { Packer } from './packer.ts';
import type { PackingModule } from './packer.ts';

/** Uploads: c0 where some output reads it, then what stands for c1. */

/** Bytes of one upload, without SEAL. `read` is null where all coefficients travel. */
export function uploadByteLength(parameters: Parameters, wire: PlanWire, read: Positions): number {
  return uploadBytes(uploadCodes(parameters, wire), read);
}

/** How an upload travels. */
export interface UploadCodes {
  readonly degree: number;
  readonly c0: PolynomialCode;
  /** Of c1 where it travels whole: nothing of it is dropped. Null where a seed does, which is right whatever it is. */
  readonly c1: PolynomialCode | null;
  /** Bytes of the seed; 0 where c1 travels whole or not at all. */
  readonly seedBytes: number;
}

export function uploadCodes(parameters: Parameters, wire: PlanWire): UploadCodes {
  return {
    degree: parameters.degree,
    c0: polynomialCode(parameters, wire.uploadC0, wire.upload === 'hint' ? 'rounded' : 'cut'),
    c1: wire.upload === 'whole' ? polynomialCode(parameters, 0) : null,
    seedBytes: seedBytes(wire.upload),
  };
}

function uploadBytes(codes: UploadCodes, read: Positions): number {
  const { degree } = codes;
  const c1 = codes.c1 === null ? codes.seedBytes : polynomialBytes(codes.c1, null, degree);
  return polynomialBytes(codes.c0, read, degree) + c1;
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
  const end = packer.read(bytes, 0, c0, 0, read, where);
  return c1 === null ? end : packer.read(bytes, end, c1, c0.codes.length, null, where);
}

/** Uploads as a server reads them without SEAL: the words of c0 and c1, whichever form they came in. */
export class UploadReader {
  readonly #codes: UploadCodes;
  readonly #primes: readonly bigint[];
  readonly #packer: Packer;
  readonly #upload: PlanWire['upload'];
  /** What c1 is still to be expanded from. */
  #seed: Uint8Array | null = null;

  constructor(packing: PackingModule, parameters: Parameters, wire: PlanWire) {
    this.#codes = uploadCodes(parameters, wire);
    this.#upload = wire.upload;
    this.#primes = parameters.dataPrimes.map(BigInt);
    this.#packer = new Packer(packing, { degree: parameters.degree, components: 2 * this.#primes.length });
  }

  /** What it works in, bytes. */
  get memoryBytes(): number {
    return this.#packer.byteLength;
  }

  /**
   * Unpacks what travelled into `words`; coefficients of c0 that did not travel are 0. A seed is only noted.
   * @throws CipherconvError `malformed-tensor`.
   */
  unpack(bytes: Uint8Array, read: Positions, where: string): void {
    this.#packer.words.fill(0, 0, this.#packer.words.length / 2);
    const end = readUpload(this.#packer, this.#codes, bytes, read, where);
    this.#seed = this.#codes.seedBytes === 0 ? null : bytes.subarray(end);
  }

  /**
   * The words (c0, c1) of what was unpacked last, in 32-bit halves, valid until the next; expands the seed. With hints c1 is
   * 0: nobody who evaluates needs it.
   */
  words(): Uint32Array {
    const { length } = this.#primes;
    if (this.#seed !== null) {
      if (this.#upload === 'seal-seeded') this.#packer.expandSeed(this.#seed, this.#primes, length);
      else this.#packer.drawUniform(this.#seed, { domain: 'seededC1', index: 0 }, this.#primes, length);
    }
    this.#seed = null;
    return this.#packer.words;
  }
}

/**
 * Uploads between the wire and SEAL's envelopes. A seed of SEAL's stays one; in every other form c1 stands in the envelope
 * that comes out, expanded by us.
 */
export class UploadCodec {
  readonly #isSealSeeded: boolean;
  readonly #codes: UploadCodes;
  readonly #frame: CiphertextFrame;
  readonly #envelope: Envelope;
  readonly #packer: Packer;
  readonly #reader: UploadReader;

  constructor(packing: PackingModule, frames: CiphertextFrames, parameters: Parameters, wire: PlanWire) {
    const { degree, dataPrimes } = parameters;
    this.#isSealSeeded = wire.upload === 'seal-seeded';
    this.#codes = uploadCodes(parameters, wire);
    this.#frame = this.#isSealSeeded ? frames.seeded : frames.full;
    const components = dataPrimes.length * (this.#isSealSeeded ? 1 : 2);
    this.#envelope = new Envelope(this.#frame, components * degree);
    this.#packer = new Packer(packing, { degree, components });
    this.#reader = new UploadReader(packing, parameters, wire);
  }

  /** The words that travel of SEAL's own envelope (c0, and c1 in whole ones), a copy that may be changed before `encode`. */
  copyWords(envelope: Uint8Array): Uint32Array {
    return wordHalves(envelope, CIPHERTEXT_WORDS_AT, this.#packer.words.length / 2).slice();
  }

  /** From `copyWords` and SEAL's own envelope, which gives the seed. Uploads with seeds of ours are no envelopes of SEAL's. */
  encode(words: Uint32Array, envelope: Uint8Array, read: Positions): Uint8Array {
    const { c0, c1 } = this.#codes;
    const bytes = new Uint8Array(uploadBytes(this.#codes, read));
    this.#packer.words.set(words);
    const end = this.#packer.write(bytes, 0, c0, 0, read);
    if (c1 !== null) this.#packer.write(bytes, end, c1, c0.codes.length, null);
    else if (this.#isSealSeeded) bytes.set(envelope.subarray(this.#frame.byteLength - SEAL_SEED_BYTES), end);
    else throw internalError("SEAL's encryption has no seed of ours");
    return bytes;
  }

  /**
   * A SEAL envelope, valid until the next call. Coefficients that did not travel are 0.
   * @throws CipherconvError `malformed-tensor`.
   */
  decode(bytes: Uint8Array, read: Positions, where: string): Uint8Array {
    if (this.#isSealSeeded) {
      this.#packer.words.fill(0);
      const end = readUpload(this.#packer, this.#codes, bytes, read, where);
      this.#envelope.words.set(this.#packer.words);
      this.#envelope.bytes.set(bytes.subarray(end), this.#frame.byteLength - SEAL_SEED_BYTES);
    } else {
      this.#reader.unpack(bytes, read, where);
      this.#envelope.words.set(this.#reader.words());
    }
    return this.#envelope.bytes;
  }
}
