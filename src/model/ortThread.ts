import { Worker } from 'node:worker_threads';
import { workerFile } from '../../runtime/pool/workerFile.ts';
import type { TypedTensor } from './typedTensor.ts';

type Tensors = ReadonlyMap<string, TypedTensor>;

/** A whole model to run once. */
export interface OrtTask {
  /** ONNX. */
  readonly model: Uint8Array;
  /** For messages. */
  readonly what: string;
  readonly inputs: Tensors;
}

/** What the thread says: the outputs or why there are none, and then that it can take another task. */
export type OrtReply =
  | { readonly kind: 'outputs'; readonly outputs: Tensors }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'ready' };

/** What became of a model. */
export type OrtOutcome = Exclude<OrtReply, { readonly kind: 'ready' }>;

/** A model that takes longer is given up: many times what onnxruntime needs, milliseconds. */
const DEADLINE_MS = 30_000;
const DEADLINE_MS_PER_MODEL_BYTE = 1 / 1000;

/** Kept for the next model while it is well: loading the package takes longer than most models. */
let idle: Worker | null = null;

/**
 * Runs a model in a thread of its own. Whatever happens there, this resolves, and the process may end at any time.
 * @param open a new thread, where none is kept
 */
export async function runInOrtThread(
  task: OrtTask,
  deadlineMs: number = DEADLINE_MS + task.model.length * DEADLINE_MS_PER_MODEL_BYTE,
  open: () => Worker = openThread,
): Promise<OrtOutcome> {
  const worker = idle ?? open();
  idle = null;
  worker.ref();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<OrtOutcome>((resolve) => {
      const refuse = (reason: string): void => {
        resolve({ kind: 'refused', reason });
        discard(worker);
      };
      timer = setTimeout(() => {
        refuse(`onnxruntime-web did not end within ${Math.round(deadlineMs / 1000)} s`);
      }, deadlineMs);
      worker.on('message', (reply: OrtReply) => {
        if (reply.kind === 'ready') keep(worker);
        else resolve(reply);
      });
      worker.on('error', (error: Error) => {
        refuse(`onnxruntime-web crashed: ${error.message}`);
      });
      worker.on('exit', () => {
        if (idle === worker) idle = null;
        refuse('onnxruntime-web crashed');
      });
      worker.postMessage(task);
    });
  } finally {
    clearTimeout(timer);
    worker.unref();
  }
}

function openThread(): Worker {
  return new Worker(workerFile(import.meta.url, './ortWorker'));
}

/** What it has said already may still arrive: a thread that is ending must not be kept for that. */
function discard(worker: Worker): void {
  worker.removeAllListeners();
  worker.on('error', () => undefined);
  void worker.terminate();
}

/** One thread is enough. */
function keep(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
  // An idle thread that dies is no one's failure.
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    if (idle === worker) idle = null;
  });
  worker.unref();
  if (idle === null) idle = worker;
  else discard(worker);
}
