/** JSON with sorted keys and no spaces: equal data give equal bytes, so that a digest of it means something. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return typeof value[0] === 'object' ? `[${value.map(canonicalJson).join(',')}]` : JSON.stringify(value);
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${sortedEntries(value)
    .map(([key, child]) => `${JSON.stringify(key)}:${canonicalJson(child)}`)
    .join(',')}}`;
}

/** The same data for a file that people open: one top-level key a line. */
export function canonicalLines(value: object): string {
  const lines = sortedEntries(value).map(
    ([key, child]) => ` ${JSON.stringify(key)}: ${canonicalJson(child)}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** By code unit, not by locale. */
function sortedEntries(value: object): [string, unknown][] {
  return Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
}
