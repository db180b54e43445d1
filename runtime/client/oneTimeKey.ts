import { CipherconvError } from '../../compiler/base/errors.ts';

/**
 * What one inference under a plan with hints is masked and unmasked with. Two uploads under one key would give away the
 * difference of their pictures, so each half is handed out once, and there is no other way to it.
 */
export class OneTimeKey {
  #uploadMasks: readonly Uint8Array[] | null;
  #resultMasks: readonly Uint8Array[] | null;

  /**
   * @param uploadMasks -(a s + e) of every upload, where its coefficients travel
   * @param resultMasks what the hint and the secret give for every result, at its outputs
   */
  constructor(uploadMasks: readonly Uint8Array[], resultMasks: readonly Uint8Array[]) {
    this.#uploadMasks = uploadMasks;
    this.#resultMasks = resultMasks;
  }

  /**
   * The masks of the uploads, for whoever wipes them after use.
   * @throws CipherconvError `usage` the second time.
   */
  takeUploadMasks(): readonly Uint8Array[] {
    const masks = this.#uploadMasks;
    this.#uploadMasks = null;
    return masks ?? used('has encrypted already', 'begin another exchange for another input');
  }

  /**
   * The masks of the results, which stay its own until `end`.
   * @throws CipherconvError `usage` after the end.
   */
  resultMasks(): readonly Uint8Array[] {
    return this.#resultMasks ?? used('has ended', 'decrypt once, with the exchange that made the upload');
  }

  /** Overwrites all that is left; twice is nothing. */
  end(): void {
    for (const mask of this.#uploadMasks ?? []) mask.fill(0);
    for (const mask of this.#resultMasks ?? []) mask.fill(0);
    this.#uploadMasks = null;
    this.#resultMasks = null;
  }
}

function used(what: string, hint: string): never {
  throw new CipherconvError({ code: 'usage', message: `a one-time key ${what}`, hint });
}
