/**
 * A thread for whole models in onnxruntime-web. A model of a stranger may make it write past its memory, after which
 * nothing it says can be trusted and some of its calls never end: here that costs a thread, not the run.
 */
import { parentPort } from 'node:worker_threads';
import { CipherconvError } from '../../compiler/base/errors.ts';
import { loadOrt, openSession } from './ort.ts';
import type { OrtReply, OrtTask } from './ortThread.ts';

async function work({ model, what, inputs }: OrtTask): Promise<void> {
  const reply = (answer: OrtReply): void => {
    parentPort?.postMessage(answer);
  };
  try {
    const ort = await loadOrt();
    if (ort === null) return;
    const session = await openSession(ort, model, what, 'all');
    reply({ kind: 'outputs', outputs: await session.run(inputs) });
    await session.release();
    reply({ kind: 'ready' });
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    const { message, found } = error.details;
    reply({ kind: 'refused', reason: found === undefined ? message : `${message}: ${found}` });
    // What failed within WebAssembly may have left its memory in any state.
    process.exit(0);
  }
}

parentPort?.on('message', (task: OrtTask) => void work(task));
