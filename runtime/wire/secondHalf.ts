import { internalError } from '../../compiler/base/errors.ts';
import type { Parameters } from '../../compiler/bfv/parameters.ts';
import type { PlanWire } from '../../compiler/lowering/plan.ts';
import { polynomialBytes, requireLength, responseCodes } from './ciphertexts.ts';
import type { ResponseCodes } from './ciphertexts.ts';
import type { Positions } from './coefficients.ts';
import { Packer } from './packer.ts';
import type { PackingModule } from './packer.ts';
import { uploadCodes } from './uploads.ts';
import type { UploadCodes } from './uploads.ts';

/** What follows c0 in the messages of the standard protocol, for a client of ours: a seed or c1 up, c1 down. */
export class SecondHalf {
  readonly #upload: UploadCodes;
  readonly #response: ResponseCodes;
  readonly #packer: Packer;

  constructor(packing: PackingModule, parameters: Parameters, wire: PlanWire) {
    this.#upload = uploadCodes(parameters, wire);
    this.#response = responseCodes(parameters, wire);
    const { degree, dataPrimes } = parameters;
    this.#packer = new Packer(packing, { degree, components: dataPrimes.length });
  }

  /** What stands for the c1 that was drawn from `seed`: the seed, or its words. */
  write(seed: Uint8Array, c1: Uint32Array): Uint8Array {
    if (this.#upload.c1 === null) return seed.slice();
    const bytes = new Uint8Array(polynomialBytes(this.#upload.c1, null, this.#upload.degree));
    this.#packer.words.set(c1);
    this.#packer.write(bytes, 0, this.#upload.c1, 0, null);
    return bytes;
  }

  /**
   * Reads c1 of a response into `words`.
   * @throws CipherconvError `malformed-tensor`.
   */
  read(bytes: Uint8Array, outputs: Positions, words: Uint32Array, where: string): void {
    const { degree, c0, c1 } = this.#response;
    if (c1 === null) throw internalError('a response without c1');
    const middle = polynomialBytes(c0, outputs, degree);
    requireLength(bytes, middle + polynomialBytes(c1, null, degree), where);
    this.#packer.read(bytes, middle, c1, 0, null, where);
    words.set(this.#packer.words);
  }
}
