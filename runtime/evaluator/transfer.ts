import { CipherconvError, internalError } from '../../compiler/base/errors.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import { computedRows } from '../../compiler/toeplitz/program.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';

/** What travels, checked against the program, as evaluators need it. */
export interface CheckedTransfer {
  /** Number of each row that has terms, ascending: the results of a block group, in order. */
  readonly rows: readonly number[];
  /** Position of each of them among the results of a block group. */
  readonly result: ReadonlyMap<number, number>;
  /** Position of each used chunk among a block group's uploads. */
  readonly position: ReadonlyMap<number, number>;
}

/**
 * The transfer of a plan, which its program must bear out.
 * @throws CipherconvError `plan-rejected`.
 */
export function checkTransfer(plan: ToeplitzPlan, program: ToeplitzProgram): CheckedTransfer {
  const { usedChunks, emptyRows } = plan.transfer;
  const position = new Map(usedChunks.map((chunk, index) => [chunk, index]));
  const empty = program.rows.flatMap((terms, row) => (terms.length === 0 ? [row] : []));
  if (empty.join() !== emptyRows.join()) reject('emptyRows', empty, emptyRows);
  for (const terms of program.rows) {
    for (const { chunk } of terms) if (!position.has(chunk)) reject('usedChunks', [chunk], usedChunks);
  }
  const rows = computedRows(program);
  return { rows, result: new Map(rows.map((row, index) => [row, index])), position };
}

/** Number of the ciphertext, in the whole upload, of a chunk of a block group. */
export function uploadIndex({ position }: CheckedTransfer, group: number, chunk: number): number {
  const at = position.get(chunk);
  if (at === undefined) throw internalError(`chunk ${chunk} does not travel`);
  return group * position.size + at;
}

/** Number of the ciphertext, in the whole response, of a row of a block group. */
export function responseIndex({ result }: CheckedTransfer, group: number, row: number): number {
  const at = result.get(row);
  if (at === undefined) throw internalError(`row ${row} has no result`);
  return group * result.size + at;
}

function reject(field: string, expected: readonly number[], found: readonly number[]): never {
  throw new CipherconvError({
    code: 'plan-rejected',
    where: `transfer.${field}`,
    message: 'the plan does not fit its own program',
    expected: expected.join(', '),
    found: found.join(', '),
  });
}
