import type { Interval } from '../base/interval.ts';

/**
 * A network that is computed under encryption from end to end: linear maps over exact integers with a square of every
 * value between two of them,
 *
 *     y = L_k(square(L_(k-1)( .. square(L_1(x)) .. ))).
 *
 * Whatever is linear between two squares (convolutions, dense layers, average pools, folded normalizations) is one map.
 * Elements of a tensor are numbered in C order: channel, row, column.
 */
export interface NetworkSpec {
  /** As messages name it. */
  readonly name: string;
  /** What the client encrypts. */
  readonly input: NetworkInput;
  /** At least one; the last one makes the logits. */
  readonly stages: readonly LinearStage[];
  /** What the integers of the last stage mean. */
  readonly output: NetworkOutput;
}

/** The integers that go in. */
export interface NetworkInput {
  /** Extents without the batch, such as [1, 28, 28]. */
  readonly shape: readonly number[];
  /** Every input integer lies in it. */
  readonly range: Interval;
}

/** The integers that come out. */
export interface NetworkOutput {
  /** Extents without the batch, such as [10]. */
  readonly shape: readonly number[];
  /** Real value of a logit over its integer, exactly. */
  readonly scale: Fraction;
}

/** An exact positive or negative fraction; decimal strings, the denominator above 0. */
export interface Fraction {
  /** Above the line. */
  readonly numerator: string;
  /** Below the line, positive. */
  readonly denominator: string;
}

/**
 * One linear map: output r = bias[r] + sum over k in [starts[r], starts[r + 1]) of weights[k] * input[columns[k]]. Columns
 * of a row are different. Entries follow from the geometry alone, weights of 0 included: which inputs meet which outputs
 * is known to the client, which weights are 0 is not.
 */
export interface LinearStage {
  /** Of the layers that it is made of. */
  readonly name: string;
  /** Number of input elements. */
  readonly inputs: number;
  /** Number of output elements. */
  readonly outputs: number;
  /** First entry of every row, and the number of entries at the end: outputs + 1 numbers. */
  readonly starts: readonly number[];
  /** Input element of every entry. */
  readonly columns: readonly number[];
  /** Weight of every entry, a safe integer. */
  readonly weights: readonly number[];
  /** One for every output, a safe integer. */
  readonly bias: readonly number[];
}

/** The stage that reads the input; `checkNetwork` has seen that there is one. */
export function firstStage({ stages }: NetworkSpec): LinearStage {
  return stages[0]!;
}

/** The stage that makes the logits. */
export function lastStage({ stages }: NetworkSpec): LinearStage {
  return stages[stages.length - 1]!;
}

/** The integers themselves are the logits. */
export const UNSCALED: Fraction = Object.freeze({ numerator: '1', denominator: '1' });
