import { reject } from '../base/reject.ts';
import { polynomialBytes, SEAL_SEED_BYTES } from '../bfv/wireBytes.ts';
import { allPrimes } from '../bfv/parameters.ts';
import { atMost, checkCiphertexts, checkIndices, CLIENT_LIMITS } from '../lowering/limits.ts';
import { keyCount } from '../lowering/plan.ts';
import { slotGeometry } from './packing.ts';
import type { DiagonalsView } from './plan.ts';

/**
 * Checks what only diagonals views say, before anything is as large as they say.
 * @throws CipherconvError `plan-rejected`
 */
export function checkDiagonals({ shape, packing, parameters, transfer, keys }: DiagonalsView): void {
  const { degree } = parameters;
  const { inputCiphertexts, resultCiphertexts } = slotGeometry(shape, { ...packing, degree });
  checkCiphertexts('input', inputCiphertexts, parameters);
  checkCiphertexts('result', resultCiphertexts, parameters);
  checkIndices('transfer.usedChunks', transfer.usedChunks, inputCiphertexts);
  checkIndices('transfer.emptyRows', transfer.emptyRows, resultCiphertexts);
  checkIndices('keys.steps', keys.steps, degree / 2);
  if (keys.steps[0] === 0) reject('keys.steps[0]', 'no rotation', 'at least 1', '0');
  const half = polynomialBytes(allPrimes(parameters).map(String), degree, 0) + SEAL_SEED_BYTES;
  const bytes = keyCount(keys) * parameters.dataPrimes.length * half;
  if (keys.bytes !== bytes)
    reject('keys.bytes', 'not what the steps take', String(bytes), String(keys.bytes));
  atMost('keys', bytes, CLIENT_LIMITS.keyBytes, 'bytes');
}
