import { DIRECT_WASM } from './direct.gen.ts';

/** The functions of kernels/assembly/direct.ts; all numbers are byte addresses, bytes or counts. */
export interface DirectExports {
  widen(words: number, target: number, degree: number, halo: number, prime: number): void;
  interleave(
    left: number,
    right: number,
    target: number,
    limbStride: number,
    count: number,
    limbBits: number,
    limbs: number,
  ): void;
  rows4: RowKernel;
  rows1: RowKernel;
}

export type RowKernel = (
  planes: number,
  limbStride: number,
  limbs: number,
  limbBits: number,
  steps: number,
  stepCount: number,
  tiles: number,
  tileCount: number,
  results: number,
  rowStride: number,
  scratch: number,
  prime: number,
  accumulate: boolean,
) => void;

/** What of the WebAssembly API is used. Neither ECMAScript's types nor Node's declare it. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>;
  Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  Instance: new (module: object, imports: object) => { readonly exports: object };
}

declare const WebAssembly: WebAssemblyApi;

let compiling: Promise<object> | null = null;

/** Compiles the module on the first call. */
function loadModule(): Promise<object> {
  compiling ??= WebAssembly.compile(
    Uint8Array.from(atob(DIRECT_WASM), (character) => character.charCodeAt(0)),
  ).catch((error: unknown) => {
    compiling = null;
    throw error;
  });
  return compiling;
}

/** Makes an instance with a memory of its own, of exactly `bytes` rounded up to pages: it never grows. */
export type DirectFactory = (bytes: number) => { exports: DirectExports; memory: ArrayBuffer };

const PAGE_BYTES = 65536;

/** Asynchronous only in compiling; the factory itself is not. */
export async function loadDirect(): Promise<DirectFactory> {
  const module = await loadModule();
  return (bytes) => {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    // The generated module is tested to export exactly these.
    return { exports: instance.exports as DirectExports, memory: memory.buffer };
  };
}
