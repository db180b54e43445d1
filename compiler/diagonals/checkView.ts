import type { DiagonalsView } from './plan.ts';
import { verifySlots } from '../lowering/checkParameters.ts';
import { slotGeometry } from './packing.ts';
import { checkCiphertexts, checkIndices, atMost, CLIENT_LIMITS } from '../lowering/limits.ts';
import { allPrimes } from '../bfv/parameters.ts';
import { polynomialBytes, SEED_BYTES } from '../bfv/wireBytes.ts';
import { reject } from '../base/reject.ts';

export function checkDiagonals({ shape, packing, parameters, transfer, keys }: DiagonalsView): void {
  const { degree, plainModulus } = parameters;
  verifySlots(degree, plainModulus);
  const geometry = slotGeometry(shape, packing);
  const { inputCiphertexts, resultCiphertexts } = geometry;
  checkCiphertexts('input', inputCiphertexts, parameters);
  checkCiphertexts('result', resultCiphertexts, parameters);
  checkIndices('transfer.usedChunks', transfer.usedChunks, inputCiphertexts);
  checkIndices('transfer.emptyRows', transfer.emptyRows, resultCiphertexts);
  checkIndices('keys.steps', keys.steps, degree / 2);
  const primes = allPrimes(parameters).map(String);
  const half = polynomialBytes(primes, degree, 0) + SEED_BYTES;
  const bytes = keys.steps.length * parameters.dataPrimes.length * half;
  if (keys.bytes !== bytes)
    reject('keys.bytes', 'not what the steps take', String(bytes), String(keys.bytes));
  atMost('keys', bytes, CLIENT_LIMITS.keyBytes, 'bytes');
}
