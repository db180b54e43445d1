import { CipherconvError } from '../../compiler/base/errors.ts';

/** @throws CipherconvError `usage` for a number of inferences that is none. */
export function checkInferenceCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new CipherconvError({
    code: 'usage',
    where: 'inferences',
    message: 'not a number of inferences to prepare',
    expected: 'a whole number, at least 0',
    found: String(count),
  });
}
