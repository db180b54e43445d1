import { bitLength } from '../base/interval.ts';
import type { ToeplitzPlan } from './plan.ts';
import { computedRows } from './program.ts';
import type { RingPlaintext, ToeplitzProgram } from './program.ts';

/**
 * A part of a program that one worker computes: some of the block groups with all rows, or some of the computed rows of
 * all block groups. Every result belongs to exactly one part, so the results do not depend on how many parts there are.
 */
export type Part =
  | { readonly kind: 'groups'; readonly first: number; readonly count: number }
  | { readonly kind: 'rows'; readonly first: number; readonly count: number };

/** A plan and program that compute one part, with everything else left out. */
export interface ProgramPart {
  readonly plan: ToeplitzPlan;
  readonly program: ToeplitzProgram;
}

function chunksOf(program: ToeplitzProgram, rows: readonly number[]): number[] {
  const chunks = new Set(rows.flatMap((row) => program.rows[row]!.map(({ chunk }) => chunk)));
  return [...chunks].sort((left, right) => left - right);
}

/** Cuts a part out of a program. The plan keeps all but its transfer, which is the part's. */
export function takePart(plan: ToeplitzPlan, program: ToeplitzProgram, part: Part): ProgramPart {
  if (part.kind === 'groups') {
    return {
      plan,
      program: { ...program, blockGroups: program.blockGroups.slice(part.first, part.first + part.count) },
    };
  }
  const rows = computedRows(program).slice(part.first, part.first + part.count);
  const plaintexts: RingPlaintext[] = [];
  const kept = rows.map((row) =>
    program.rows[row]!.map(({ chunk, plaintext }) => {
      plaintexts.push(program.plaintexts[plaintext]!);
      return { chunk, plaintext: plaintexts.length - 1 };
    }),
  );
  const blockGroups = program.blockGroups.map(({ inputs, outputs }) => ({
    inputs,
    outputs: rows.map((row) => outputs[row]!),
  }));
  return {
    plan: { ...plan, transfer: { usedChunks: chunksOf(program, rows), emptyRows: [] } },
    program: { ...program, rows: kept, plaintexts, blockGroups },
  };
}

/** Positions, in the upload of the whole plan, of the ciphertexts that the part reads, in the part's order. */
export function uploadOfPart(plan: ToeplitzPlan, program: ToeplitzProgram, part: Part): number[] {
  const used = plan.transfer.usedChunks;
  if (part.kind === 'groups') {
    return Array.from({ length: part.count * used.length }, (_, index) => part.first * used.length + index);
  }
  const rows = computedRows(program).slice(part.first, part.first + part.count);
  const positions = chunksOf(program, rows).map((chunk) => used.indexOf(chunk));
  return program.blockGroups.flatMap((_, group) =>
    positions.map((position) => group * used.length + position),
  );
}

/** Positions of the part's results among the results of the whole plan, in the part's order. */
export function resultsOfPart(program: ToeplitzProgram, part: Part): number[] {
  const rows = computedRows(program).length;
  if (part.kind === 'groups') {
    return Array.from({ length: part.count * rows }, (_, index) => part.first * rows + index);
  }
  return program.blockGroups.flatMap((_, group) =>
    Array.from({ length: part.count }, (__, index) => group * rows + part.first + index),
  );
}

/** Cuts `total` into at most `parts` runs of nearly equal length. */
function evenRuns(kind: Part['kind'], total: number, parts: number): Part[] {
  const count = Math.min(total, parts);
  return Array.from({ length: count }, (_, index) => {
    const first = Math.floor((index * total) / count);
    return { kind, first, count: Math.floor(((index + 1) * total) / count) - first };
  });
}

/** Largest share of the work that one part has; 1 / parts is perfect balance. */
function largestShare(parts: readonly Part[]): number {
  const sizes = parts.map((part) => part.count);
  return Math.max(...sizes) / sizes.reduce((sum, size) => sum + size, 0);
}

/** Bits of c0 that all parts together are sent. */
function movedBits(plan: ToeplitzPlan, program: ToeplitzProgram, parts: readonly Part[]): number {
  const used = plan.transfer.usedChunks;
  const perCoefficient = plan.parameters.dataPrimes.reduce(
    (bits, prime) => bits + bitLength(BigInt(prime)),
    0,
  );
  const sizes = program.blockGroups.flatMap(({ inputs }) => used.map((chunk) => inputs[chunk]!.read.length));
  return parts
    .flatMap((part) => uploadOfPart(plan, program, part))
    .reduce((bits, position) => bits + sizes[position]! * perCoefficient, 0);
}

/** A split this much less balanced than the other is not taken for the bytes it saves. */
const TOLERATED_IMBALANCE = 1.1;

/**
 * Splits a program over at most `workers` workers: by block groups (each input goes to one worker) or by result rows
 * (each weight stays with one worker), whichever moves fewer bytes, unless it leaves the work clearly less even.
 */
export function splitProgram(plan: ToeplitzPlan, program: ToeplitzProgram, workers: number): Part[] {
  const byGroups = evenRuns('groups', program.blockGroups.length, workers);
  const byRows = evenRuns('rows', computedRows(program).length, workers);
  if (byRows.length === 0) return byGroups.slice(0, 1);
  const [groupShare, rowShare] = [largestShare(byGroups), largestShare(byRows)];
  if (groupShare > rowShare * TOLERATED_IMBALANCE) return byRows;
  if (rowShare > groupShare * TOLERATED_IMBALANCE) return byGroups;
  return movedBits(plan, program, byRows) < movedBits(plan, program, byGroups) ? byRows : byGroups;
}
