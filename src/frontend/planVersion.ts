import { CipherconvError } from '../../compiler/base/errors.ts';

/** Of plan files, client plan files and model plan files. The three change together. */
export const PLAN_VERSION = 3;

/**
 * Of the plans of networks of one round, both sides. They began at 3 and count on their own: with 4 the client makes the last
 * sums, and uploads come in NTT form.
 */
export const NETWORK_PLAN_VERSION = 4;

/**
 * Refuses a file of another version before its schema is looked at: a hundred strange keys would not say why.
 * @param hint how to get a file of this version
 * @param current the version that is read
 * @throws CipherconvError `malformed-plan`.
 */
export function requirePlanVersion(
  value: unknown,
  file: string,
  hint: string,
  current: number = PLAN_VERSION,
): void {
  if (typeof value !== 'object' || value === null || !('version' in value)) return;
  const { version } = value;
  if (!Number.isSafeInteger(version) || version === current) return;
  const isOlder = Number(version) < current;
  throw new CipherconvError({
    code: 'malformed-plan',
    where: file,
    message: `made by ${isOlder ? 'an older' : 'a newer'} cipherconv, whose plans this one does not read`,
    expected: `version ${current} of the file`,
    found: `version ${Number(version)}`,
    hint: isOlder ? hint : 'update cipherconv',
  });
}
