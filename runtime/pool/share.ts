import type { ToeplitzPlan } from '../../compiler/plan.ts';
import { computedRows } from '../../compiler/program.ts';
import type { ToeplitzProgram } from '../../compiler/program.ts';
import { pairChunks } from '../../compiler/programPlanes.ts';
import { BLOCK_ROWS } from '../../compiler/programSteps.ts';
import type { Share } from './message.ts';

/** What a share fills and computes. */
export interface ShareWork {
  /** Planes to fill, and the chunks that they take, in the order in which they are loaded. */
  readonly planes: readonly number[];
  readonly chunks: readonly number[];
  /** Program rows to compute. */
  readonly rows: readonly number[];
}

/** Shares that have anything to compute: whole blocks of rows. */
export function usefulShares(program: ToeplitzProgram, workers: number): number {
  return Math.min(workers, Math.ceil(computedRows(program).length / BLOCK_ROWS));
}

/** Planes are dealt out in turn, rows in runs of whole blocks, as even as blocks allow. */
export function shareWork(program: ToeplitzProgram, { index, count }: Share): ShareWork {
  const computed = computedRows(program);
  const blocks = Math.ceil(computed.length / BLOCK_ROWS);
  const firstRow = (share: number): number => Math.floor((share * blocks) / count) * BLOCK_ROWS;
  const all = pairChunks(program);
  const planes = all.flatMap((_, plane) => (plane % count === index ? [plane] : []));
  return {
    planes,
    chunks: planes.flatMap((plane) => {
      const { left, right } = all[plane]!;
      return left === right ? [left] : [left, right];
    }),
    rows: computed.slice(firstRow(index), firstRow(index + 1)),
  };
}

/** Positions of the chunks among a block group's uploads. */
export function uploadPositions(plan: ToeplitzPlan, chunks: readonly number[]): number[] {
  return chunks.map((chunk) => plan.transfer.usedChunks.indexOf(chunk));
}
