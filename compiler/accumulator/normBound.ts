import { ceilLog2, hull } from '../base/interval.ts';
import type { Interval } from '../base/interval.ts';
import { centredInputRange } from '../convolution/shape.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';

/**
 * Tier "l1": |sum| <= L1(weights of the channel) * max|x|, whatever the signs. A proof. It is what accumulator-aware
 * quantization trains against (A2Q: Colbert et al. 2023, arXiv 2308.13504; the closed form is in arXiv 2301.13376).
 */
export interface NormBound {
  /** Largest |x - zeroPoint| of an input. */
  readonly largestInput: number;
  /** L1 norm of the centred weights of each output channel. */
  readonly norms: readonly number[];
  /** [bias - norm * largestInput, bias + norm * largestInput] of each output channel. */
  readonly channels: readonly Interval[];
  readonly interval: Interval;
}

export function normBound(spec: ConvSpec): NormBound {
  const range = centredInputRange(spec.input);
  const largestInput = Math.max(Math.abs(range.lo), Math.abs(range.hi));
  const norms = new Array<number>(spec.weights.outChannels).fill(0);
  const centred = centredWeights(spec.weights);
  const perOutput = centred.length / norms.length;
  centred.forEach((weight, index) => {
    norms[Math.floor(index / perOutput)]! += Math.abs(weight);
  });
  const channels = norms.map((norm, channel) => {
    const bias = spec.bias[channel]!;
    return { lo: bias - norm * largestInput, hi: bias + norm * largestInput };
  });
  return { largestInput, norms, channels, interval: channels.reduce(hull) };
}

/**
 * Bits of a signed accumulator by A2Q's closed form ceil(beta + phi(beta) + 1), beta = log2(norm) + N - signed,
 * phi(b) = log2(1 + 2^-b), without bias and zero point. Since beta + phi(beta) = log2(2^beta + 1) and 2^beta is an
 * integer, it is ceil(log2(norm * 2^(N - signed) + 1)) + 1: exact, no logarithm of a double.
 */
export function a2qBits(norm: number, inputBits: number, inputSigned: boolean): number {
  return ceilLog2(norm * 2 ** (inputBits - (inputSigned ? 1 : 0)) + 1) + 1;
}

/** The same from datatypes alone: `taps` weights of at most 2^(weightBits - 1) in magnitude. */
export function a2qDatatypeBits(
  taps: number,
  weightBits: number,
  inputBits: number,
  inputSigned: boolean,
): number {
  return a2qBits(taps * 2 ** (weightBits - 1), inputBits, inputSigned);
}
