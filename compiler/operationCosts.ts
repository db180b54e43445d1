/** Microseconds of each node-seal operation that a run consists of, one data prime. */
export interface OperationCosts {
  /** Symmetric encryption, seeded, plaintext load and serialization included. */
  readonly encrypt: number;
  /** Loading a seeded ciphertext, expansion of the seed included. */
  readonly load: number;
  /** Ciphertext into NTT form. */
  readonly toNtt: number;
  /** Plaintext times ciphertext, both in NTT form. */
  readonly multiply: number;
  readonly add: number;
  /** Ciphertext out of NTT form. */
  readonly fromNtt: number;
  readonly save: number;
  /** Loading a result, decryption and reading the coefficients. */
  readonly decrypt: number;
}
