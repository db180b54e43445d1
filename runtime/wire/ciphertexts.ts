import { CipherconvError } from '../../compiler/base/errors.ts';
import { CIPHERTEXT_WORDS_AT, wordHalves } from '../seal/envelope.ts';
import type { CiphertextFrame } from '../seal/envelope.ts';
import type { CiphertextFrames } from '../seal/ciphertext.ts';
import { codeBits, packedBytes, polynomialCode, positionCount } from './coefficients.ts';
import type { PolynomialCode, Positions } from './coefficients.ts';
import { Packer } from './packer.ts';
import type { PackingModule } from './packer.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import { SEAL_SEED_BYTES } from '../../compiler/bfv/wireBytes.ts';

/**
 * Ciphertexts as they travel: coefficients only, packed at the bits that the plan says, prime by prime. SEAL's envelope
 * never travels: it is rebuilt on arrival around our own header, so no byte of a SEAL header comes from outside, and
 * every coefficient has been compared with its prime before SEAL sees it.
 */

export function polynomialBytes(code: PolynomialCode, positions: Positions, degree: number): number {
  return packedBytes(codeBits(code, positionCount(positions, degree)));
}

/** An envelope of our own making whose words can be written in place: aligned, its header filled in. */
export class Envelope {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;

  constructor(frame: CiphertextFrame, wordCount: number) {
    const misalignment = CIPHERTEXT_WORDS_AT % Uint32Array.BYTES_PER_ELEMENT;
    const offset = misalignment === 0 ? 0 : Uint32Array.BYTES_PER_ELEMENT - misalignment;
    this.bytes = new Uint8Array(new ArrayBuffer(frame.byteLength + offset), offset);
    this.bytes.set(frame.head);
    this.bytes.set(frame.seedHead, frame.byteLength - SEAL_SEED_BYTES - frame.seedHead.length);
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

/** Bytes of one response, without SEAL: what `ResponseCodec.byteLength` says. */
export function responseByteLength(parameters: Parameters, wire: PlanWire, outputs: Positions): number {
  return responseBytes(responseCodes(parameters, wire), outputs);
}

/** How a response travels. */
export interface ResponseCodes {
  readonly degree: number;
  readonly c0: PolynomialCode;
  /** Null with hints: the client has what the weights make of c1. */
  readonly c1: PolynomialCode | null;
}

export function responseCodes(parameters: Parameters, wire: PlanWire): ResponseCodes {
  return {
    degree: parameters.degree,
    c0: polynomialCode(parameters, wire.responseC0),
    c1: wire.upload === 'hint' ? null : polynomialCode(parameters, wire.responseC1),
  };
}

function responseBytes({ degree, c0, c1 }: ResponseCodes, outputs: Positions): number {
  return polynomialBytes(c0, outputs, degree) + (c1 === null ? 0 : polynomialBytes(c1, null, degree));
}

/**
 * Packs responses, without SEAL: c0 at the output positions only (elsewhere it holds partial sums, which must not leave), then
 * c1.
 */
export class ResponseWriter {
  /** c0 and c1, each prime by prime: 64-bit words in halves. */
  readonly words: Uint32Array;
  readonly #codes: ResponseCodes;
  readonly #packer: Packer;

  constructor(packing: PackingModule, parameters: Parameters, wire: PlanWire) {
    this.#codes = responseCodes(parameters, wire);
    const components = 2 * parameters.dataPrimes.length;
    this.#packer = new Packer(packing, { degree: parameters.degree, components });
    this.words = this.#packer.words;
  }

  /** What it works in, bytes. */
  get memoryBytes(): number {
    return this.#packer.byteLength;
  }

  byteLength(outputs: Positions): number {
    return responseBytes(this.#codes, outputs);
  }

  /** What stands in `words`, which is used up. */
  pack(outputs: Positions): Uint8Array {
    const { c0, c1 } = this.#codes;
    const bytes = new Uint8Array(this.byteLength(outputs));
    const end = this.#packer.write(bytes, 0, c0, 0, outputs);
    if (c1 !== null) this.#packer.write(bytes, end, c1, c0.codes.length, null);
    return bytes;
  }

  /**
   * Unpacks into `words`; c0 is 0 beside the output positions.
   * @throws CipherconvError `malformed-tensor`.
   */
  unpack(bytes: Uint8Array, outputs: Positions, where: string): void {
    requireLength(bytes, this.byteLength(outputs), where);
    const { c0, c1 } = this.#codes;
    this.words.fill(0);
    const middle = this.#packer.read(bytes, 0, c0, 0, outputs, where);
    if (c1 !== null) this.#packer.read(bytes, middle, c1, c0.codes.length, null, where);
  }
}

/** Responses between the wire and SEAL's envelopes. */
export class ResponseCodec {
  readonly #envelope: Envelope;
  readonly #writer: ResponseWriter;

  constructor(packing: PackingModule, frames: CiphertextFrames, parameters: Parameters, wire: PlanWire) {
    this.#writer = new ResponseWriter(packing, parameters, wire);
    this.#envelope = new Envelope(frames.full, this.#writer.words.length / 2);
  }

  byteLength(outputs: Positions): number {
    return this.#writer.byteLength(outputs);
  }

  /** From SEAL's own full envelope. */
  encode(envelope: Uint8Array, outputs: Positions): Uint8Array {
    const { words } = this.#writer;
    words.set(wordHalves(envelope, CIPHERTEXT_WORDS_AT, words.length / 2));
    return this.#writer.pack(outputs);
  }

  /**
   * A SEAL envelope, valid until the next call; its c0 is 0 beside the output positions.
   * @throws CipherconvError `malformed-tensor`.
   */
  decode(bytes: Uint8Array, outputs: Positions, where: string): Uint8Array {
    this.#writer.unpack(bytes, outputs, where);
    this.#envelope.words.set(this.#writer.words);
    return this.#envelope.bytes;
  }
}
