import { countDiagonalsBytes, countDiagonalsOperations, diagonalsTransfer } from '../diagonals/counts.ts';
import type { Program } from './program.ts';
import { countToeplitzBytes, countToeplitzOperations, toeplitzTransfer } from '../toeplitz/counts.ts';
import type { Kernel, PlanBytes, PlanCounts, PlanWire, Transfer } from '../lowering/plan.ts';
import type { Parameters } from '../bfv/parameters.ts';

/** What one run of a program executes and sends, counted from the program itself. */

/** Inputs that some row reads, and rows without any term. */
export function transferOf(program: Program): Transfer {
  switch (program.lowering) {
    case 'toeplitz':
      return toeplitzTransfer(program);
    case 'diagonals':
      return diagonalsTransfer(program);
    default:
      return program satisfies never;
  }
}

/** Bytes of all ciphertexts of one run as the wire packs them: each polynomial fills up its last byte. */
export function countBytes(program: Program, parameters: Parameters, wire: PlanWire): PlanBytes {
  switch (program.lowering) {
    case 'toeplitz':
      return countToeplitzBytes(program, parameters, wire);
    case 'diagonals':
      return countDiagonalsBytes(program, parameters, wire);
    default:
      return program satisfies never;
  }
}

/** Counts what one run executes, from the program itself. */
export function countOperations(program: Program, kernel: Kernel): PlanCounts {
  switch (program.lowering) {
    case 'toeplitz':
      return countToeplitzOperations(program, kernel);
    case 'diagonals':
      return countDiagonalsOperations(program);
    default:
      return program satisfies never;
  }
}
