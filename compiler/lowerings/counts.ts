import { countDiagonalsBytes, countDiagonalsOperations } from '../diagonals/counts.ts';
import type { Kernel, Parameters, PlanBytes, PlanCounts, PlanWire, Transfer } from './plan.ts';
import { computedRows, usedChunks } from './program.ts';
import type { Program, ToeplitzProgram } from './program.ts';
import { usedInputs } from '../diagonals/program.ts';
import { polynomialBytes, SEED_BYTES } from '../bfv/wireBytes.ts';

/** What one run of a program executes and sends, counted from the program itself. */

/** Coefficients that one run sends: of c0 up, of c1 and of c0 down. */
export function travellingCoefficients(program: ToeplitzProgram): {
  uploadC0: number;
  responseC1: number;
  responseC0: number;
} {
  const chunks = usedChunks(program);
  const rows = computedRows(program);
  let [uploadC0, responseC0] = [0, 0];
  for (const { inputs, outputs } of program.blockGroups) {
    for (const chunk of chunks) uploadC0 += inputs[chunk]!.read.length;
    for (const row of rows) responseC0 += outputs[row]!.coefficients.length;
  }
  return { uploadC0, responseC1: program.blockGroups.length * rows.length * program.degree, responseC0 };
}

/** Inputs that some row reads, and rows without any term. */
export function transferOf(program: Program): Transfer {
  const rows: readonly (readonly unknown[])[] = program.rows;
  const emptyRows = rows.flatMap((terms, row) => (terms.length === 0 ? [row] : []));
  switch (program.lowering) {
    case 'toeplitz':
      return { usedChunks: usedChunks(program), emptyRows };
    case 'diagonals':
      return { usedChunks: usedInputs(program), emptyRows };
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

function countToeplitzBytes(program: ToeplitzProgram, parameters: Parameters, wire: PlanWire): PlanBytes {
  const { dataPrimes } = parameters;
  const chunks = usedChunks(program);
  const rows = computedRows(program);
  const uploadC1 = wire.upload === 'seeded' ? SEED_BYTES : polynomialBytes(dataPrimes, program.degree, 0);
  let [upload, response] = [0, 0];
  for (const { inputs, outputs } of program.blockGroups) {
    for (const chunk of chunks)
      upload += polynomialBytes(dataPrimes, inputs[chunk]!.read.length, wire.uploadC0) + uploadC1;
    for (const row of rows) {
      response += polynomialBytes(dataPrimes, outputs[row]!.coefficients.length, wire.responseC0);
      response += polynomialBytes(dataPrimes, program.degree, wire.responseC1);
    }
  }
  return { upload, response };
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

function countToeplitzOperations(program: ToeplitzProgram, kernel: Kernel): PlanCounts {
  const groups = program.blockGroups.length;
  const inputCiphertexts = groups * usedChunks(program).length;
  const outputCiphertexts = groups * program.rows.filter((terms) => terms.length > 0).length;
  return {
    inputCiphertexts,
    outputCiphertexts,
    products: groups * program.rows.reduce((sum, terms) => sum + terms.length, 0),
    // The direct kernel works on raw coefficients.
    ntt: kernel === 'direct' ? 0 : inputCiphertexts + outputCiphertexts,
    rotations: 0,
    weightPlaintexts: program.plaintexts.length,
  };
}
