import { Piscina } from 'piscina';
import type { WorkerReply, WorkerSetup, WorkerTask } from './message.ts';
import { takeLateReplies } from './threadsEnd.ts';
import { workerFile } from './workerFile.ts';

/** One thread and what it computes: weights stay where they are. A thread that is stopped is replaced by a new one. */
export type Thread = Piscina<WorkerTask, WorkerReply>;

/** piscina takes an array only; its types follow an overload of Node's postMessage that is not one. */
type TransferList = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>;

export function startThread(workerData: WorkerSetup): Thread {
  const thread: Thread = new Piscina({
    filename: workerFile(import.meta.url, './worker'),
    minThreads: 1,
    maxThreads: 1,
    workerData,
  });
  takeLateReplies(thread);
  return thread;
}

/**
 * Runs a task, moving `moved` to the thread instead of copying it.
 * @throws the signal's reason; what the task fails with.
 */
export async function runTask(
  thread: Thread,
  task: WorkerTask,
  moved: readonly Uint8Array[],
  signal: AbortSignal | undefined,
): Promise<WorkerReply> {
  const transferList = moved.map((bytes) => bytes.buffer) as unknown as TransferList;
  try {
    return await thread.run(task, { ...(signal === undefined ? {} : { signal }), transferList });
  } catch (error) {
    // piscina's own error has the reason as its cause.
    signal?.throwIfAborted();
    throw error;
  }
}

/** Bytes that may be moved away: whole buffers, and only to one worker. */
export function ownBytes(bytes: Uint8Array, isShared: boolean): Uint8Array {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return isWhole && !isShared ? bytes : Uint8Array.from(bytes);
}
