import type { Tensor } from '../../compiler/base/tensor.ts';
import type { DisposableHandle } from '../disposable.ts';
import type { TernaryKey } from './types.ts';

/** What a client of a plan with hints has beside its view. */
export interface HintMaterial {
  /** 32 bytes that the public polynomials are drawn from. */
  readonly publicSeed: Uint8Array;
  /** The hint, as it lies in its file: what the weights make of the public polynomials. It is kept, not copied. */
  readonly hint: Uint8Array;
}

/** One inference: an upload, and what reads its response. There is no way to encrypt with it again. */
export interface Exchange {
  /** Ciphertexts of the input as they travel. A request that is sent again sends these same bytes. */
  readonly upload: readonly Uint8Array[];
  /**
   * The accumulators (NCHW), once: afterwards the exchange has ended. After an error the response may be asked for again.
   * @throws CipherconvError `malformed-tensor` for results that are not of this plan, `usage` after the end.
   */
  decrypt(results: readonly Uint8Array[]): Tensor;
  /** Smallest noise budget of the results at their outputs, by SEAL's formula, bits; before `decrypt`. Never to be told. */
  measuredBudgetBits(results: readonly Uint8Array[]): number;
  /** What reads the response, for a client that goes away in between: as secret as the message. A copy. */
  resultMasks(): readonly Uint8Array[];
  /** The secrets, one a block group; only of clients that were asked to keep them, for a judge. */
  secrets(): readonly TernaryKey[];
  /** Overwrites what is left of the key. */
  end(): void;
}

/** The client of a plan with hints: each inference has a secret of its own, prepared ahead where there is time. */
export interface HintClient extends DisposableHandle {
  /**
   * Makes the keys of `count` inferences ahead of time.
   * @throws CipherconvError `usage` for what is no whole number from 0 to 1,000.
   */
  prepare(count: number): void;
  /** Inferences whose keys are ready. */
  readonly prepared: number;
  /**
   * Encrypts an input (NCHW, raw values) under a key that nobody has used, made now when none is ready.
   * @throws CipherconvError `shape-mismatch` or `out-of-range` for an input that the plan was not made for.
   */
  begin(input: Tensor): Exchange;
}

export interface HintClientOptions {
  /** What the transforms of public polynomials and of the hint may take, bytes; past it they are made at each use. */
  readonly cacheBytes?: number;
  /** Keeps the secret of every inference for a judge. Default: it is gone when its key is made. */
  readonly keepSecrets?: boolean;
}
