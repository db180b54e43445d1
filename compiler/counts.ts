import { bitLength } from './interval.ts';
import type { DroppedBits } from './noise.ts';
import type { Parameters, PlanBytes, PlanCounts } from './plan.ts';
import { usedChunks } from './program.ts';
import type { Program } from './program.ts';

/** What one run of a program executes and sends, counted from the program itself. */

/** The seed that stands for c1 in an upload. */
const SEED_BYTES = 64;

/** Rows that are computed: those with terms. */
function computedRows(program: Program): number[] {
  return program.rows.flatMap((terms, row) => (terms.length === 0 ? [] : [row]));
}

/** Coefficients that one run sends: of c0 up, of c1 and of c0 down. */
export function travellingCoefficients(program: Program): {
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

/** Bytes of all ciphertexts of one run as the wire packs them: each polynomial fills up its last byte. */
export function countBytes(program: Program, parameters: Parameters, dropped: DroppedBits): PlanBytes {
  const polynomial = (coefficients: number, droppedBits: number): number =>
    Math.ceil(
      parameters.dataPrimes.reduce(
        (bits, prime) => bits + coefficients * (bitLength(BigInt(prime)) - droppedBits),
        0,
      ) / 8,
    );
  const chunks = usedChunks(program);
  const rows = computedRows(program);
  let [upload, response] = [0, 0];
  for (const { inputs, outputs } of program.blockGroups) {
    for (const chunk of chunks)
      upload += polynomial(inputs[chunk]!.read.length, dropped.uploadC0) + SEED_BYTES;
    for (const row of rows) {
      response += polynomial(outputs[row]!.coefficients.length, dropped.responseC0);
      response += polynomial(program.degree, dropped.responseC1);
    }
  }
  return { upload, response };
}

/** Counts what one run executes, from the program itself. */
export function countOperations(program: Program): PlanCounts {
  const groups = program.blockGroups.length;
  const inputCiphertexts = groups * usedChunks(program).length;
  const outputCiphertexts = groups * program.rows.filter((terms) => terms.length > 0).length;
  return {
    inputCiphertexts,
    outputCiphertexts,
    products: groups * program.rows.reduce((sum, terms) => sum + terms.length, 0),
    ntt: inputCiphertexts + outputCiphertexts,
    rotations: 0,
    weightPlaintexts: program.plaintexts.length,
  };
}
