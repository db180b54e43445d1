/** A worker of the pool: one SEAL instance, one kernel, the weights of its part or share. Runs in its own thread. */
import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { CipherconvError, internalError } from '../../compiler/errors.ts';
import { createEvaluator } from '../evaluator.ts';
import type { Evaluator } from '../evaluatorTypes.ts';
import { Meeting } from './meeting.ts';
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
  const { plan, seating, options } = setupOf(workerData);
  if (seating.kind !== 'part') throw internalError('this worker has a share');
  part ??= createEvaluator(plan, { ...options, part: seating.part });
  return part;
}

function ownShare(): Promise<SharedEvaluator> {
  const { plan, seating } = setupOf(workerData);
  if (seating.kind !== 'shared') throw internalError('this worker has a part');
  shared ??= createSharedEvaluator(plan, seating.share);
  return shared;
}

/** A reply whose results move to the other thread instead of being copied. piscina unwraps it on the way. */
function moved(results: Uint8Array[]): unknown {
  const reply: WorkerReply = { kind: 'results', results };
  return move({
    get [transferableSymbol]() {
      return [...new Set(results.map((bytes) => bytes.buffer as ArrayBuffer))];
    },
    get [valueSymbol]() {
      return reply;
    },
  });
}

async function answer(task: WorkerTask): Promise<unknown> {
  switch (task.kind) {
    case 'warm-up':
      await ownPart();
      return { kind: 'ready' } satisfies WorkerReply;
    case 'evaluate':
      return moved((await ownPart()).evaluate(task.upload));
    case 'measure':
      return { kind: 'bytes', ...(await ownShare()).bytes() } satisfies WorkerReply;
    case 'share': {
      const { room, meeting, group, upload } = task;
      const results = (await ownShare()).evaluate(room, new Meeting(meeting), group, upload);
      return results === null ? ({ kind: 'abandoned' } satisfies WorkerReply) : moved(results);
    }
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
