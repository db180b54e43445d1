import type { Part } from '../../compiler/toeplitz/parts.ts';
import type { DisposableHandle } from '../disposable.ts';
import type { CodingTimes } from '../wire/codingClock.ts';
import type { Weights } from './weights.ts';
import type { Kernel } from '../../compiler/lowering/plan.ts';

/** Who owns the filter: computes on ciphertexts and holds no key that decrypts. */
export interface Evaluator extends DisposableHandle {
  /** Whether the transformed weights stay in memory or are made at each use. */
  readonly weights: Weights;
  /** What stays in memory for the plan, bytes: weights, what a kernel has laid out, and what it keeps of the program. */
  readonly preparedBytes: number;
  /** Time that unpacking uploads and packing responses has taken so far. */
  readonly coding: CodingTimes;
  /**
   * Results of one upload (as `Client.encrypt` orders it): for each block group one ciphertext per row that is not
   * empty, in order.
   * @throws CipherconvError `malformed-tensor` for ciphertexts that are not of this plan, `usage` while the evaluation
   * keys that the plan needs are missing.
   */
  evaluate(upload: readonly Uint8Array[]): Uint8Array[];
  /**
   * Loads what `Client.evaluationKeys` gave, of the client whose uploads follow. A toeplitz plan takes no bytes.
   * @throws CipherconvError `malformed-tensor` for bytes that are not keys of this plan.
   */
  loadEvaluationKeys(bytes: Uint8Array): void;
}

/** Called with the work done and the total: plaintexts while preparing, products while evaluating. */
export type Progress = (done: number, total: number) => void;

/** How an evaluator computes; everything has a default. */
export interface EvaluatorOptions {
  /**
   * What the transformed weights may take, bytes; past it they are made on the fly, and where one WebAssembly memory, of 4 GiB with
   * the inputs, does not hold them. Default 1 GiB.
   */
  readonly weightMemoryBytes?: number;
  /**
   * What all that stays prepared may take, bytes (`preparedBytes`): transformed weights stay in memory only where they fit into it
   * beside the rest; elsewhere as little is kept as the kernel can. Default: `weightMemoryBytes` alone decides.
   */
  readonly preparedMemoryBytes?: number;
  /** Called as plaintexts are prepared and products are made. */
  readonly onProgress?: Progress;
  /** Default: the plan's. Both give the same bytes; the direct one needs a plan that has its lanes. */
  readonly kernel?: Kernel;
  /**
   * Writes every response into the same memory where the kernel can (the direct one does), and the next evaluation
   * overwrites it: no garbage, for whoever sends a response on at once. Default: every response is its receiver's.
   */
  readonly reuseResponse?: boolean;
  /** Computes only this part of the plan; uploads and results are then those of the part. */
  readonly part?: Part;
}

export const DEFAULT_WEIGHT_MEMORY_BYTES = 2 ** 30;
