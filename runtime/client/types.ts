import type { Tensor } from '../../compiler/base/tensor.ts';
import type { DisposableHandle } from '../disposable.ts';
import type { CodingTimes } from '../wire/codingClock.ts';

/** The N coefficients of a secret polynomial, each -1, 0 or 1. */
export type TernaryKey = Int8Array;

/** Who owns the data: holds the secret key, which leaves it only for whoever asks for `secretKey`. */
export interface Client extends DisposableHandle {
  /**
   * Ciphertexts of `input` (NCHW, raw values) as they travel: for each block group one per used chunk, in order, the
   * coefficients of c0 and the seed of c1, or c1 itself.
   * @throws CipherconvError `shape-mismatch`, or `out-of-range` for a value outside the plan's input range.
   */
  encrypt(input: Tensor): Uint8Array[];
  /**
   * Makes `count` encryptions of zero ahead of time, so that encrypting only adds the values. Each is used for one
   * ciphertext and destroyed; when none is left, `encrypt` makes fresh ones.
   * @throws CipherconvError `unsupported` for a diagonals plan; `usage` for what is no whole number from 0 to 1,000.
   */
  precompute(count: number): void;
  /** Encryptions of zero that are ready. */
  readonly precomputed: number;
  /** Ciphertexts that one input takes. */
  readonly ciphertextsPerInput: number;
  /** Time that packing uploads and unpacking responses has taken so far. */
  readonly coding: CodingTimes;
  /**
   * The accumulators (NCHW) from the results: for each block group one per row that is not empty, in order.
   * @throws CipherconvError `malformed-tensor` for results that are not of this plan.
   */
  decrypt(results: readonly Uint8Array[]): Tensor;
  /**
   * Smallest noise budget of the results as they arrived, at their output positions, by SEAL's formula, bits; that of a
   * fresh encryption when there are no results. Never to be told to the server.
   */
  measuredBudgetBits(results: readonly Uint8Array[]): number;
  /**
   * Keys that the server needs to rotate ciphertexts, made from the secret key at every call and of the size that the
   * plan says; they reveal nothing that the security of the scheme does not cover. No bytes for a toeplitz plan.
   */
  evaluationKeys(): Uint8Array;
  /** The coefficients of the secret key, a copy: for the owner's own safekeeping, never for a server. */
  secretKey(): TernaryKey;
}

export interface ClientOptions {
  /** The secret key, as `Client.secretKey` gave it for the same parameters. Default: a fresh one, which is the advice. */
  readonly secretKey?: TernaryKey;
}
