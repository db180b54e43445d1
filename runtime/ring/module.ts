import { lazyModule } from '../wasm.ts';
import type { WasmModule } from '../wasm.ts';
import { RING_WASM } from './ring.gen.ts';

/** The functions of runtime/assembly/ring.ts; all numbers are byte addresses, counts or primes. */
export interface RingExports {
  forward(values: number, roots: number, quotients: number, degree: number, prime: number): void;
  inverse(values: number, roots: number, quotients: number, degree: number, prime: number): void;
  scale(values: number, factors: number, quotients: number, degree: number, prime: number): void;
  mask(values: number, errors: number, degree: number, prime: number): void;
  chacha(state: number, to: number): void;
  uniform(state: number, room: number, values: number, count: number, prime: number): void;
  uniformWords(state: number, room: number, words: number, count: number, prime: bigint): void;
  ternary(state: number, room: number, values: number, count: number): void;
  errors(state: number, room: number, values: number, count: number): void;
}

export type RingModule = WasmModule<RingExports>;

/** Compiles the module on the first call. */
export const loadRing: () => Promise<RingModule> = lazyModule(RING_WASM);
