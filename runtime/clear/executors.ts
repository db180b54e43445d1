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
  /** Seven nested loops over NCHW input and OIHW weights: the oracle. */
  loops: convolve,
  /** The same loops over NHWC input and HWIO weights, as TensorFlow lays them out. */
  loopsNhwc: convolveLoopsNhwc,
  /** A sum over kernel offsets, each a product (pixels x Cin) times (Cin x Cout). */
  taps: convolveTaps,
  /** One product of the matrix of windows with the filter matrix. */
  im2col: convolveIm2col,
  /** The columns of `torch.nn.Unfold`, times the filter. */
  unfold: convolveUnfold,
  /** The flattened filter matrix of each output channel, y = x B. */
  flattened: convolveFlattened,
} satisfies Record<string, Executor>);
