/** A worker of the pool: one SEAL instance, one kernel, the weights of one part. Runs in its own thread. */
import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { CipherconvError } from '../../compiler/errors.ts';
import { createEvaluator } from '../evaluator.ts';
import type { Evaluator } from '../evaluatorTypes.ts';
import type { WorkerReply, WorkerSetup, WorkerTask } from './message.ts';

/** piscina hands its own data first, ours second. */
function setupOf(data: unknown): WorkerSetup {
  return (Array.isArray(data) ? data[1] : data) as WorkerSetup;
}

let evaluator: Promise<Evaluator> | null = null;

function ready(): Promise<Evaluator> {
  const { plan, part, options } = setupOf(workerData);
  evaluator ??= createEvaluator(plan, { ...options, part });
  return evaluator;
}

/** A reply whose results move to the other thread instead of being copied. piscina unwraps it on the way. */
function moved(results: Uint8Array[]): unknown {
  const reply: WorkerReply = { kind: 'results', results };
  return move({
    get [transferableSymbol]() {
      return results.map((bytes) => bytes.buffer as ArrayBuffer);
    },
    get [valueSymbol]() {
      return reply;
    },
  });
}

export default async function work(task: WorkerTask): Promise<unknown> {
  try {
    const current = await ready();
    if (task.kind === 'warm-up') return { kind: 'ready' } satisfies WorkerReply;
    return moved(current.evaluate(task.upload));
  } catch (error) {
    if (error instanceof CipherconvError)
      return { kind: 'refused', details: error.details } satisfies WorkerReply;
    throw error;
  }
}
