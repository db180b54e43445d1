import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory of workers: a limit inside that WebAssembly cannot pass, and a look from outside. */

/** What V8's JavaScript heap may take of a worker's memory. */
export const HEAP_SHARE = 1 / 4;
/** What WebAssembly memories may take together; the rest is Node itself and what stands in buffers. */
export const WASM_SHARE = 5 / 8;

const PAGE_BYTES = 65536;

/** The part of the WebAssembly API that is used here; neither ECMAScript's types nor Node's declare it. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: { Memory: { prototype: WasmMemory } };

/** Thrown instead of growing. A RangeError, as the engine itself throws when memory is short. */
class WasmLimitError extends RangeError {
  constructor(wanted: number, limit: number) {
    super(`WebAssembly memory of ${wanted} bytes, at most ${limit}`);
    this.name = 'WasmLimitError';
  }
}

/** Says how often a growth was refused. */
export interface WasmLimit {
  readonly refusals: () => number;
}

/**
 * Refuses every growth of a WebAssembly memory of this process past `limitBytes`: at once, in the call that asks for
 * it, so that a bomb never gets the pages that a look from outside would find too late. SEAL's allocator then throws.
 */
export function limitWasmMemory(limitBytes: number): WasmLimit {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const grow = WebAssembly.Memory.prototype.grow;
  let refusals = 0;
  WebAssembly.Memory.prototype.grow = function (this: WasmMemory, pages: number): number {
    const wanted = this.buffer.byteLength + pages * PAGE_BYTES;
    if (wanted > limitBytes) {
      refusals++;
      throw new WasmLimitError(wanted, limitBytes);
    }
    return grow.call(this, pages);
  };
  return { refusals: () => refusals };
}

let collect: (() => void) | null = null;

/**
 * Gives back at once what nobody refers to any more. WebAssembly memories are freed in no other way, and a worker that prepared
 * the next plan before would hold the memories of both.
 */
export function collectGarbage(): void {
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

/** Resident memory of another process, bytes; null where the system does not tell (no /proc) or the process is gone. */
export function residentBytes(processId: number): number | null {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, 'latin1'));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}
