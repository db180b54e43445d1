/** Freezes plain data, all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  // A long list of numbers has nothing below it to freeze.
  if (!Array.isArray(value) || typeof value[0] === 'object')
    for (const child of Object.values(value)) deepFreeze(child);
  return value;
}
