/** Code units of a convolution's name in a plan. */
const MAX_LENGTH = 200;

/** The name of a layer's convolution: the layer's own, cut off where a plan file would not take it. */
export function specName(name: string): string {
  if (name.length <= MAX_LENGTH) return name;
  // Half of a pair of surrogates is no character.
  return `${name.slice(0, MAX_LENGTH - 3).replace(/[\uD800-\uDBFF]$/, '')}...`;
}
