/** Words drawn at once: what one call of the generator may ask for at most is 65,536 bytes. */
const WORDS = 4096;

/** Uniform residues modulo t below 2^32, from the platform's cryptographic generator: words that would favour some are left out. */
export function randomResidues(count: number, plainModulus: number): Float64Array {
  const limit = 2 ** 32 - (2 ** 32 % plainModulus);
  const residues = new Float64Array(count);
  const words = new Uint32Array(WORDS);
  for (let found = 0; found < count;) {
    crypto.getRandomValues(words);
    for (let index = 0; index < WORDS && found < count; index++) {
      const word = words[index]!;
      if (word < limit) residues[found++] = word % plainModulus;
    }
  }
  return residues;
}
