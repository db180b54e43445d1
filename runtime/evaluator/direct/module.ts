import { DIRECT_WASM } from './direct.gen.ts';
import { DIRECT_SHARED_WASM } from './directShared.gen.ts';
import type { BitExports } from '../../bitExports.ts';
import { lazyModule } from '../../wasm.ts';
import type { WasmModule } from '../../wasm.ts';

/** The functions of runtime/assembly/direct.ts; all numbers are byte addresses, bytes or counts. */
export interface DirectExports extends BitExports {
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

type RowKernel = (
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
  exact: boolean,
  accumulate: boolean,
) => void;

export type DirectModule = WasmModule<DirectExports>;

/** Compiles the module on the first call. */
export const loadDirect: () => Promise<DirectModule> = lazyModule(DIRECT_WASM);

/** The same code for a memory that several threads share. */
export const loadDirectShared: () => Promise<DirectModule> = lazyModule(DIRECT_SHARED_WASM);
