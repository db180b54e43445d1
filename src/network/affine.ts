import { CipherconvError } from '../../compiler/base/errors.ts';
import type { Rational } from './rational.ts';

/**
 * A tensor within a network: every element is an affine form with integer weights over the values behind the last square
 * (or over the input), times one exact scale for all. Shapes are without the batch.
 */
export interface AffineTensor {
  readonly shape: readonly number[];
  readonly rows: readonly AffineRow[];
  readonly scale: Rational;
  /** Squares before it: which values the columns number. */
  readonly depth: number;
}

/** bias + sum of weights[k] * value columns[k]; columns are different. Entries of weight 0 stay: they follow from the geometry. */
export interface AffineRow {
  readonly columns: readonly number[];
  readonly weights: readonly number[];
  readonly bias: number;
}

/** The values themselves. */
export function identityTensor(
  shape: readonly number[],
  scale: Rational,
  depth: number,
  zeroPoint = 0,
): AffineTensor {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const rows = Array.from({ length: count }, (_, index) => ({
    columns: [index],
    weights: [1],
    bias: -zeroPoint,
  }));
  return { shape, rows, scale, depth };
}

/** One summand: an element and its factor, an integer. */
export interface Summand {
  readonly row: AffineRow;
  readonly factor: number;
}

/** @throws CipherconvError `unsupported` for what a double does not hold */
function exact(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new CipherconvError({
    code: 'unsupported',
    where: 'network',
    message: 'not supported yet: integers of 2^53 and more between two squares',
    hint: 'use fewer bits for weights and biases',
  });
}

/**
 * The sum of elements times factors, and a bias: every partial sum is exact.
 * @throws CipherconvError `unsupported` for integers past 2^53
 */
export function sumOf(summands: readonly Summand[], bias: number): AffineRow {
  const weights = new Map<number, number>();
  let total = exact(bias);
  for (const { row, factor } of summands) {
    total = exact(total + exact(factor * row.bias));
    for (let entry = 0; entry < row.columns.length; entry++) {
      const column = row.columns[entry]!;
      weights.set(column, exact((weights.get(column) ?? 0) + exact(factor * row.weights[entry]!)));
    }
  }
  return { columns: [...weights.keys()], weights: [...weights.values()], bias: total };
}
