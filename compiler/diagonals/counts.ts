import type { DroppedBits } from '../bfv/noise.ts';
import { babySteps, rotationsOf, usedInputs } from './program.ts';
import type { DiagonalsProgram } from './program.ts';
import { polynomialBytes, SEAL_SEED_BYTES } from '../bfv/wireBytes.ts';
import { allPrimes } from '../bfv/parameters.ts';
import type { Parameters } from '../bfv/parameters.ts';
import { emptyRows, keyCount } from '../lowering/plan.ts';
import type { PlanBytes, PlanCounts, PlanKeys, SentCiphertexts } from '../lowering/plan.ts';

/** What one run of a diagonals program executes and sends, counted from the program itself. */

function computedRows(program: DiagonalsProgram): number {
  return program.rows.filter((giants) => giants.length > 0).length;
}

/** Coefficients that one run sends: every one, because a slot depends on all of them. */
export function diagonalsCoefficients(program: DiagonalsProgram): {
  uploadC0: number;
  responseC1: number;
  responseC0: number;
} {
  const inputs = babySteps(program).filter((steps) => steps.length > 0).length;
  const response = computedRows(program) * program.degree;
  return { uploadC0: inputs * program.degree, responseC1: response, responseC0: response };
}

export function countDiagonalsBytes(
  program: DiagonalsProgram,
  { dataPrimes }: Parameters,
  dropped: DroppedBits,
): PlanBytes {
  const inputs = babySteps(program).filter((steps) => steps.length > 0).length;
  const rows = computedRows(program);
  return {
    upload: inputs * (polynomialBytes(dataPrimes, program.degree, dropped.uploadC0) + SEAL_SEED_BYTES),
    response:
      rows *
      (polynomialBytes(dataPrimes, program.degree, dropped.responseC0) +
        polynomialBytes(dataPrimes, program.degree, dropped.responseC1)),
  };
}

/**
 * Each input is transformed once for every baby, each sum of products once back. A rotation is one key switch; all
 * giants of a result that exchange the slot rows are exchanged together.
 */
export function countDiagonalsOperations(program: DiagonalsProgram): PlanCounts {
  const babies = babySteps(program);
  const giants = program.rows.flat();
  const transformed = babies.reduce((sum, steps) => sum + steps.length, 0);
  const rotatedInputs = babies.reduce((sum, steps) => sum + steps.filter((step) => step !== 0).length, 0);
  const rotatedSums = giants.filter(({ step }) => step !== 0).length;
  const exchanges = program.rows.filter((row) => row.some(({ exchange }) => exchange)).length;
  return {
    inputCiphertexts: babies.filter((steps) => steps.length > 0).length,
    outputCiphertexts: computedRows(program),
    products: giants.reduce((sum, { terms }) => sum + terms.length, 0),
    ntt: transformed + giants.length,
    rotations: rotatedInputs + rotatedSums + exchanges,
    weightPlaintexts: program.plaintexts.length,
  };
}

/**
 * The Galois keys of a program and their size. A key has one half for every data prime, under all primes: of its two
 * polynomials one travels and the seed of the other.
 */
export function diagonalsKeys(program: DiagonalsProgram, parameters: Parameters): PlanKeys {
  const rotations = rotationsOf(program);
  return { ...rotations, bytes: keysBytes(rotations, parameters) };
}

/** Bytes of keys for these rotations. */
function keysBytes(rotations: Pick<PlanKeys, 'steps' | 'exchange'>, parameters: Parameters): number {
  const primes = allPrimes(parameters).map(String);
  const half = polynomialBytes(primes, parameters.degree, 0) + SEAL_SEED_BYTES;
  return keyCount(rotations) * parameters.dataPrimes.length * half;
}

/** Input ciphertexts that some row reads, and results without any term. */
export function diagonalsTransfer(program: DiagonalsProgram): SentCiphertexts {
  return { usedChunks: usedInputs(program), emptyRows: emptyRows(program.rows) };
}
