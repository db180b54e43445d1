import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import type { Tensor } from '../../compiler/base/tensor.ts';
import { convolveFlattened } from './flattened.ts';
import { convolveIm2col } from './im2col.ts';
import { convolve } from './loops.ts';
import { convolveLoopsNhwc } from './loopsNhwc.ts';
import { convolveTaps } from './taps.ts';
import { convolveUnfold } from './unfold.ts';

/** Computes the accumulators of a convolution in the clear: raw input NCHW -> accumulators NCHW, exact. */
export type Executor = (spec: ConvSpec, input: Tensor) => Tensor;

/** All the ways, by the names that tutorials and papers give them. They agree on every integer. */
export const EXECUTORS = Object.freeze({
  loops: convolve,
  loopsNhwc: convolveLoopsNhwc,
  taps: convolveTaps,
  im2col: convolveIm2col,
  unfold: convolveUnfold,
  flattened: convolveFlattened,
} satisfies Record<string, Executor>);
