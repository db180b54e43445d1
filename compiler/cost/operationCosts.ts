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

/** Nanoseconds for one coefficient on its way to or from the wire. */
export interface WireCosts {
  readonly pack: number;
  readonly unpack: number;
  /**
   * Of c1, from a seed of SEAL (BLAKE2Xb), without SEAL. ChaCha20 takes a fifth of it (RING_NANOSECONDS.expand), but the
   * packing search counts all seeds with this one: plans keep their packings.
   */
  readonly expand: number;
}

/** Nanoseconds of the direct kernel, for one limb of one coefficient of a ciphertext polynomial. */
export interface DirectCosts {
  /** One step (two multiply-accumulates) of one row that is computed in a block of four. */
  readonly fourRows: number;
  /** The same of a row on its own. */
  readonly oneRow: number;
  /** Recombining and reducing a result. */
  readonly finish: number;
  /** Splitting an input into digits. */
  readonly split: number;
}
