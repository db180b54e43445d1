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

/**
 * Both as JSON must be the same, in whatever order the keys of objects stand.
 * @throws CipherconvError `plan-rejected`
 */
export function requireEqual(where: string, expected: unknown, found: unknown): void {
  const [left, right] = [stableText(expected), stableText(found)];
  if (left !== right) reject(where, 'differs from what the weights say', left, right);
}

/** JSON with the keys of objects in order: a plan file may have them in another one. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
}
