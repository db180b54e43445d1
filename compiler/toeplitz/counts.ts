import type { ToeplitzProgram } from './program.ts';
import { usedChunks, computedRows } from './program.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { emptyRows } from '../lowering/plan.ts';
import type { Kernel, PlanBytes, PlanCounts, PlanWire, SentCiphertexts } from '../lowering/plan.ts';
import { SEED_BYTES, polynomialBytes } from '../bfv/wireBytes.ts';

/** What one run of a toeplitz program executes and sends, counted from the program itself. */

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

export function countToeplitzBytes(
  program: ToeplitzProgram,
  parameters: Parameters,
  wire: PlanWire,
): PlanBytes {
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

export function countToeplitzOperations(program: ToeplitzProgram, kernel: Kernel): PlanCounts {
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

/** Chunks that some row reads, and rows without any term. */
export function toeplitzTransfer(program: ToeplitzProgram): SentCiphertexts {
  return { usedChunks: usedChunks(program), emptyRows: emptyRows(program.rows) };
}
