import type { EvaluatorOptions } from '../evaluatorTypes.ts';

/** Evaluates a plan on several threads. The results are those of one thread, byte for byte. */
export interface EvaluatorPool {
  /** Threads that evaluate; 1 means this one. */
  readonly workers: number;
  /**
   * As `Evaluator.evaluate`. With several workers the buffers of `upload` move to them and are empty afterwards.
   * @throws CipherconvError `malformed-tensor`; an `AbortError` when `signal` aborts, the workers that were busy are
   * replaced then.
   */
  evaluate(upload: readonly Uint8Array[], options?: { readonly signal?: AbortSignal }): Promise<Uint8Array[]>;
  dispose(): Promise<void>;
}

export interface PoolOptions extends Pick<EvaluatorOptions, 'weightMemoryBytes' | 'kernel'> {
  /** Default: as many as there are cores. */
  readonly workers?: number;
}
