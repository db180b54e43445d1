import type { AsyncDisposableHandle } from '../disposable.ts';
import type { EvaluatorOptions } from '../evaluator/types.ts';

/** Evaluates a plan on several threads. The results are those of one thread, byte for byte. */
export interface EvaluatorPool extends AsyncDisposableHandle {
  /** Threads that evaluate; 1 means this one. */
  readonly workers: number;
  /**
   * As `Evaluator.evaluate`; with `reuseResponse` and several workers what it gives lies in memory that they share. The
   * buffers of `upload` must stay as they are until the response is there: the direct kernel copies them once, into the
   * memory of its workers, when their turn comes; with the ntt kernel and several workers they move to the workers and are
   * empty afterwards.
   * @throws CipherconvError `malformed-tensor`; the reason of `signal` when it aborts: workers of the direct kernel stop at
   * the next piece of work, those of the ntt kernel are replaced.
   */
  evaluate(upload: readonly Uint8Array[], options?: { readonly signal?: AbortSignal }): Promise<Uint8Array[]>;
}

/** How a pool evaluates; everything has a default. `weightMemoryBytes` is for each of its threads. */
export interface PoolOptions extends Pick<
  EvaluatorOptions,
  'weightMemoryBytes' | 'kernel' | 'reuseResponse'
> {
  /** Default: as many as there are cores. */
  readonly workers?: number;
}
