import type { DiagonalsProgram, DiagonalsSource } from '../diagonals/program.ts';
import type { ToeplitzProgram, ToeplitzSource } from '../toeplitz/program.ts';
import { loweringOf, LOWERINGS } from './registry.ts';
import type { Program } from './registry.ts';

/** What a program is made from: the parts of a plan that decide it. */
export type ProgramSource =
  | (ToeplitzSource & { readonly lowering: 'toeplitz' })
  | (DiagonalsSource & { readonly lowering: 'diagonals' });

/** Expands a plan into its program. Pure: the same plan gives the same program. */
export function buildProgram(source: ToeplitzSource & { readonly lowering: 'toeplitz' }): ToeplitzProgram;
export function buildProgram(source: DiagonalsSource & { readonly lowering: 'diagonals' }): DiagonalsProgram;
export function buildProgram(source: ProgramSource): Program;
export function buildProgram(source: ProgramSource): Program {
  return loweringOf(LOWERINGS, source).program(source);
}
