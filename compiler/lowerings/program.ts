import type { DiagonalsPacking } from '../diagonals/packing.ts';
import type { ToeplitzPacking } from '../toeplitz/packing.ts';
import { buildDiagonals } from '../diagonals/program.ts';
import type { DiagonalsProgram } from '../diagonals/program.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import type { ToeplitzProgram } from '../toeplitz/program.ts';
import { buildToeplitz } from '../toeplitz/program.ts';

/** The executable form of a plan, by its lowering. */
export type Program = ToeplitzProgram | DiagonalsProgram;

/** What a program is made from: the parts of a plan that decide it. */
export interface ProgramSource<Packing = ToeplitzPacking | DiagonalsPacking> {
  readonly spec: ConvSpec;
  readonly packing: Packing;
  readonly parameters: { readonly plainModulus: number };
}

/** Expands a plan into its program. Pure: the same plan gives the same program. */
export function buildProgram(source: ProgramSource<ToeplitzPacking>): ToeplitzProgram;
export function buildProgram(source: ProgramSource<DiagonalsPacking>): DiagonalsProgram;
export function buildProgram(source: ProgramSource): Program;
export function buildProgram({ spec, packing, parameters }: ProgramSource): Program {
  switch (packing.lowering) {
    case 'toeplitz':
      return buildToeplitz(spec, packing, parameters.plainModulus);
    case 'diagonals':
      return buildDiagonals(spec, packing, parameters.plainModulus);
    default:
      return packing satisfies never;
  }
}
