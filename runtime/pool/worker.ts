/** A worker of the pool: one kernel, with SEAL where that evaluates, and the weights of its part or share. Runs in its own thread. */
import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import { createEvaluator } from '../evaluator/evaluator.ts';
import type { Evaluator } from '../evaluator/types.ts';
import type { WorkerReply, WorkerSetup, WorkerTask } from './message.ts';
import { createSharedEvaluator } from './sharedEvaluator.ts';
import type { SharedEvaluator } from './sharedEvaluator.ts';

/** piscina hands its own data first, ours second. */
function setupOf(data: unknown): WorkerSetup {
  return (Array.isArray(data) ? data[1] : data) as WorkerSetup;
}

let part: Promise<Evaluator> | null = null;
let shared: Promise<SharedEvaluator> | null = null;

function ownPart(): Promise<Evaluator> {
  const { plan, duty } = setupOf(workerData);
  if (duty.kind !== 'part') throw internalError('this worker has a share');
  part ??= createEvaluator(plan, { ...duty.options, part: duty.part });
  return part;
}

function ownShare(): Promise<SharedEvaluator> {
  const { plan, duty } = setupOf(workerData);
  if (duty.kind !== 'shared') throw internalError('this worker has a part');
  shared ??= createSharedEvaluator(plan);
  return shared;
}

/** A reply whose buffers move to the other thread instead of being copied. piscina unwraps it on the way. */
function movedResults(results: Uint8Array[]): unknown {
  return move({
    get [transferableSymbol]() {
      return [...new Set(results.map(({ buffer }) => buffer))] as ArrayBuffer[];
    },
    get [valueSymbol]() {
      return { kind: 'results', results } satisfies WorkerReply;
    },
  });
}

async function answer(task: WorkerTask): Promise<unknown> {
  switch (task.kind) {
    case 'warm-up':
      await ownPart();
      return { kind: 'ready' } satisfies WorkerReply;
    case 'evaluate':
      return movedResults((await ownPart()).evaluate(task.upload));
    case 'measure':
      return { kind: 'demand', demand: (await ownShare()).demand() } satisfies WorkerReply;
    case 'attach':
      (await ownShare()).attach(task.memory);
      return { kind: 'ready' } satisfies WorkerReply;
    case 'work':
      (await ownShare()).work();
      return { kind: 'computed' } satisfies WorkerReply;
    default:
      return task satisfies never;
  }
}

export default async function work(task: WorkerTask): Promise<unknown> {
  try {
    return await answer(task);
  } catch (error) {
    if (error instanceof CipherconvError)
      return { kind: 'refused', details: error.details } satisfies WorkerReply;
    throw error;
  }
}
