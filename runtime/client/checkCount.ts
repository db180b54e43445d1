import { CipherconvError } from '../../compiler/base/errors.ts';

/** A key of a hint is kilobytes of memory and milliseconds of a blocked thread. */
const MOST_PREPARED = 1000;

/** @throws CipherconvError `usage` for a number of inferences that is none. */
export function checkInferenceCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 0 && count <= MOST_PREPARED) return;
  throw new CipherconvError({
    code: 'usage',
    where: 'inferences',
    message: 'not a number of inferences to prepare at once',
    expected: `a whole number from 0 to ${MOST_PREPARED}`,
    found: String(count),
  });
}
