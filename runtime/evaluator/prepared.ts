import type { BlockGroup } from '../../compiler/toeplitz/placement.ts';
import type { RingPlaintext } from '../../compiler/toeplitz/program.ts';
import { DEFAULT_WEIGHT_MEMORY_BYTES } from './types.ts';
import type { EvaluatorOptions } from './types.ts';
import type { Step } from './weights.ts';

/** What prepared plans take beside their weights, and what that leaves to these. */

/**
 * What transformed weights may take: what is allowed, or nothing where they do not fit beside the rest.
 * @param allBytes of everything that is prepared, with all weights
 */
export function weightAllowance(
  { weightMemoryBytes = DEFAULT_WEIGHT_MEMORY_BYTES, preparedMemoryBytes = Infinity }: EvaluatorOptions,
  allBytes: number,
): number {
  return allBytes <= preparedMemoryBytes ? weightMemoryBytes : 0;
}

/** What V8 takes for an array besides its numbers, and for a step of a row: measured, and rounded up. */
const ARRAY_BYTES = 320;
const STEP_BYTES = 56;

/** Bytes of rows of steps and of lists of numbers. */
export function listBytes(rows: readonly (readonly Step[])[], lists: readonly Int32Array[]): number {
  const steps = rows.reduce((sum, row) => sum + row.length, 0);
  return lists.reduce((sum, { byteLength }) => sum + byteLength + ARRAY_BYTES, steps * STEP_BYTES);
}

/** All lists of a block group. */
export function placementLists({ inputs, outputs }: BlockGroup): Int32Array[] {
  return [
    ...inputs.flatMap(({ coefficients, elements, read }) => [coefficients, elements, read]),
    ...outputs.flatMap(({ coefficients, elements }) => [coefficients, elements]),
  ];
}

/** Bytes of the polynomials of a program. */
export function polynomialListBytes(polynomials: readonly RingPlaintext[]): number {
  return polynomials.reduce(
    (sum, { exponents, values }) => sum + exponents.byteLength + values.byteLength + 2 * ARRAY_BYTES,
    0,
  );
}
