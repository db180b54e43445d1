import { CipherconvError } from '../../compiler/base/errors.ts';

/** Of plan files, client plan files and model plan files. The three change together. */
export const PLAN_VERSION = 3;

/**
 * Refuses a file of another version before its schema is looked at: a hundred strange keys would not say why.
 * @param hint how to get a file of this version
 * @throws CipherconvError `malformed-plan`.
 */
export function requirePlanVersion(value: unknown, file: string, hint: string): void {
  if (typeof value !== 'object' || value === null || !('version' in value)) return;
  const { version } = value;
  if (!Number.isSafeInteger(version) || version === PLAN_VERSION) return;
  const isOlder = Number(version) < PLAN_VERSION;
  throw new CipherconvError({
    code: 'malformed-plan',
    where: file,
    message: `made by ${isOlder ? 'an older' : 'a newer'} cipherconv, whose plans this one does not read`,
    expected: `version ${PLAN_VERSION} of the file`,
    found: `version ${Number(version)}`,
    hint: isOlder ? hint : 'update cipherconv',
  });
}
