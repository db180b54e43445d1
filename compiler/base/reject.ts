import { CipherconvError } from './errors.ts';

/** Fails with code `plan-rejected`. */
export function reject(where: string, message: string, expected: string, found: string): never {
  throw new CipherconvError({
    code: 'plan-rejected',
    where,
    message,
    expected,
    found,
    hint: 'the plan does not compute its convolution; compile it again',
  });
}
