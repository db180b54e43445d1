import { CipherconvError } from '../../../compiler/base/errors.ts';

/** What `check` refuses, with its place in front; `name` is what the check itself calls the place. */
export function refusingAt<T>(place: string, name: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof CipherconvError) || error.code === 'internal') throw error;
    const { where } = error.details;
    const whole = where === undefined || where === name ? place : `${place}: ${where}`;
    throw new CipherconvError({ ...error.details, where: whole }, { cause: error });
  }
}
