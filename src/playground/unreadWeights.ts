/**
 * Why .npy files that were opened alone change nothing; null where the config names one of them.
 * @param config its text; null while a model is open
 */
export function unreadWeights(
  files: readonly { readonly name: string }[],
  config: string | null,
): string | null {
  const names = files.map(({ name }) => name);
  if (config !== null && names.some((name) => config.includes(name))) return null;
  const list = names.join(', ');
  const first = JSON.stringify({ npy: names[0] ?? '' });
  return config === null
    ? `${list}: nothing changed. A model keeps its own weights; .npy files are weights of a filter config: open that together with them.`
    : `${list}: nothing changed, because the config names no such file. Write ${first} as weights.values, or open a config that does.`;
}
