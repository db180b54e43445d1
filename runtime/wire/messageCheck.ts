import { codeBits, packedBytes, residueCode } from './coefficients.ts';
import type { PolynomialCode, Positions } from './coefficients.ts';
import type { MessageForm, MessageLengths } from './lengths.ts';
import { decodeMessage } from './message.ts';
import { Packer } from './packer.ts';
import type { PackingModule } from './packer.ts';
import { readUpload, uploadCodes } from './uploads.ts';
import type { UploadCodes } from './uploads.ts';
import { allPrimes } from '../../compiler/bfv/parameters.ts';
import { SEAL_SEED_BYTES } from '../../compiler/bfv/wireBytes.ts';

/**
 * Everything that can be wrong with a message to a server, found without SEAL: header, plan, length, and every
 * coefficient against its prime. What passes is well-formed: an evaluator computes with it, whatever it means.
 */
export class MessageCheck {
  readonly #digest: string;
  readonly #lengths: MessageLengths;
  /** The coefficients that travel, of every upload ciphertext. */
  readonly #positions: readonly Positions[];
  readonly #uploadCodes: UploadCodes;
  /** Of one half of an evaluation key: all primes, nothing dropped. */
  readonly #keyCode: PolynomialCode;
  readonly #packer: Packer;
  readonly #degree: number;

  /** @param digest of the plan, 64 lowercase hex digits */
  constructor(packing: PackingModule, form: MessageForm, digest: string) {
    const { parameters, wire, lengths, uploads } = form;
    this.#digest = digest;
    this.#lengths = lengths;
    this.#degree = parameters.degree;
    this.#positions = uploads;
    this.#uploadCodes = uploadCodes(parameters, wire);
    this.#keyCode = residueCode(allPrimes(parameters));
    this.#packer = new Packer(packing, {
      degree: parameters.degree,
      components: Math.max(2 * parameters.dataPrimes.length, this.#keyCode.codes.length),
    });
  }

  /**
   * @param own which ciphertexts of the whole upload the message has, in its order; null: all of them
   * @throws CipherconvError `malformed-message`, `wrong-plan` or `malformed-tensor`, `where` naming the field.
   */
  upload(message: Uint8Array, own: readonly number[] | null = null): void {
    const lengths = this.#lengths.upload;
    const numbers = own ?? lengths.map((_, index) => index);
    const expected = {
      kind: 'upload',
      digest: this.#digest,
      lengths: numbers.map((number) => lengths[number]!),
    } as const;
    decodeMessage(message, expected).forEach((part, index) => {
      const positions = this.#positions[numbers[index]!]!;
      readUpload(this.#packer, this.#uploadCodes, part, positions, `upload[${index}]`);
    });
  }

  /** @throws CipherconvError `malformed-message`, `wrong-plan` or `malformed-tensor`, `where` naming the field. */
  keys(message: Uint8Array): void {
    const expected = { kind: 'keys', digest: this.#digest, lengths: this.#lengths.keys } as const;
    const halfBytes = packedBytes(codeBits(this.#keyCode, this.#degree)) + SEAL_SEED_BYTES;
    for (const part of decodeMessage(message, expected)) {
      for (let at = 0, half = 0; at < part.length; at += halfBytes, half++) {
        this.#packer.read(part, at, this.#keyCode, 0, null, `evaluationKeys[${half}]`);
      }
    }
  }
}
