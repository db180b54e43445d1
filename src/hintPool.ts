import { CipherconvError } from '../compiler/base/errors.ts';
import { protocolCost } from '../compiler/toeplitz/protocolCost.ts';
import { uploadForm } from '../compiler/lowerings/plan.ts';
import type { AsyncDisposableHandle } from '../runtime/disposable.ts';
import { endThreads, takeLateReplies } from '../runtime/pool/threadsEnd.ts';
import { workerFile } from '../runtime/pool/workerFile.ts';
import { completePlan } from './frontend/planFile.ts';
import type { PlanCore } from './frontend/planFile.ts';
import { complete } from './hint.ts';
import type { CompletePlan, PlanWithHint } from './hint.ts';
import type { HintReply } from './hintWorker.ts';

/** A hint, and the milliseconds that it took. */
export interface TimedHint extends PlanWithHint {
  readonly ms: number;
}

/** Threads that compute hints: each one at a time, and each holds what that one takes. */
export interface HintPool extends AsyncDisposableHandle {
  /** @throws CipherconvError as `computeHint` does; the signal's reason. */
  compute(core: PlanCore, signal?: AbortSignal): Promise<TimedHint>;
}

export async function openHintPool(threads: number): Promise<HintPool> {
  // Loaded here: whoever imports this module does not always need threads.
  const { Piscina } = await import('piscina');
  const pool = new Piscina<PlanCore, HintReply>({
    filename: workerFile(import.meta.url, './hintWorker'),
    minThreads: threads,
    maxThreads: threads,
  });
  takeLateReplies(pool);
  const dispose = (): Promise<void> => endThreads(pool);
  return {
    compute: async (core, signal) => {
      const reply = await pool.run(core, signal === undefined ? {} : { signal }).catch((error: unknown) => {
        // piscina's own error has the reason as its cause.
        signal?.throwIfAborted();
        throw error;
      });
      if (reply.kind === 'refused') throw new CipherconvError(reply.details);
      return { plan: completePlan(core, reply.described), hint: reply.hint, ms: reply.ms };
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Hints that take less together are computed before a thread is there: by this one. Estimated milliseconds. */
const WORTH_THREADS_MS = 300;

/** How plans are completed; everything has a default. */
export interface CompleteManyOptions {
  readonly signal?: AbortSignal;
  /** Told how many of the hints are computed. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Estimated milliseconds from which on threads are worth starting. */
  readonly leastMilliseconds?: number;
}

/**
 * Completes plans, in their order: computes the hints of those that have one, several at a time.
 * @throws the signal's reason; the other hints are given up then.
 */
export async function completeInThreads(
  cores: readonly PlanCore[],
  threads: number,
  { signal, onProgress, leastMilliseconds = WORTH_THREADS_MS }: CompleteManyOptions = {},
): Promise<CompletePlan[]> {
  const costs = cores.map(costOf);
  const wanted = costs.filter((cost) => cost > 0).length;
  const useful = Math.min(threads, wanted);
  let done = 0;
  const tell = (): void => onProgress?.(++done, wanted);
  const aborting = signal === undefined ? {} : { signal };
  if (useful < 2 || costs.reduce((sum, cost) => sum + cost, 0) < leastMilliseconds) {
    const plans: CompletePlan[] = [];
    for (const core of cores) {
      const made = await complete(core, aborting);
      if (made.hint !== null) tell();
      plans.push(made);
    }
    return plans;
  }
  await using pool = await openHintPool(useful);
  const plans = new Array<CompletePlan>(cores.length);
  // What takes longest first, so that nothing is left alone at the end.
  const order = cores.map((_, index) => index).sort((one, other) => costs[other]! - costs[one]!);
  await Promise.all(
    order.map(async (index) => {
      if (costs[index] === 0) {
        plans[index] = await complete(cores[index]!);
        return;
      }
      const { plan, hint } = await pool.compute(cores[index]!, signal);
      plans[index] = { plan, hint };
      tell();
    }),
  );
  return plans;
}

/** Estimated milliseconds of the hint of a plan; 0 where it has none. */
function costOf({ plan }: PlanCore): number {
  if (plan.lowering !== 'toeplitz' || uploadForm(plan) !== 'hint') return 0;
  return Math.max(Number.MIN_VALUE, protocolCost(plan).onceMilliseconds);
}
