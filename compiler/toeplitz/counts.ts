import type { ToeplitzProgram } from './program.ts';
import { usedChunks, computedRows } from './program.ts';
import type { DropDemand } from '../bfv/dropBits.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { emptyRows, seedBytes } from '../lowering/plan.ts';
import type { Kernel, PlanBytes, PlanCounts, PlanWire, Protocol, SentCiphertexts } from '../lowering/plan.ts';
import { polynomialBytes } from '../bfv/wireBytes.ts';

/** What one run of a toeplitz program executes and sends, counted from the program itself. */

/** How many coefficients travel: in every run, and once as the hint. */
export type TravellingCoefficients = DropDemand['coefficients'] & { readonly hint: number };

/** Coefficients that one run sends: of c0 up, of c1 and of c0 down. With hints nothing of c1 travels. */
export function travellingCoefficients(program: ToeplitzProgram, protocol: Protocol): TravellingCoefficients {
  const chunks = usedChunks(program);
  const rows = computedRows(program);
  let [uploadC0, responseC0] = [0, 0];
  for (const { inputs, outputs } of program.blockGroups) {
    for (const chunk of chunks) uploadC0 += inputs[chunk]!.read.length;
    for (const row of rows) responseC0 += outputs[row]!.coefficients.length;
  }
  const responseC1 = protocol === 'hint' ? 0 : program.blockGroups.length * rows.length * program.degree;
  const hint = protocol === 'hint' ? rows.length * program.degree : 0;
  return { uploadC0, responseC1, responseC0, hint };
}

export function countToeplitzBytes(
  program: ToeplitzProgram,
  parameters: Parameters,
  wire: PlanWire,
): PlanBytes {
  const { dataPrimes } = parameters;
  const chunks = usedChunks(program);
  const rows = computedRows(program);
  const wholeC1 = wire.upload === 'whole' ? polynomialBytes(dataPrimes, program.degree, 0) : 0;
  const uploadC1 = wholeC1 + seedBytes(wire.upload);
  const responseC1 =
    wire.upload === 'hint' ? 0 : polynomialBytes(dataPrimes, program.degree, wire.responseC1);
  let [upload, response] = [0, 0];
  for (const { inputs, outputs } of program.blockGroups) {
    for (const chunk of chunks)
      upload += polynomialBytes(dataPrimes, inputs[chunk]!.read.length, wire.uploadC0) + uploadC1;
    for (const row of rows)
      response +=
        polynomialBytes(dataPrimes, outputs[row]!.coefficients.length, wire.responseC0) + responseC1;
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
