import { lazyModule } from '../wasm.ts';
import type { WasmModule } from '../wasm.ts';
import { MATRIX_WASM } from './matrix.gen.ts';

/** The functions of runtime/assembly/matrix.ts; addresses, pitches and steps in bytes, where nothing else is said there. */
export interface MatrixExports {
  outer(
    a: number,
    rowStep: number,
    depthStep: number,
    b: number,
    bPitch: number,
    c: number,
    cPitch: number,
    rows: number,
    depth: number,
    columns: number,
  ): void;
  inner(
    a: number,
    aPitch: number,
    b: number,
    bPitch: number,
    c: number,
    cPitch: number,
    rows: number,
    depth: number,
    columns: number,
  ): void;
  square(from: number, to: number, count: number, linear: number, scale: number): void;
  squareSlopes(slopes: number, values: number, count: number, linear: number, scale: number): void;
  unfold(picture: number, to: number, pitch: number, ...window: WindowArguments): void;
  fold(windows: number, pitch: number, picture: number, ...window: WindowArguments): void;
  adam(values: number, slopes: number, means: number, squares: number, count: number, rate: number): void;
  shrink(
    weights: number,
    shares: number,
    reaches: number,
    to: number,
    sums: number,
    count: number,
    lambda: number,
    largest: number,
  ): void;
  relax(weights: number, shares: number, count: number, by: number): void;
  warp(
    from: number,
    to: number,
    pitch: number,
    height: number,
    width: number,
    y0: number,
    yy: number,
    yx: number,
    x0: number,
    xy: number,
    xx: number,
    scale: number,
  ): void;
}

/** A padded picture, and how a kernel goes over it. */
export type WindowArguments = readonly [
  channels: number,
  height: number,
  width: number,
  kernelHeight: number,
  kernelWidth: number,
  strideY: number,
  strideX: number,
  outHeight: number,
  outWidth: number,
];

export type MatrixModule = WasmModule<MatrixExports>;

/** Compiles the module on the first call. */
export const loadMatrix: () => Promise<MatrixModule> = lazyModule(MATRIX_WASM);
