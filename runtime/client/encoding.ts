import { CipherconvError } from '../../compiler/base/errors.ts';
import type { CiphertextPlaces } from '../../compiler/lowering/layout.ts';
import { slotTransform } from '../../compiler/rings/slots.ts';
import type { SlotTransform } from '../../compiler/rings/slots.ts';
import type { BfvContext } from '../seal/context.ts';
import type { Seal } from '../seal/module.ts';
import { PlaintextWriter } from '../seal/plaintext.ts';
import type { UploadCodec } from '../wire/uploads.ts';
import type { CodingClock } from '../wire/codingClock.ts';
import type { ScalingTable } from './scaling.ts';
import { encryptPlaintext } from './tools.ts';
import type { ClientTools } from './tools.ts';
import type { ZeroPool } from './zeroPool.ts';

/** How the elements of a ciphertext become a polynomial, and back: the one thing in which clients of plans differ. */
export interface Encoding {
  /** One ciphertext of `data` (flat NCHW, raw values) as it travels. */
  encrypt(places: CiphertextPlaces, data: Float64Array): Uint8Array;
  /** The residue at every position, from the coefficients that decryption gave; valid until the next call. */
  residues(coefficients: Float64Array): Float64Array;
  /** @throws CipherconvError `unsupported` where nothing can be made ahead. */
  precompute(count: number): void;
  /** Encryptions of zero that are ready. */
  readonly precomputed: number;
  /** Forgets what was made ahead. */
  destroy(): void;
}

/**
 * Elements are coefficients: an encryption of zero plus the scaled values, which is SEAL's own symmetric encryption taken
 * apart.
 */
export class CoefficientEncoding implements Encoding {
  readonly #degree: number;
  readonly #zeroPoint: number;
  readonly #upload: UploadCodec;
  readonly #clock: CodingClock;
  readonly #scaling: ScalingTable;
  readonly #zeros: ZeroPool;

  constructor(
    { degree }: BfvContext,
    zeroPoint: number,
    wire: { readonly upload: UploadCodec; readonly clock: CodingClock },
    scaling: ScalingTable,
    zeros: ZeroPool,
  ) {
    this.#degree = degree;
    this.#zeroPoint = zeroPoint;
    this.#upload = wire.upload;
    this.#clock = wire.clock;
    this.#scaling = scaling;
    this.#zeros = zeros;
  }

  encrypt(places: CiphertextPlaces, data: Float64Array): Uint8Array {
    const zero = this.#zeros.take();
    const words = this.#upload.copyWords(zero);
    this.#scaling.addMessage(words, this.#degree, places, data, this.#zeroPoint);
    const bytes = this.#clock.time('upload', () => this.#upload.encode(words, zero, places.travelling));
    zero.fill(0);
    return bytes;
  }

  residues(coefficients: Float64Array): Float64Array {
    return coefficients;
  }

  precompute(count: number): void {
    this.#zeros.fill(count);
  }

  get precomputed(): number {
    return this.#zeros.size;
  }

  destroy(): void {
    this.#zeros.destroy();
  }
}

/**
 * Elements are slots, so every coefficient depends on all of them and travels. Slots of an upload that hold no element
 * are 0; slots of a result that are no output are 0 by the program and are not looked at.
 */
export class SlotEncoding implements Encoding {
  readonly precomputed = 0;
  readonly #seal: Seal;
  readonly #context: BfvContext;
  readonly #tools: ClientTools;
  readonly #zeroPoint: number;
  readonly #upload: UploadCodec;
  readonly #clock: CodingClock;
  readonly #writer: PlaintextWriter;
  readonly #transform: SlotTransform;

  constructor(
    seal: Seal,
    context: BfvContext,
    tools: ClientTools,
    zeroPoint: number,
    wire: { readonly upload: UploadCodec; readonly clock: CodingClock },
  ) {
    this.#seal = seal;
    this.#context = context;
    this.#tools = tools;
    this.#zeroPoint = zeroPoint;
    this.#upload = wire.upload;
    this.#clock = wire.clock;
    this.#writer = new PlaintextWriter(seal, context);
    this.#transform = slotTransform(context.degree, context.plainModulus);
  }

  encrypt(places: CiphertextPlaces, data: Float64Array): Uint8Array {
    this.#load(places, data);
    const envelope = encryptPlaintext(this.#seal, this.#tools);
    return this.#clock.time('upload', () =>
      this.#upload.encode(this.#upload.copyWords(envelope), envelope, places.travelling),
    );
  }

  /** Puts the elements, x - zeroPoint modulo t, into slots and those into the plaintext object. */
  #load({ positions, elements }: CiphertextPlaces, data: Float64Array): void {
    const { plainModulus, degree } = this.#context;
    const values = new Float64Array(degree);
    for (let index = 0; index < elements.length; index++) {
      const value = (data[elements[index]!]! - this.#zeroPoint) % plainModulus;
      values[positions[index]!] = value < 0 ? value + plainModulus : value;
    }
    this.#transform.encode(values).forEach((coefficient, index) => {
      this.#writer.put(index, coefficient);
    });
    this.#writer.load(this.#tools.plaintext);
  }

  residues(coefficients: Float64Array): Float64Array {
    return this.#transform.decode(coefficients);
  }

  precompute(count: number): void {
    throw new CipherconvError({
      code: 'unsupported',
      message: `not supported yet: ${count} encryptions of zero made ahead for the diagonals lowering`,
      hint: 'use --lowering toeplitz',
    });
  }

  destroy(): void {
    // Nothing was made ahead.
  }
}
