/** What of the WebAssembly API is used. Neither ECMAScript's types nor Node's declare it. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>;
  Memory: new (limits: MemoryLimits) => { readonly buffer: ArrayBuffer | SharedArrayBuffer };
  Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** In pages of 64 KiB. A shared memory needs a maximum. */
interface MemoryLimits {
  readonly initial: number;
  readonly maximum?: number;
  readonly shared?: boolean;
}

declare const WebAssembly: WebAssemblyApi;

const PAGE_BYTES = 65536;

/** An object of the engine's; only good for handing to `instantiate` and other threads. */
export interface WasmMemory<Buffer extends ArrayBuffer | SharedArrayBuffer> {
  readonly buffer: Buffer;
}

/** Bytes of a memory that holds so many: whole pages. */
export function memoryBytes(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** A memory of exactly `bytes` rounded up to pages: it never grows. */
export function makeMemory(bytes: number): WasmMemory<ArrayBuffer> {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  return memory as WasmMemory<ArrayBuffer>;
}

/** The same, for several threads. */
export function makeSharedMemory(bytes: number): WasmMemory<SharedArrayBuffer> {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return memory as WasmMemory<SharedArrayBuffer>;
}

/** A compiled module and what an instance of it exports over a given memory. */
export class WasmModule<Exports extends object> {
  readonly #module: object;

  constructor(module: object) {
    this.#module = module;
  }

  instantiate(memory: object): Exports {
    const instance = new WebAssembly.Instance(this.#module, { env: { memory } });
    // The generated modules are tested to export exactly these.
    return instance.exports as Exports;
  }
}

/** Gives a function that compiles a generated module, in base64, on its first call. */
export function lazyModule<Exports extends object>(base64: string): () => Promise<WasmModule<Exports>> {
  let compiling: Promise<WasmModule<Exports>> | null = null;
  return () => {
    compiling ??= WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))
      .then((module) => new WasmModule<Exports>(module))
      .catch((error: unknown) => {
        compiling = null;
        throw error;
      });
    return compiling;
  };
}
