/**
 * A worker that misbehaves when the last bytes of a message, which are a seed and so right whatever they are, say so:
 * the word FAULT, then which fault. Everything else about it is the real worker.
 */
import { Buffer } from 'node:buffer';
import { loadSeal } from '../../runtime/seal/module.ts';
import { guardSeal } from '../../runtime/seal/failure.ts';
import { createEngine } from '../../src/server/workers/engine.ts';
import { runWorker } from '../../src/server/workers/workerLoop.ts';
import { FAULTS, faultOf } from './faults.ts';

declare const WebAssembly: { Memory: new (limits: { initial: number }) => { grow(pages: number): number } };

const hoard: unknown[] = [];
const seal = await loadSeal();

/** Blocks the process as a long call would, without taking a core from whatever runs beside the test. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function act(fault: (typeof FAULTS)[number] | null): void {
  switch (fault) {
    case null:
      return;
    case 'slow':
      block(1000);
      return;
    case 'slower':
      block(4000);
      return;
    case 'hang':
      block(Infinity);
      return;
    case 'exit':
      process.exit(7);
      break;
    case 'buffers':
      for (;;) hoard.push(Buffer.alloc(2 ** 24, 1));
    case 'heap':
      for (;;) hoard.push(new Array<number>(2 ** 20).fill(hoard.length + 0.5));
    case 'wasm': {
      const memory = new WebAssembly.Memory({ initial: 1 });
      for (;;) memory.grow(256);
    }
    case 'seal':
      // A real exception of SEAL: bytes that are no ciphertext.
      guardSeal('load a ciphertext', () => {
        new seal.EncryptionParameters(seal.SchemeType.bfv).loadFromArray(new Uint8Array(100));
      });
      return;
    case 'throw':
      throw new TypeError('a bug');
  }
}

runWorker(async (plans, memoryBytes) => {
  const engine = await createEngine(plans, memoryBytes);
  return {
    evaluate: (job, message, keys) => {
      act(faultOf(message));
      return engine.evaluate(job, message, keys);
    },
  };
});
