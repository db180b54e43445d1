/** The product by the definition, X^N = -1, modulo a prime. */
export function negacyclicProduct(
  left: readonly bigint[],
  right: readonly bigint[],
  prime: bigint,
): bigint[] {
  const degree = left.length;
  const sums = new Array<bigint>(degree).fill(0n);
  left.forEach((a, i) => {
    right.forEach((b, j) => {
      const at = (i + j) % degree;
      sums[at] = sums[at]! + (i + j < degree ? a * b : -a * b);
    });
  });
  return sums.map((sum) => ((sum % prime) + prime) % prime);
}

/** Residues prime by prime into words of two 32-bit halves. */
export function storeResidues(words: Uint32Array, residues: readonly (readonly bigint[])[]): void {
  residues.flat().forEach((value, index) => {
    words[2 * index] = Number(value & 0xffffffffn);
    words[2 * index + 1] = Number(value >> 32n);
  });
}

/** The same back. */
export function residuesOf(words: Uint32Array, degree: number): bigint[][] {
  return Array.from({ length: words.length / 2 / degree }, (_, which) =>
    Array.from({ length: degree }, (_unused, index) => {
      const at = 2 * (which * degree + index);
      return BigInt(words[at]!) | (BigInt(words[at + 1]!) << 32n);
    }),
  );
}
